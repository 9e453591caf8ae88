"""When a bin will be full: on its own usual day where that is known, on a line that nobody is alerted by where not."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.model import QualityFlag
from indicators.bin_forecast import NOTHING, bin_forecast
from indicators.derived import Value
from indicators.fill import FillReading

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def by_day(days: int, last_day: float = 5.0) -> list[FillReading]:
    """Return the hours of `days` on which a bin is emptied at 7 and gets 5 % an hour from 8 to 21, or `last_day`."""
    found, level = [], 0.0
    for at in range(days * 24):
        hour, rate = at % 24, last_day if at >= (days - 1) * 24 else 5.0
        level = 0.0 if hour == 7 else level + (rate if 8 <= hour < 22 else 0.0)
        found.append(FillReading(MONDAY + at * HOUR, level))
    return found


def ahead(readings: list[FillReading], quality: QualityFlag = QualityFlag.GOOD) -> Value:
    """Return the time to full at the newest reading."""
    return bin_forecast(readings[:-1], readings[-1], quality, full=100)["time_to_full"]


def test_a_bin_that_rests_at_night_is_not_full_by_the_evening() -> None:
    at_five = by_day(5)[: 4 * 24 + 18]
    assert at_five[-1].level == 50.0
    # 50 points are missing: 20 this evening, and the rest tomorrow, as nobody knows of the next emptying.
    found = ahead(at_five)
    assert found.quality is QualityFlag.GOOD
    assert found.result == pytest.approx(20.0, abs=0.01), "a line would say ten hours"


def test_todays_pace_counts() -> None:
    usual, busy = by_day(5)[: 4 * 24 + 15], by_day(5, last_day=10.0)[: 4 * 24 + 15]
    assert (usual[-1].level, busy[-1].level) == (35.0, 70.0)
    slow, fast = ahead(usual).result, ahead(busy).result
    assert slow is not None and fast is not None
    assert fast < 6 < 16 < slow, "thirty points are missing: six hours at the usual pace"


def test_a_line_through_part_of_a_day_is_suspect_and_through_a_day_good() -> None:
    line = [FillReading(MONDAY + at * HOUR, 10.0 + 2 * at) for at in range(30)]
    assert ahead(line[:12]) == Value(34.0, QualityFlag.SUSPECT)
    assert ahead(line[:26]) == Value(20.0, QualityFlag.GOOD)
    assert ahead(line[:26], QualityFlag.SUSPECT) == Value(20.0, QualityFlag.SUSPECT)


def test_the_way_ahead_begins_at_the_newest_level_and_not_on_the_line() -> None:
    # Ten points an hour until noon, then two: the line through all of it lies above the bin by evening.
    levels = [float(10 * at) for at in range(6)] + [50.0 + 2 * at for at in range(1, 5)]
    slowed = [FillReading(MONDAY + at * HOUR, level) for at, level in enumerate(levels)]
    both = bin_forecast(slowed[:-1], slowed[-1], QualityFlag.GOOD, full=100)
    rate, full = both["fill_rate"].result, both["time_to_full"].result
    assert rate is not None and full == pytest.approx((100 - 58.0) / rate, abs=1e-3)


def test_a_full_bin_is_full_and_one_that_stands_still_is_not_forecast() -> None:
    full = [FillReading(MONDAY + at * HOUR, min(100.0, 90.0 + 4 * at)) for at in range(5)]
    assert ahead(full) == Value(0.0, QualityFlag.GOOD)
    still = [FillReading(MONDAY + at * HOUR, 40.0) for at in range(24 * 5)]
    assert ahead(still).result is None


def test_an_unconfirmed_drop_is_not_forecast() -> None:
    dropped = [*by_day(5)[: 4 * 24 + 18], FillReading(MONDAY + (4 * 24 + 18) * HOUR, 0.0)]
    assert bin_forecast(dropped[:-1], dropped[-1], QualityFlag.GOOD, full=100) == NOTHING


def test_a_usual_day_forecasts_from_the_first_confirmed_reading_and_to_the_bins_own_full() -> None:
    at_eight = by_day(5)[: 4 * 24 + 9]
    assert at_eight[-1].level == 5.0
    both = bin_forecast(at_eight[:-1], at_eight[-1], QualityFlag.GOOD, full=60)
    assert both["fill_rate"].result is None, "two readings make no rate"
    assert both["time_to_full"].result == pytest.approx(11.0, abs=0.5)
