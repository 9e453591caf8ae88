"""Rule files: the example of the docs, and what is named on the command line."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citywatch.cli.rules import app
from citywatch.errors import RuleError
from rules.definitions import parse_definition

DOCS = Path(__file__).resolve().parents[3] / "docs" / "rules.md"
RULE, TESTS = re.findall(r"```yaml\n((?:id|rule): .*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[:2]


def test_the_example_of_the_docs_runs_under_every_name_a_shell_gives(tmp_path: Path) -> None:
    files = tmp_path / "my-bin-full.yaml", tmp_path / "my-bin-full.test.yaml"
    for path, text in zip(files, (RULE, TESTS), strict=True):
        path.write_text(text, encoding="utf-8")
    assert CliRunner().invoke(app, ["test", *map(str, files)]).stdout == "2 tests, 0 failures\n"
    assert CliRunner().invoke(app, ["check", str(files[1])]).stdout.startswith("1 rules, ")


def test_a_text_that_is_yet_to_be_written_is_refused() -> None:
    unwritten = re.sub("cause: .*", "cause: ...", RULE)
    with pytest.raises(RuleError, match=r"rule:14: expected a text that is not empty, not '\.\.\.'"):
        parse_definition(unwritten, "rule")
