"""Emptyings as rows of levels: which drop counts, how surely, and how that depends on the time between readings."""

from datetime import UTC, datetime, timedelta

import pytest

from indicators.emptying import Standing, collections, emptyings
from indicators.errors import IndicatorError
from indicators.fill import FillReading

START = datetime(2026, 3, 2, tzinfo=UTC)
TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)


def every(step: timedelta, levels: list[float]) -> list[FillReading]:
    return [FillReading(START + at * step, level) for at, level in enumerate(levels)]


@pytest.mark.parametrize(
    ("step", "levels", "found"),
    [
        pytest.param(HOUR, [78, 80, 12, 81], [], id="a lone spike is no collection"),
        pytest.param(HOUR, [78, 80, 12, 13], [(2, "confirmed")], id="stays low: a collection"),
        pytest.param(HOUR, [78, 80, 12, 22], [(2, "confirmed")], id="10 points higher still confirms"),
        pytest.param(HOUR, [78, 80, 12, 23], [(3, "pending")], id="11 points in an hour do not"),
        pytest.param(HOUR, [78, 80, 12], [(2, "pending")], id="no later reading yet"),
        pytest.param(HOUR, [78, 80, 56, 57], [], id="a drop of 24 points is no collection"),
        pytest.param(HOUR, [80, 12, 50, 51], [(2, "confirmed")], id="a spike does not hide the drop behind it"),
        pytest.param(TEN_MINUTES, [80, 0, 10.5], [(2, "pending")], id="nothing refills in ten minutes"),
        pytest.param(6 * HOUR, [80, 0, 25], [(1, "confirmed")], id="six hours: a quarter of a bin is believable"),
        pytest.param(6 * HOUR, [80, 0, 26], [(2, "pending")], id="six hours: more is not"),
        pytest.param(DAY, [80, 0, 60], [(1, "confirmed")], id="daily: one reading decides"),
        pytest.param(DAY, [80, 0, 80], [(1, "uncertain")], id="daily: refilled or a spike, nothing can tell"),
        pytest.param(DAY, [80, 0, 76], [(1, "uncertain")], id="as high as before within the noise"),
        pytest.param(DAY, [80, 0, 80, 0, 0], [(1, "uncertain"), (3, "confirmed")], id="and again"),
        pytest.param(DAY, [], [], id="no readings"),
    ],
)
def test_emptyings(step: timedelta, levels: list[float], found: list[tuple[int, str]]) -> None:
    events = emptyings(every(step, levels))
    assert [((event.time - START) // step, event.standing.value) for event in events] == found


def test_an_emptying_says_from_and_to_what() -> None:
    (whole,) = emptyings(every(HOUR, [80, 20, 20]))
    (part,) = emptyings(every(HOUR, [80, 21, 21]))
    assert (whole.before, whole.after, whole.partial) == (80, 20, False)
    assert (part.partial, part.standing) == (True, Standing.CONFIRMED)


def test_only_what_a_later_reading_confirms_counts_as_a_collection() -> None:
    levels = every(DAY, [80, 0, 80, 60, 0, 10, 70, 0])
    assert [(each.time - START) // DAY for each in collections(levels)] == [4], "neither the doubtful nor the newest"


def test_readings_must_come_in_time_order() -> None:
    with pytest.raises(IndicatorError, match="not in time order at 2026-03-02"):
        emptyings([FillReading(START, 10), FillReading(START, 11)])
