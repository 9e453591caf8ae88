"""Fire, tilt, overflow and collection quality."""

from datetime import UTC, datetime, timedelta

import pytest

from indicators.emptying import Emptying, Standing
from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.waste import FireSign, collection_need, collection_quality, fire_sign, overflow_time, tilted

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def samples(step_seconds: int, values: list[float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(seconds=at * step_seconds), value) for at, value in enumerate(values)]


@pytest.mark.parametrize(
    ("temperatures", "carbon_monoxide", "sign"),
    [
        pytest.param(samples(60, [20, 60]), False, FireSign.HOT, id="60 Cel needs no delay"),
        pytest.param(samples(60, [20, 25, 30]), False, FireSign.RISING, id="5 K/min for two minutes"),
        pytest.param(samples(60, [20, 25]), False, None, id="one minute is too short"),
        pytest.param(samples(60, [20, 25, 29.9]), False, None, id="4.9 K/min is too slow"),
        pytest.param(samples(60, [20, 20]), True, FireSign.CARBON_MONOXIDE, id="carbon monoxide"),
        pytest.param(samples(600, [5, 55]), False, FireSign.RISING, id="a slow reporter's single steep step"),
        pytest.param([], False, None, id="no samples"),
    ],
)
def test_fire_sign(temperatures: list[tuple[datetime, float]], carbon_monoxide: bool, sign: FireSign | None) -> None:
    assert fire_sign(temperatures, carbon_monoxide) is sign


@pytest.mark.parametrize(
    ("angles", "lies"),
    [
        pytest.param([5, 80, 80, 80], True, id="60 s beyond 45 degrees"),
        pytest.param([5, 5, 80, 80], False, id="30 s"),
        pytest.param([80, 80, 80, 45], False, id="45 degrees is upright enough"),
        pytest.param([], False, id="no samples"),
    ],
)
def test_tilted(angles: list[float], lies: bool) -> None:
    assert tilted(samples(30, angles)) is lies


@pytest.mark.parametrize(
    ("level", "urgent_in", "visit_in", "need"),
    [
        pytest.param(79.9, None, None, "NONE", id="not yet"),
        pytest.param(80, None, None, "PLAN", id="plan at 80"),
        pytest.param(90, None, None, "URGENT", id="urgent at 90"),
        pytest.param(100, None, None, "OVERFLOW", id="overflow at 100"),
        pytest.param(50, 2, 3, "PLAN", id="would pass 90 before the next visit"),
        pytest.param(50, 3, 3, "NONE", id="the visit comes in time"),
        pytest.param(50, 2, None, "NONE", id="no visit to be late for"),
    ],
)
def test_collection_need(level: float, urgent_in: int | None, visit_in: int | None, need: str) -> None:
    urgent_at = None if urgent_in is None else START + urgent_in * DAY
    next_visit = None if visit_in is None else START + visit_in * DAY
    assert collection_need(level, urgent_at, next_visit).name == need


def test_overflow_lasts_from_a_full_reading_to_the_next() -> None:
    readings = [FillReading(START + at * DAY, level) for at, level in enumerate([100, 90, 100])]
    assert overflow_time(readings, until=START + 2.5 * DAY) == 1.5 * DAY
    assert overflow_time([], until=START) == timedelta(0)


def test_collection_quality_counts_certain_visits() -> None:
    def emptied(before: float, standing: Standing = Standing.CONFIRMED) -> Emptying:
        return Emptying(START, before, 0, partial=False, standing=standing)

    visits = [emptied(49), emptied(80), emptied(100), emptied(90), emptied(30, Standing.UNCERTAIN)]
    quality = collection_quality(visits, overflow=timedelta(hours=12), bins=3, period=timedelta(weeks=2))
    assert (quality.collections, quality.wasted_share, quality.overflowing_share) == (4, 0.25, 0.25)
    assert quality.overflow_hours_per_bin_week == 2.0
    none = collection_quality([], timedelta(0), bins=1, period=DAY)
    assert (none.wasted_share, none.overflowing_share) == (None, None)
    with pytest.raises(IndicatorError, match="0 bins"):
        collection_quality([], timedelta(0), bins=0, period=DAY)
