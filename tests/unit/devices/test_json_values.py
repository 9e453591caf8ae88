from typing import Any

import pytest

from devices.json_values import DEEPEST, storable


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [{}, {"a": [None, True, 1, -(2**63), 1.5, "line\nbreak", {"é": []}]}, 2**63 - 1, nested(DEEPEST)],
)
def test_what_the_store_holds_stays_as_it_is(value: object) -> None:
    assert storable(value, "it") == value


def test_a_number_beyond_64_bits_becomes_a_double() -> None:
    assert storable({"n": [2**70, -(2**63) - 1]}, "it") == {"n": [2.0**70, -(2.0**63)]}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [0, {"b": "x\0"}]}, r"it\.a\[1\]\.b: text may not contain NUL"),
        ({"a\0": 1}, "a name in it: text may not contain NUL"),
        (["\ud800"], r"it\[0\]: .*half a character"),
        (float("nan"), "it: nan is no number"),
        ([10**400], r"it\[0\]: a number of 401 digits"),
        (nested(DEEPEST + 1), "nested more than 100 deep"),
    ],
)
def test_what_it_cannot_hold_is_named_with_its_place(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        storable(value, "it")
