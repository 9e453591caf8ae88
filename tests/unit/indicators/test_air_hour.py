"""The US index of sulphur dioxide: one hour tells of it up to 200, the day of what is beyond."""

import pytest

from indicators.air_hour import HourSum, air_hour
from indicators.air_units import to_mass

READINGS = 12


def hours(*levels: float | None) -> list[HourSum | None]:
    """Return hours at so many ppb, newest first."""
    mass = [None if ppb is None else to_mass("so2", ppb + 0.5, "eu") for ppb in levels]
    return [None if each is None else HourSum(READINGS, READINGS, each * READINGS) for each in mass]


@pytest.mark.parametrize(
    ("levels", "index"),
    [
        pytest.param([304] + [700] * 23, 200, id="an hour of 304 ppb is told by itself"),
        pytest.param([400] * 24, 232, id="from 305 ppb on by the day"),
        pytest.param([700] * 24, 348, id="to the top of the scale"),
        pytest.param([400] + [100] * 23, 200, id="a day below 305 ppb defines no more"),
        pytest.param([400] * 18 + [None] * 6, 232, id="eighteen hours make a day"),
        pytest.param([400] * 17 + [None] * 7, 200, id="seventeen do not"),
        pytest.param([400] * 12, 200, id="nor do twelve that are all there is"),
        pytest.param([400] * 24 + [5000] * 6, 232, id="what was before the day does not count"),
    ],
)
def test_beyond_200_the_day_of_sulphur_dioxide_decides(levels: list[float | None], index: int) -> None:
    assert air_hour({"so2": hours(*levels)}, READINGS)["us_aqi"].result == index
