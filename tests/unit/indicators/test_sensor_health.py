"""Does a device report as often as it should, and what if it is registered with another rhythm than it has?"""

from datetime import timedelta

import pytest

from devices.model import QualityFlag
from indicators.errors import IndicatorError
from indicators.sensor_health import battery_days_left, completeness, reporting

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
GOOD, SUSPECT = QualityFlag.GOOD, QualityFlag.SUSPECT


@pytest.mark.parametrize(
    ("reports", "learned", "by_registration", "flag", "by_rhythm"),
    [
        pytest.param(1440, 1 * MINUTE, 100.0, GOOD, 100.0, id="as registered"),
        pytest.param(1296, None, 90.0, GOOD, None, id="no rhythm known yet"),
        pytest.param(360, 4 * MINUTE, 25.0, SUSPECT, 100.0, id="registered too quick: 25 % for ever"),
        pytest.param(340, 4 * MINUTE, 23.611, SUSPECT, 94.444, id="registered too quick, and nearly all came"),
        pytest.param(180, 4 * MINUTE, 12.5, GOOD, 50.0, id="half of that rhythm is lost: broken either way"),
        pytest.param(360, 3 * MINUTE, 25.0, GOOD, 75.0, id="three of four are lost: no rhythm is kept"),
        pytest.param(5760, 0.25 * MINUTE, 100.0, SUSPECT, 100.0, id="registered too slow: 400 %"),
        pytest.param(2880, 0.25 * MINUTE, 100.0, SUSPECT, 50.0, id="registered too slow, and half is lost"),
        pytest.param(1440, 0.25 * MINUTE, 100.0, GOOD, 25.0, id="quick of late, but not on that day"),
        pytest.param(1700, 0.8 * MINUTE, 100.0, GOOD, 94.444, id="jitter"),
        pytest.param(0, 1 * MINUTE, 0.0, GOOD, 0.0, id="silent"),
    ],
)
def test_completeness_by_registration_and_by_rhythm(
    reports: int, learned: timedelta | None, by_registration: float, flag: QualityFlag, by_rhythm: float | None
) -> None:
    values = reporting(reports, learned, MINUTE)
    assert (values["completeness"].result, values["completeness"].quality) == (by_registration, flag)
    assert values["completeness_by_rhythm"].result == by_rhythm


def test_a_device_that_reports_less_than_daily_has_no_completeness() -> None:
    values = reporting(1, DAY / 24, 2 * DAY)
    assert values["completeness"].result is None
    assert values["completeness_by_rhythm"].result == pytest.approx(4.167)
    with pytest.raises(IndicatorError, match="every 0:00:00"):
        completeness(1, timedelta(0))


def test_battery_days_follow_the_line_since_the_last_recharge() -> None:
    falling = [(float(day), 90.0 - day) for day in range(10)]
    assert battery_days_left(falling) == pytest.approx(81.0)
    assert battery_days_left(falling[:6]) is None, "below seven days"
    assert battery_days_left([(float(day), 90.0) for day in range(10)]) is None, "it does not fall"
    recharged = [(day - 10, level - 30) for day, level in falling] + falling
    assert battery_days_left(recharged) == pytest.approx(81.0)
