"""What a bin's ended cycles teach of its forecasts, and the band that these have earned."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.model import QualityFlag
from indicators.bin_forecast import bin_forecast
from indicators.bin_outcomes import full_at
from indicators.derived import Value
from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.time_to_full import Band, Outcome, ends_cycle, outcomes, trust

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def daily(levels: list[float]) -> list[FillReading]:
    """Return one reading a day."""
    return [FillReading(START + at * DAY, level) for at, level in enumerate(levels)]


def told(ratios: list[float], situation: int = 0, first: int = 0) -> list[Outcome]:
    """Return outcomes of cycles that end one a day."""
    times = [START + (first + at) * DAY for at in range(len(ratios))]
    return [Outcome(time - HOUR, time, situation, ratio) for time, ratio in zip(times, ratios, strict=True)]


STEADY = [0.0, 20, 40, 60, 80] * 4


@pytest.mark.parametrize(
    ("levels", "days"),
    [
        pytest.param([*STEADY, 0, 20, 40, 60, 80], [21, 22, 23], id="full: each forecast since the emptying was sure"),
        pytest.param([*STEADY, 0, 20, 40, 60, 0, 20], [21, 22], id="emptied at 60: how long 60 took"),
        pytest.param([*STEADY, 0, 20, 0, 20], [], id="what came to 20 of 80 says nothing"),
        pytest.param([*STEADY, 80, 80, 0, 10], [], id="what had been full was learned then"),
        pytest.param([*STEADY, 0, 20, 40, 60, 70], [], id="not ended"),
        pytest.param([*STEADY, 0, 20, 40, 60, 0], [], id="a drop that nothing confirms"),
        pytest.param([*STEADY, 0, 40, 0, 60, 80], [], id="a drop that may be a spike"),
        pytest.param([0.0, 20, 40, 60, 80], [], id="no known start"),
    ],
)
def test_what_a_reading_teaches_of_the_cycle_it_ends(levels: list[float], days: list[int]) -> None:
    readings = daily(levels)
    found = outcomes(readings, full=80)
    assert [(each.made_at - START) // DAY for each in found] == days
    assert {each.known_at for each in found} <= {readings[-1].time}
    # Twenty points a day, as ever: it took what was told.
    assert [each.ratio for each in found] == pytest.approx([1.0] * len(days), abs=0.05)


def test_a_torn_cycle_teaches_nothing_and_a_slow_one_that_it_took_longer() -> None:
    readings = daily([*STEADY, 0, 20, 40, 60, 80])
    late = [FillReading(each.time + (6 * DAY if at >= 22 else 0 * DAY), each.level) for at, each in enumerate(readings)]
    assert outcomes(late, full=80) == []
    slow = outcomes(daily([*STEADY, 0, 10, 20, 30, 40, 50, 60, 70, 70, 70, 80]), full=80)
    assert slow[0].ratio > 2.0, "nine days from ten points, told were not four"
    assert [each.situation for each in slow] == [0, 0, 1, 1, 2, 2, 2, 6, 6], "at last it is overdue"


@pytest.mark.parametrize(
    ("levels", "ends"),
    [
        pytest.param([60, 80], True, id="full"),
        pytest.param([80, 80], False, id="full before"),
        pytest.param([60, 0], False, id="a drop that is to be confirmed"),
        pytest.param([60, 0, 5], True, id="confirmed"),
        pytest.param([60, 0, 5, 6], False, id="confirmed before"),
        pytest.param([60], False, id="one reading"),
    ],
)
def test_which_reading_ends_a_cycle(levels: list[float], ends: bool) -> None:
    readings = daily(levels)
    assert ends_cycle(readings[:-1], readings[-1], full=80) is ends


def test_a_band_is_earned_by_situation() -> None:
    known = trust([*told([1.0] * 19), *told([2.0] * 20, situation=1, first=19)])
    assert known.band(0) is None, "nineteen are too few"
    assert known.band(1) == Band(2.0, 2.0)
    assert known.band(7) is None
    # Ranks of conformal prediction: the second from either end of forty.
    spread = trust([Outcome(START, START + DAY, 0, float(at)) for at in range(1, 41)])
    assert spread.band(0) == Band(2.0, 39.0)


def test_the_tails_shrink_after_misses_and_grow_after_hits() -> None:
    calm = trust(told([1.0] * 40))
    missed = trust(told([*([1.0] * 40), 5.0]))
    aim = (1 - 0.9) / 2
    assert calm.low_tail == calm.high_tail > aim
    assert missed.high_tail < calm.high_tail and missed.low_tail > calm.low_tail
    with pytest.raises(IndicatorError, match="between 0 and 1, not 90"):
        trust([], share=90)


def test_old_habits_are_forgotten() -> None:
    assert trust([*told([9.0] * 100), *told([1.0] * 400, first=100)]).band(0) == Band(1.0, 1.0)


def test_a_forecast_carries_the_band_and_says_nothing_beyond_eight_weeks() -> None:
    readings = daily([*STEADY, 0, 20])
    known = trust(told([0.5, *([1.0] * 40), 20.0]))
    values = bin_forecast(readings[:-1], readings[-1], QualityFlag.GOOD, 80, known)
    hours, low, high = (values[name].result for name in ("time_to_full", "time_to_full_low", "time_to_full_high"))
    assert hours is not None and hours == pytest.approx(72.0, abs=2)
    assert (low, high) == (hours, hours)
    wide = trust(told([0.5, 30.0] * 20))
    values = bin_forecast(readings[:-1], readings[-1], QualityFlag.SUSPECT, 80, wide)
    assert values["time_to_full_low"] == Value(round(hours / 2, 3), QualityFlag.SUSPECT)
    assert values["time_to_full_high"].result is None, "more than eight weeks"
    full = bin_forecast(readings[:4], FillReading(START + 4 * DAY, 80.0), QualityFlag.GOOD, 80)
    assert {full[name].result for name in ("time_to_full", "time_to_full_low", "time_to_full_high")} == {0.0}


@pytest.mark.parametrize(
    ("tag", "level"),
    [(None, 100.0), ("80", 80.0), ("9.9", 100.0), ("101", 100.0), ("nan", 100.0), ("soon", 100.0)],
)
def test_a_bin_counts_as_full_where_its_tag_says_so(tag: str | None, level: float) -> None:
    assert full_at(tag) == level
