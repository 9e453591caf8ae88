# Two commands: `make up` shows a living city, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TREE := citywatch sql devices indicators rules ingest api dashboard simulators benchmarks tests docs/proof

.PHONY: up setup setup-dev test check format bench prove messages screenshots sbom pages site docs lock clean

up: setup
	@exec $(BIN)/citywatch up $(ARGS)

setup: $(VENV)/.setup-done
setup-dev: $(VENV)/.setup-dev-done

$(VENV)/.setup-done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Citywatch needs Python 3.11 or newer; '$(PYTHON)' is older. Name another: make up PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment: on Debian and Ubuntu the package python3-venv is missing."; exit 1; }
	@echo "Installing what the lock file names (first time only, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m citywatch.local.link
	@touch $@

$(VENV)/.setup-dev-done: $(VENV)/.setup-done requirements-dev.lock
	@echo "Installing the tools for tests and checks ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

test: setup-dev
	@$(BIN)/python -m tests $(ARGS)

check: setup-dev
	@$(BIN)/ruff format --check --quiet $(TREE) || { echo "Run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet $(TREE)
	@$(BIN)/mypy $(TREE)
	@PYTHONPATH=. $(BIN)/lint-imports
	@$(BIN)/python -m tests.audit
	@$(MAKE) --no-print-directory pages  # every link between them

format: setup-dev
	@$(BIN)/ruff format $(TREE)
	@$(BIN)/ruff check --fix $(TREE)

bench: setup-dev
	@$(BIN)/python -m benchmarks $(ARGS)

prove: setup-dev
	@$(BIN)/python -m docs.proof $(ARGS)

messages: setup-dev
	@$(BIN)/python -m tests.messages

screenshots: setup-dev
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

sbom: setup
	@mkdir -p build
	@$(BIN)/python -m citywatch.local.sbom > build/sbom.json
	@echo "build/sbom.json: what is inside, as CycloneDX"

docs: setup-dev
	@$(BIN)/python -m citywatch.local.example_env

# Not --quiet: that hides the warnings from --strict as well.
pages: setup-dev
	@mkdir -p build
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict > build/pages.log 2>&1 || { cat build/pages.log; exit 1; }

site: pages
	@echo "build/site/index.html: the documentation as a site"

lock: setup-dev
	@$(BIN)/python -m tests.lock

clean:
	rm -rf $(VENV) .citywatch build
