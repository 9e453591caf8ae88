"""Rule files: the example of the docs, and what is named on the command line."""

import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citywatch.cli.rules import app
from citywatch.errors import RuleError
from rules.check import check_text
from rules.definitions import parse_definition

DOCS = Path(__file__).resolve().parents[3] / "docs" / "rules.md"
RULE, TESTS = re.findall(r"```yaml\n((?:id|rule): .*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[:2]


def test_the_example_of_the_docs_runs_under_every_name_a_shell_gives(tmp_path: Path) -> None:
    files = tmp_path / "my-bin-full.yaml", tmp_path / "my-bin-full.test.yaml"
    for path, text in zip(files, (RULE, TESTS), strict=True):
        path.write_text(text, encoding="utf-8")
    assert CliRunner().invoke(app, ["test", *map(str, files)]).stdout == "2 tests, 0 failures\n"
    assert CliRunner().invoke(app, ["check", str(files[1])]).stdout.startswith("1 rule, ")


def test_a_folder_without_rules_is_no_success(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(found.exception, RuleError)
    assert "no rule file" in str(found.exception)


def test_what_cannot_be_met_and_what_is_overdue_are_named_with_their_lines() -> None:
    text = RULE.replace("{at_least: 90, deadband: 5}", "{count: 3, in: district, of: {at_least: 900}}")
    text = text.replace("off_delay: 0s  ", "").replace("2027-05-01", "2020-05-01")
    lines = text.splitlines()
    _, mistakes = check_text(text, TESTS, date(2026, 11, 25))
    at = {key: next(n for n, line in enumerate(lines, 1) if line.strip().startswith(key)) for key in ("when", "review")}
    assert f"rule:{at['review']}: its review was due on 2020-05-01" in mistakes
    assert any(
        each.startswith(f"rule:{at['when']}: the limit 900 % of fill_level can never be met") for each in mistakes
    )


def test_a_text_that_is_yet_to_be_written_is_refused() -> None:
    unwritten = re.sub("cause: .*", "cause: ...", RULE)
    with pytest.raises(RuleError, match=r"rule:14: expected a text that is not empty, not '\.\.\.'"):
        parse_definition(unwritten, "rule")


WHEN = "{at_least: 90, deadband: 5}"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        pytest.param(WHEN, "{any: [&a {at_least: 90}, *a]}", "the alias *a is not taken", id="an alias"),
        pytest.param(WHEN, "{not: " * 400 + WHEN + "}" * 400, "more than 50 levels", id="a condition without end"),
        pytest.param(WHEN, "{at_least: !!int ''}", "the tag tag:yaml.org,2002:int is not taken", id="a tag"),
        pytest.param(WHEN, "{at_least: " + "9" * 400 + "}", "not a value: int too large", id="a number too large"),
        pytest.param(WHEN, "{no_data: 1.0e+300}", "of expected intervals of 1 to 1,000", id="a silence without end"),
        pytest.param("on_delay: 10m", "on_delay: 999999d", "at most 36500 days, not 999999", id="a delay without end"),
        pytest.param("on_delay: 10m", "on_delay: 9999999999d", "at most 999999999 days", id="a duration of none"),
        pytest.param("title:", "? [a, b]\n: 1\ntitle:", "a key is a word", id="a list for a key"),
    ],
)
def test_what_cannot_be_reckoned_with_is_a_mistake_with_its_line(old: str, new: str, mistake: str) -> None:
    assert old in RULE
    definition, mistakes = check_text(RULE.replace(old, new), TESTS, date(2026, 11, 25))
    assert definition is None
    assert mistakes[0].startswith("rule:")
    assert mistake in mistakes[0]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        pytest.param("every: 5m", "every: 9000d", "a series goes over at most 3650 days", id="past the calendar"),
        pytest.param("every: 5m", "every: 5m\n    expected_interval: 900d", "at least every 366 days", id="a rhythm"),
        pytest.param("every: 5m", "every: 5m\n    quality: {fill_level: '77'}", "77 is no flag", id="no such flag"),
        pytest.param('"85 ', f'"{"9" * 400} ', "at most 50 characters, not 400", id="a value too large"),
        pytest.param("series: {", "series: {? [a] : '1', ", "a key is a word", id="a list for a key"),
        pytest.param("tests:", "tests: &a\n  - *a", "the alias *a is not taken", id="an alias"),
    ],
)
def test_tests_that_cannot_be_run_are_mistakes_with_their_lines(old: str, new: str, mistake: str) -> None:
    assert old in TESTS
    _, mistakes = check_text(RULE, TESTS.replace(old, new), date(2026, 11, 25))
    assert any(each.startswith("tests:") and mistake in each for each in mistakes), mistakes
