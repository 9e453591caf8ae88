"""What is usual, and slow change: worked examples of the domain reference, section 6."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from indicators.baseline import hour_of_week, usual, weekly_baseline
from indicators.change_detection import Cusum, Ewma, PageHinkley
from indicators.errors import IndicatorError

EXAMPLE = [410, 398, 405, 420, 402, 415, 399, 408]
SHIFT = [50, 52, 49, 51, 50, 48, 54, 55, 53, 56, 54, 55]
TUESDAY_8 = datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_usual_of_the_example() -> None:
    known = usual(EXAMPLE)
    assert (known.median, known.mad, known.n) == (406.5, 6, 8)
    assert known.deviation == pytest.approx(8.8956, abs=2e-4)


@pytest.mark.parametrize(
    ("value", "score", "anomalous"), [(455, 5.452, True), (430, 2.642, False), (290, -13.097, True)]
)
def test_robust_score_of_the_example(value: float, score: float, anomalous: bool) -> None:
    known = usual(EXAMPLE)
    assert known.score(value) == pytest.approx(score, abs=5e-4)
    assert known.anomalous(value) is anomalous


def test_without_mad_the_mean_deviation_serves_and_without_spread_nothing_is_said() -> None:
    mostly_equal, equal = usual([5, 5, 5, 5, 9]), usual([5, 5, 5])
    assert mostly_equal.mad == 0
    assert mostly_equal.score(9) == pytest.approx((9 - 5) / (1.2533 * 0.8))
    assert (equal.score(9), equal.anomalous(9)) == (None, None)
    with pytest.raises(IndicatorError, match="without values"):
        usual([])


@pytest.mark.parametrize(
    ("time", "slot"),
    [
        pytest.param(datetime(2026, 3, 2, 0, tzinfo=UTC), 0, id="Monday midnight"),
        pytest.param(datetime(2026, 3, 8, 23, tzinfo=UTC), 167, id="Sunday, last hour"),
        pytest.param(datetime(2026, 3, 6, 8, tzinfo=UTC), 152, id="a holiday Friday counts as Sunday"),
    ],
)
def test_hour_of_week(time: datetime, slot: int) -> None:
    assert hour_of_week(time, holidays={date(2026, 3, 6)}) == slot


def test_weekly_baseline_learns_by_slot_and_explains_itself() -> None:
    past = [(TUESDAY_8 - timedelta(weeks=week), float(value)) for week, value in enumerate(EXAMPLE, start=1)]
    baseline = weekly_baseline(past)
    assert baseline.explain(TUESDAY_8, 455) == "455 against usual 406.5 for Tue 08h (z 5.5, n 8)"
    next_hour = TUESDAY_8 + timedelta(hours=1)
    assert baseline.at(next_hour) is None
    assert baseline.explain(next_hour, 1) == "1: nothing is known about Tue 09h"
    assert weekly_baseline(past[:3]).at(TUESDAY_8) is None, "three weeks are too few"
    assert "no spread" in weekly_baseline([(TUESDAY_8, 5.0)] * 4).explain(TUESDAY_8, 6)


def test_ewma_first_alarms_at_the_tenth_sample() -> None:
    state, alarms = Ewma(mean=50, deviation=2, weight=0.2, width=3), []
    for at, value in enumerate(SHIFT, start=1):
        state = state.step(value)
        if state.alarm:
            alarms.append((at, round(state.value or 0, 4), round(state.limit, 4)))
    assert alarms[0] == (10, 52.6434, 1.9884)


def test_cusum_first_alarms_at_the_tenth_sample() -> None:
    state, alarms = Cusum(mean=50, deviation=2, slack=0.5, limit=5), []
    for at, value in enumerate(SHIFT, start=1):
        state = state.step(value)
        if state.alarm:
            alarms.append((at, state.high, state.high_for))
    assert alarms[0] == (10, 7.0, 4)


def test_cusum_sees_a_fall_as_well() -> None:
    state = Cusum(mean=50, deviation=2)
    for value in [46] * 4:
        state = state.step(value)
    assert (state.alarm, state.low, state.high) == (True, 6.0, 0.0)


def test_page_hinkley_alarms_at_the_thirteenth_sample() -> None:
    state, first = PageHinkley(tolerance=0.5, threshold=8, needed=5), None
    for at, value in enumerate([10, 11, 9, 10, 10, 11, 9, 10, 10, 10, 14, 14, 14, 14, 14], start=1):
        state = state.step(value)
        if state.alarm and first is None:
            first = at
    assert first == 13


@pytest.mark.parametrize(
    ("limit", "shift", "published"),
    [
        pytest.param(4, 1, 8.4, id="h 4 finds a shift of one sd"),
        pytest.param(5, 1, 10.4, id="h 5 finds a shift of one sd"),
        pytest.param(4, 0, 168, id="h 4 between false alarms"),
    ],
)
def test_cusum_runs_as_long_as_published_on_independent_noise(limit: float, shift: float, published: float) -> None:
    chance, runs = random.Random(1), 300 if shift == 0 else 2000
    lengths = []
    for _ in range(runs):
        state, length = Cusum(mean=0, deviation=1, slack=0.5, limit=limit), 0
        while not state.alarm:
            state, length = state.step(chance.gauss(shift, 1)), length + 1
        lengths.append(length)
    assert sum(lengths) / runs == pytest.approx(published, rel=0.12 if shift == 0 else 0.04)
