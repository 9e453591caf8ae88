"""The compose files: valid by the Compose Specification's own schema, hardened, and of files that are there."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from citywatch.metrics import REGISTRY
from citywatch.settings import known_keys, secret_keys

ROOT = Path(__file__).parents[3]
# compose-spec/compose-spec @170098ba07d9f53c383a41bfd4c5166b0a4529a6, schema/compose-spec.json, Apache-2.0.
SCHEMA = json.loads(Path(__file__).with_name("compose-spec.json").read_text(encoding="utf-8"))
FILES: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    for name in ("docker-compose.yml", "docker-compose.cluster.yml")
}
SERVICES = {f"{file} {name}": each for file, composed in FILES.items() for name, each in composed["services"].items()}
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "citywatch:local"}
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/citywatch-alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/citywatch.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES)
def test_the_file_is_valid(file: str) -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(FILES[file])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0, "not root"
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    assert {"cpus", "memory"} <= limits.keys()
    assert "healthcheck" in service
    for port in service.get("ports", []):
        assert port.startswith(("127.0.0.1:", "${CITYWATCH_MQTT_ADDRESS:-127.0.0.1}:"))


@pytest.mark.parametrize("name", OURS)
def test_settings_of_a_service_are_known_and_secrets_are_files(name: str) -> None:
    environment = OURS[name]["environment"]
    files = {f"{key}_FILE" for key in secret_keys()}
    assert environment.keys() <= known_keys().keys() | files
    assert not environment.keys() & secret_keys()
    for key in environment.keys() & files:
        assert environment[key] == f"/run/secrets/{environment[key].rsplit('/', 1)[1]}"
        assert environment[key].rsplit("/", 1)[1] in OURS[name]["secrets"]


@pytest.mark.parametrize("file", FILES)
def test_what_is_mounted_and_named_is_there(file: str) -> None:
    composed = FILES[file]
    for service in composed["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source in composed["volumes"] or (ROOT / source).exists(), mount
        assert set(service.get("secrets", [])) <= composed["secrets"].keys()
        assert set(service.get("depends_on", [])) <= composed["services"].keys()


@pytest.mark.parametrize("file", FILES)
def test_every_secret_is_made(file: str) -> None:
    script = (ROOT / "deploy" / "secrets.sh").read_text(encoding="utf-8")
    for name, secret in FILES[file]["secrets"].items():
        assert secret["file"] == f"deploy/secrets/{name}"
        assert re.search(rf"\b{name}\b", script), name


def test_the_cluster_runs_the_same_commands() -> None:
    """Each was run by a test already: tests/integration/test_services.py."""
    one, many = (
        {
            tuple(each["command"][:2])
            for each in FILES[file]["services"].values()
            if each.get("image") == "citywatch:local"
        }
        for file in FILES
    )
    assert many <= one


def test_the_workers_of_the_cluster_have_a_slot_each() -> None:
    environments = [each["environment"] for name, each in OURS.items() if " ingest-" in name]
    assert {each["CITYWATCH_INGEST__WORKERS"] for each in environments} == {str(len(environments))}
    assert [each["CITYWATCH_INGEST__SLOT"] for each in environments] == [str(n) for n in range(len(environments))]


def exported() -> set[str]:
    """Names that /metrics may show: of the processes, and those that api/metrics.py makes of the store."""
    names = {family.name for family in REGISTRY.collect()}
    text = (ROOT / "api" / "metrics.py").read_text(encoding="utf-8")
    return names | set(re.findall(r'"(citywatch_\w+)"', text))


def asked_for(expression: str) -> set[str]:
    """Names of our metrics in an expression, without what the exposition adds to them."""
    return {re.sub("_(bucket|sum|count|total)$", "", name) for name in re.findall(r"\b(citywatch_\w+)", expression)}


@pytest.mark.parametrize("rule", ALERTS["groups"][0]["rules"], ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_there_are_and_has_a_runbook(rule: dict[str, Any]) -> None:
    asked = asked_for(rule["expr"])
    assert asked or rule["expr"].startswith("up{")
    assert asked <= exported(), asked - exported()
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / document).read_text(encoding="utf-8")
    assert anchor in {line.removeprefix("### ").strip().lower() for line in text.splitlines()}


def test_every_runbook_is_of_an_alert_there_is() -> None:
    runbooks = (
        (ROOT / "docs/operations.md").read_text(encoding="utf-8").partition("## Runbooks")[2].partition("\n## ")[0]
    )
    named = {line.removeprefix("### ").strip() for line in runbooks.splitlines() if line.startswith("### ")}
    assert named == {rule["alert"] for rule in ALERTS["groups"][0]["rules"]}


def test_the_dashboard_asks_for_metrics_there_are() -> None:
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    assert len(asked) >= 10
    for expression in asked:
        names = asked_for(expression)
        assert names
        assert names <= exported(), expression
