import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sql.resolution import Plan, Point, bucket_point, circular_mean, pick, thin, with_gaps

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("span", "interval", "plan"),
    [
        pytest.param(DAY, MINUTE, Plan("raw", MINUTE), id="a day of minutes is thinned from raw rows"),
        pytest.param(DAY, timedelta(seconds=1), Plan("minute", 3 * MINUTE), id="a day of seconds"),
        pytest.param(7 * DAY, MINUTE, Plan("quarter", 30 * MINUTE), id="a week"),
        pytest.param(30 * DAY, MINUTE, Plan("hour", 2 * HOUR), id="a month"),
        pytest.param(400 * DAY, MINUTE, Plan("day", DAY), id="400 days"),
        pytest.param(400 * DAY, DAY, Plan("raw", DAY), id="a daily reporter is never rolled up"),
        pytest.param(10_000 * DAY, MINUTE, Plan("day", 20 * DAY), id="longer than any rollup"),
    ],
)
def test_pick_reads_no_more_than_the_chart_can_show(span: timedelta, interval: timedelta, plan: Plan) -> None:
    assert pick(span, interval, 500) == plan


@given(st.floats(0, 1e9), st.floats(0.1, 1e6), st.integers(10, 5000))
def test_pick_gives_no_more_points_than_asked(span: float, interval: float, points: int) -> None:
    plan = pick(timedelta(seconds=span), timedelta(seconds=interval), points)
    if plan.resolution != "raw":
        assert timedelta(seconds=span) / plan.width <= points


@pytest.mark.parametrize(
    ("directions", "mean"),
    [
        pytest.param([350, 10], 0, id="across north"),
        pytest.param([90, 90, 180], 116.565, id="weighted by number"),
        pytest.param([0, 180], None, id="opposite directions have no mean"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_circular_mean_is_that_of_unit_vectors(directions: list[float], mean: float | None) -> None:
    turns = [math.radians(each) for each in directions]
    found = circular_mean(sum(map(math.sin, turns)), sum(map(math.cos, turns)), len(turns))
    if mean is None:
        assert found is None
    else:
        assert found is not None
        assert (found - mean + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)


def test_bucket_point_states_mean_extremes_and_good_share() -> None:
    row = {
        "time": START,
        "n": 4,
        "n_good": 2,
        "n_all": 5,
        "sum": 10.0,
        "sin_sum": 0.0,
        "cos_sum": 0.0,
        "min": 1,
        "max": 4,
    }
    assert bucket_point(row, circular=False) == Point(START, 2.5, 1, 4, 4, 0.4)
    empty = dict.fromkeys(row, 0) | {"time": START, "min": None, "max": None, "n_all": 1}
    assert bucket_point(empty, circular=False) == Point(START, None, None, None, 0, 0.0)


def curve(*values: float | None) -> list[Point]:
    return [Point(START + at * MINUTE, value) for at, value in enumerate(values)]


def test_with_gaps_breaks_the_line_where_results_are_missing() -> None:
    points = [Point(START, 1.0), Point(START + MINUTE, 2.0), Point(START + HOUR, 3.0)]
    values = [point.value for point in with_gaps(points, 3 * MINUTE, MINUTE)]
    assert values == [1.0, 2.0, None, 3.0]


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=300), st.integers(4, 50))
def test_thin_keeps_extremes_and_gaps(values: list[float | None], points: int) -> None:
    kept = thin(curve(*values), points)
    shown = [point.value for point in kept if point.value is not None]
    real = [value for value in values if value is not None]
    assert len(shown) <= points
    assert [point.time for point in kept] == sorted({point.time for point in kept})
    if len(real) <= points:
        assert shown == real
    if None in values:
        assert any(point.value is None for point in kept)
    assert not any(a.value is None and b.value is None for a, b in itertools.pairwise(kept))


def test_thin_shows_a_lone_peak_of_a_long_curve() -> None:
    values = [math.sin(at / 500) for at in range(10_000)]
    values[4321] = 99.0
    kept = thin(curve(*values), 500)
    assert len(kept) <= 500
    assert max(point.value or 0 for point in kept) == 99.0
