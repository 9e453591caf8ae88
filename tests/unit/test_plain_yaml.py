"""YAML from people: what makes few characters stand for something huge is refused, with its line."""

import pytest

from citywatch.plain_yaml import DEEPEST, YamlError, compose, construct

BOMB = "a0: &a0 {at_least: 1}\n" + "".join(f"a{n}: &a{n} {{any: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 35))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        pytest.param(f"{BOMB}when: *a34\n", 2, r"the alias \*a0 is not taken", id="a kilobyte for 2**34 nodes"),
        pytest.param("a: &a {b: *a}", 1, r"the alias \*a is not taken", id="a branch within itself"),
        pytest.param("a: 1\nb: " + "[" * 1500, 2, f"more than {DEEPEST} levels", id="brackets, never closed"),
        pytest.param("a: 1\nb: " + "[" * 1500 + "]" * 1500, 2, f"more than {DEEPEST} levels", id="brackets"),
        pytest.param("- " * 1500 + "a", 1, f"more than {DEEPEST} levels", id="dashes"),
        pytest.param("a: 1\nb: !!int ''", 2, "the tag tag:yaml.org,2002:int is not taken", id="a tag on nothing"),
        pytest.param("a: !!python/name:os.system x", 1, "the tag .* is not taken", id="a tag of Python's"),
        pytest.param("a: 1\n? [b, c]\n: 2", 2, "a key is a word", id="a list for a key"),
        pytest.param("a: 1\n{b: c}: 2", 2, "a key is a word", id="a mapping for a key"),
        pytest.param("a: [1\nb", 2, "not YAML: ", id="a bracket that stays open"),
        pytest.param("a: 1\n---\nb: 2", 2, "not YAML: .*another document", id="two documents"),
        pytest.param("a: 1\nb: \0", 2, "not YAML: the character #x0000", id="a character that is none"),
        pytest.param('a: 1\nb: "x\\0"', 2, "not a value: it holds a character", id="the same, spelt as an escape"),
        pytest.param('a: 1\nb: "\\ud800"', 2, "not a value: it holds a character", id="half a pair"),
        pytest.param("a:\n  b: 2027-13-01", 2, "not a value: month must be in 1..12", id="no such month"),
        pytest.param("a: 1\nb: {<<: 5}", 2, "not a value: expected a mapping", id="nothing to merge"),
        pytest.param("a: 1\nb: 0x" + "f" * 6000, 2, "not a value: int too large", id="a number beyond all reckoning"),
        pytest.param("a: 1" + ":59" * 300 + ".0", 1, "not a value: int too large", id="the same in sixties"),
    ],
)
def test_a_faulty_text_names_line_and_reason(text: str, line: int, reason: str) -> None:
    with pytest.raises(YamlError, match=rf"^line {line}: {reason}"):
        root = compose(text)
        assert root is not None
        construct(root)


def test_what_people_write_is_read() -> None:
    def read(text: str) -> object:
        root = compose(text)
        return None if root is None else construct(root)

    assert read("") is None
    text = "a: &anchor [1, 0.5, yes, ~]\n'b':\n  c: |\n    long\n"
    assert read(text) == {"a": [1, 0.5, True, None], "b": {"c": "long\n"}}
    assert read("[" * DEEPEST + "]" * DEEPEST) is not None
