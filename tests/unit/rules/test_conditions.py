from collections.abc import Sequence
from datetime import timedelta

import pytest

from rules.conditions import (
    All,
    AnyOf,
    AtLeast,
    AtMost,
    Condition,
    Flat,
    NoData,
    Not,
    Outside,
    RateOfChange,
    judge,
    leaves,
)
from rules.leaf import Memory
from tests.unit.rules.series import at

MINUTE = timedelta(minutes=1)


def verdicts(condition: Condition, results: Sequence[float], *, active: bool = False) -> str:
    """Fold a series into every leaf, a value a minute; T, F and U for each."""
    found = list(leaves(condition))
    memories: list[Memory | None] = [None] * len(found)
    letters = ""
    for n, result in enumerate(results):
        memories = [leaf.observe(memory, at(60 * n), result) for leaf, memory in zip(found, memories, strict=True)]
        letters += judge(condition, memories, at(60 * n), MINUTE, active=active, patience=3 * MINUTE).name[0]
    return letters


@pytest.mark.parametrize(
    ("condition", "results", "active", "expected"),
    [
        pytest.param(AtLeast(35, 2), [34, 35, 36], False, "FTT", id="at least: the limit itself raises"),
        pytest.param(AtLeast(35, 2), [36, 34, 33], True, "TTF", id="at least: holds inside the deadband"),
        pytest.param(AtLeast(35), [35, 34.9], True, "TF", id="at least: without deadband the limit itself holds"),
        pytest.param(AtMost(10, 2), [11, 10, 9], False, "FTT", id="at most: the limit itself raises"),
        pytest.param(AtMost(10, 2), [9, 11, 12], True, "TTF", id="at most: holds inside the deadband"),
        pytest.param(Outside(0, 10, 1), [-0.1, 0, 10, 10.1], False, "TFFT", id="outside: the bounds are inside"),
        pytest.param(Outside(0, 10, 1), [0.5, 1, 9, 9.5], True, "TFFT", id="outside: holds inside the deadband"),
        pytest.param(RateOfChange(5, MINUTE, "rise"), [0, 5, 9, 4], False, "UTFF", id="rate: rises"),
        pytest.param(RateOfChange(5, MINUTE, "fall"), [9, 4, 9], False, "UTF", id="rate: falls"),
        pytest.param(RateOfChange(5, MINUTE), [9, 4, 9, 9], False, "UTTF", id="rate: either way"),
        pytest.param(Flat(2 * MINUTE), [7, 7, 7, 7, 8], False, "FFTTF", id="flat: equal for the window"),
        pytest.param(Flat(MINUTE, 1), [7, 7.5, 8, 8.5, 8.6], False, "FTTFT", id="flat: a band of the tolerance"),
        pytest.param(Not(AtLeast(35, 2)), [34, 33, 35], False, "FTF", id="not: the deadband turns round too"),
        pytest.param(Not(AtLeast(35, 2)), [34, 33, 35], True, "TTF", id="not: holds up to the limit"),
        pytest.param(All((AtLeast(3), AtMost(5))), [2, 3, 5, 6], False, "FTTF", id="all"),
        pytest.param(AnyOf((AtMost(3), AtLeast(5))), [2, 4, 6], False, "TFT", id="any"),
        pytest.param(All((AtLeast(9), RateOfChange(5, MINUTE))), [1, 9], False, "FT", id="all: a FALSE part decides"),
        pytest.param(AnyOf((AtLeast(9), RateOfChange(5, MINUTE))), [1, 9], False, "UT", id="any: UNKNOWN stays"),
    ],
)
def test_conditions_judge_a_series(condition: Condition, results: list[float], active: bool, expected: str) -> None:
    assert verdicts(condition, results, active=active) == expected


def test_silence_begins_at_its_limit() -> None:
    silence = NoData(3)
    assert [
        judge(silence, [(at(0),)], at(seconds), MINUTE, active=False, patience=3 * MINUTE).name[0]
        for seconds in (0, 179, 180, 999)
    ] == ["F", "F", "T", "T"]


def test_a_leaf_that_was_not_heard_of_for_long_is_unknown() -> None:
    memories = [(at(0), 50.0), (at(300), 50.0)]
    both = All((AtLeast(10, property="occupancy"), AtLeast(10, property="vehicle_speed")))
    assert judge(both, memories, at(300), MINUTE, active=False, patience=3 * MINUTE).name == "UNKNOWN"
