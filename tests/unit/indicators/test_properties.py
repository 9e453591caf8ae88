"""What must hold for every input: indices rise with dirt, levels stay in bounds, spikes never empty a bin."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from indicators.china_aqi import china_aqi
from indicators.emptying import emptyings
from indicators.european_aqi import european_aqi
from indicators.fill import FillReading, fill_level
from indicators.nowcast import nowcast_pm
from indicators.small_counts import suppress
from indicators.us_aqi import us_aqi

START = datetime(2026, 3, 2, tzinfo=UTC)
concentration = st.floats(min_value=-5, max_value=1000, allow_nan=False)


@given(concentration, concentration)
def test_more_dirt_is_never_a_better_index(one: float, two: float) -> None:
    low, high = sorted((one, two))
    for index in (us_aqi, european_aqi, china_aqi):
        below, above = index({"pm2_5": low}).value, index({"pm2_5": high}).value
        assert below is not None and above is not None and below <= above


@given(st.lists(st.one_of(st.none(), st.floats(0, 500)), min_size=3, max_size=14))
def test_a_nowcast_lies_between_the_hours_it_rests_on(hours: list[float | None]) -> None:
    nowcast = nowcast_pm(hours, "pm2_5")
    if nowcast is not None:
        present = [value for value in hours[:12] if value is not None]
        assert min(present) - 1e-9 <= nowcast.value <= max(present) + 1e-9
        assert nowcast.reported <= nowcast.value


@given(st.floats(-50, 500), st.floats(31, 300), st.floats(0, 30))
def test_a_fill_level_is_a_percentage(distance: float, empty: float, full: float) -> None:
    assert 0 <= fill_level(distance, empty, full) <= 100


@given(st.lists(st.floats(60, 70), min_size=4, max_size=30), st.data())
def test_a_lone_spike_among_steady_readings_empties_nothing(levels: list[float], data: st.DataObject) -> None:
    spike = data.draw(st.integers(1, len(levels) - 2))
    readings = [
        FillReading(START + at * timedelta(hours=1), 0.0 if at == spike else level) for at, level in enumerate(levels)
    ]
    assert emptyings(readings) == []


@given(st.lists(st.integers(0, 50), max_size=8))
def test_no_small_count_can_be_read_or_worked_out(counts: list[int]) -> None:
    shown = suppress(counts)
    hidden = [count for count, published in zip(counts, shown, strict=True) if published is None]
    assert all(published is None or published == 0 or published >= 5 for published in shown)
    assert len(hidden) != 1 or sum(count > 0 for count in counts) == 1
