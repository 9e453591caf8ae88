"""Rule files with mistakes that are not in their words: each is a RuleError, which names the file."""

from pathlib import Path

import pytest

from citywatch.errors import RuleError
from rules.definitions import FOLDER, load_definition, load_definitions, parse_definition, rule_files

FULL = (FOLDER / "bin-nearly-full.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        pytest.param(f"{{at_least: {'9' * 400}}}", "^rule:5: not a value: int too large", id="more than a float holds"),
        pytest.param(
            f"{{at_least: -{'9' * 400}}}", "^rule:5: not a value: int too large", id="less than a float holds"
        ),
        pytest.param("{at_least: .inf}", "expected a number, not inf$", id="not finite"),
        pytest.param("{at_least: .nan}", "expected a number, not nan$", id="not a number"),
        pytest.param(
            "{not: " * 2000 + "{at_least: 9}" + "}" * 2000, r"^rule:5: more than 50 levels", id="nested too deep"
        ),
    ],
)
def test_what_cannot_be_reckoned_with_is_a_mistake_in_the_rule(when: str, complaint: str) -> None:
    text = FULL.replace("{at_least: 90, deadband: 5}", when)
    assert text != FULL
    with pytest.raises(RuleError, match=complaint):
        parse_definition(text, "rule")


def test_tests_that_cannot_be_read_are_a_mistake_of_their_file(tmp_path: Path) -> None:
    rule, tests = tmp_path / "mine.yaml", tmp_path / "mine.test.yaml"
    rule.write_text(FULL.replace("id: bin-nearly-full", "id: mine"), encoding="utf-8")
    tests.write_bytes("rule: mine # café".encode("latin-1"))
    with pytest.raises(RuleError, match=r"mine\.test\.yaml: 'utf-8' codec"):
        load_definition(rule)
    tests.unlink()
    tests.mkdir()
    with pytest.raises(RuleError, match=r"mine\.test\.yaml"):
        load_definitions([tmp_path])


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="gone: not a folder of rules: No such file"):
        rule_files([tmp_path / "gone"])
