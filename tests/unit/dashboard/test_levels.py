"""Which air band and level of service a device stands for."""

from datetime import UTC, datetime

import pytest

from dashboard.bands import air_band, percentile, service_level
from dashboard.pages.traffic import corridor_of, detectors, natural
from tests.unit.dashboard.samples import device

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "level", "responsible"),
    [
        pytest.param({"pm2_5": 5}, 1, "pm2_5", id="the bound itself is good"),
        pytest.param({"pm2_5": 5.1}, 2, "pm2_5", id="just above is fair"),
        pytest.param({"pm2_5": 140}, 5, "pm2_5", id="140 is very poor"),
        pytest.param({"pm2_5": 141}, 6, "pm2_5", id="141 is extremely poor"),
        pytest.param({"pm2_5": 12, "no2": 61, "o3": 90}, 4, "no2", id="the worst pollutant decides"),
    ],
)
def test_air_band(values: dict[str, float | None], level: int, responsible: str) -> None:
    band = air_band(values)
    assert band is not None
    assert (band.level, band.responsible) == (level, responsible)


def test_no_band_without_a_value() -> None:
    assert air_band({"pm2_5": None}) is None


@pytest.mark.parametrize(("level", "letter"), [(1.0, "A"), (5.0, "E"), (6.0, "F"), (None, None)])
def test_a_level_of_service_has_its_letter(level: float | None, letter: str | None) -> None:
    assert service_level(level) == letter


def test_detectors_stand_by_the_level_that_is_derived_and_not_by_one_reading() -> None:
    slow = device("slow now", vehicle_speed=5, level_of_service=1)
    poor = device("poor", vehicle_speed=60, level_of_service=5)
    new = device("new", vehicle_speed=5)
    held = device("held", vehicle_speed=5, level_of_service=None)
    found = detectors([slow, new, held, poor], [], NOW)
    assert [(each.device["name"], each.level) for each in found] == [
        ("poor", "E"), ("slow now", "A"), ("held", None), ("new", None),
    ]  # fmt: skip


def test_percentile_interpolates() -> None:
    minutes = [10, 10.5, 11, 11, 12, 12.5, 13, 14, 18, 25]
    assert percentile(minutes, 0.95) == pytest.approx(21.85)
    assert percentile([], 0.5) is None


def test_corridors_and_their_order_along_the_road() -> None:
    assert corridor_of(device("Ring Road east, km 10.2")) == "Ring Road east"
    assert sorted(["R, km 10.2", "R, km 2.5"], key=natural) == ["R, km 2.5", "R, km 10.2"]
    assert sorted(["②号检测器 10", "②号检测器 9"], key=natural) == ["②号检测器 9", "②号检测器 10"], (
        "a digit is no number"
    )
