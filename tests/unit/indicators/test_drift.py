"""A sensor that slowly leaves its neighbours is told; one that only differs from them is not."""

import random

import pytest

from indicators.drift import daily_offset, drift, drift_values


def offsets(days: int, per_day: float, seed: int = 1) -> list[float]:
    """Return daily offsets around 3 that scatter by 1 and, after four weeks, move by `per_day`."""
    dice = random.Random(seed)
    return [3 + dice.gauss(0, 1) + per_day * max(0, day - 28) for day in range(days)]


def test_a_day_needs_three_quarters_of_its_hours() -> None:
    assert daily_offset([1.0, 9.0, *[2.0] * 16]) == 2.0
    assert daily_offset([2.0] * 17) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_slow_drift_is_told_with_its_direction(sign: int) -> None:
    found = drift(offsets(60, sign * 0.2))
    assert found is not None and sign * found > 5


def test_an_offset_that_stays_is_no_drift() -> None:
    values = [drift(offsets(60, 0.0, seed)) for seed in range(20)]
    assert sum(value is not None and abs(value) > 5 for value in values) <= 3
    assert drift([0.0] * 28) == 0.0, "two sensors that never differed"
    assert drift(offsets(27, 0.0)) is None


def test_a_day_without_neighbours_has_no_value() -> None:
    assert {name: value.result for name, value in drift_values("no2", None, []).items()} == {
        "no2_offset": None, "no2_drift": None,
    }  # fmt: skip
    told = drift_values("no2", 2.5, [2.5] * 40)
    assert (told["no2_offset"].result, told["no2_drift"].result) == (2.5, 0.0)
