"""Traffic stream relations, level of service and travel-time indices on the worked examples."""

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from indicators.errors import IndicatorError
from indicators.level_of_service import freeway_level, long_enough, urban_street_level
from indicators.quantiles import median, quantile
from indicators.traffic import Greenshields, Triangular, hourly_flow, loop_density, loop_speed, space_mean_speed
from indicators.travel_time import free_flow_speed, reliability


def test_flow_counts_per_hour() -> None:
    assert hourly_flow(100, timedelta(minutes=5)) == 1200
    with pytest.raises(IndicatorError, match="longer than 0:00:00"):
        hourly_flow(1, timedelta(0))


def test_space_mean_speed_is_harmonic() -> None:
    assert space_mean_speed([40, 80]) == pytest.approx(53.33, abs=0.005)
    assert space_mean_speed([]) is None
    with pytest.raises(IndicatorError, match="speed 0 km/h"):
        space_mean_speed([40, 0])


def test_a_single_loop_gives_density_and_speed() -> None:
    assert loop_density(0.12, 6.5) == pytest.approx(18.4615, abs=5e-5)
    assert loop_speed(1200, 0.12, 6.5) == pytest.approx(65.0)
    assert loop_speed(0, 0.0, 6.5) is None, "no occupancy: speed is unknown, not 0"


@pytest.mark.parametrize(("occupancy", "length", "says"), [(12, 6.5, "fraction of time"), (0.1, 0, "above 0")])
def test_a_loop_refuses_percent_and_no_length(occupancy: float, length: float, says: str) -> None:
    with pytest.raises(IndicatorError, match=says):
        loop_density(occupancy, length)


def test_greenshields_example() -> None:
    road = Greenshields(free_speed=100, jam_density=120)
    assert (road.speed(30), road.flow(30), road.capacity) == (75, 2250, 3000)


def test_triangular_example() -> None:
    road = Triangular(free_speed=90, wave_speed=18, jam_density=150)
    assert (road.critical_density, road.capacity) == (25, 2250)
    assert (road.flow(60), road.speed(60), road.speed(0)) == (1620, 27, 90)
    with pytest.raises(IndicatorError, match="jam density 150"):
        road.flow(151)


@pytest.mark.parametrize(
    ("density", "units", "volume_to_capacity", "level"),
    [
        pytest.param(11.0, "us", None, "A", id="the bound belongs to the better level"),
        pytest.param(11.1, "us", None, "B", id="just above"),
        pytest.param(45, "us", 1.0, "E", id="at capacity"),
        pytest.param(45.1, "us", None, "F", id="beyond"),
        pytest.param(20, "us", 1.01, "F", id="over capacity"),
        pytest.param(16, "metric", None, "C", id="metric"),
    ],
)
def test_freeway_level(density: float, units: str, volume_to_capacity: float | None, level: str) -> None:
    assert freeway_level(density, units, volume_to_capacity).level == level


def test_freeway_level_equals_the_published_criteria(shared_data: Path) -> None:
    with (shared_data / "reference" / "hcm_freeway_level_of_service.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [freeway_level(float(row["max_density_pc_mi_ln"])).level for row in rows] == [row["los"] for row in rows]


@pytest.mark.parametrize(
    ("share", "on", "level"),
    [
        pytest.param(80, None, "B", id="urban bounds are strict"),
        pytest.param(80.1, None, "A", id="above the bound"),
        pytest.param(85, date(2012, 1, 1), "B", id="HCM 2010 asked for more"),
        pytest.param(30, None, "F", id="the last bound"),
    ],
)
def test_urban_street_level(share: float, on: date | None, level: str) -> None:
    assert urban_street_level(speed=share, free_speed=100, on=on).level == level


def test_level_of_service_states_edition_period_and_what_it_refuses() -> None:
    assert freeway_level(5).edition == "HCM, 6th edition"
    assert long_enough(timedelta(minutes=15)) and not long_enough(timedelta(minutes=14))
    with pytest.raises(IndicatorError, match="'si' units"):
        freeway_level(5, "si")
    with pytest.raises(IndicatorError, match="below 0"):
        freeway_level(-1)
    with pytest.raises(IndicatorError, match="free-flow speed of 0"):
        urban_street_level(10, 0)


def test_travel_time_reliability_example() -> None:
    trips = [10, 10.5, 11, 11, 12, 12.5, 13, 14, 18, 25]
    result = reliability(trips, free_flow=10)
    assert result.mean == pytest.approx(13.7)
    assert result.travel_time_index == pytest.approx(1.37)
    assert result.p95 == pytest.approx(21.85)
    assert result.planning_time_index == pytest.approx(2.185)
    assert result.buffer_index == pytest.approx(0.5949, abs=5e-5)
    # 14.8 / 12.25 = 1.20816 by type 7 on both; the domain reference prints 1.2083.
    assert result.level_of_travel_time_reliability == pytest.approx(14.8 / 12.25)
    assert result.level_of_travel_time_reliability == pytest.approx(1.2083, abs=2e-4)
    assert not result.unreliable
    assert reliability([10, 10, 16, 16, 16], 10).unreliable is False, "p80 equals the median"
    assert reliability([10, 10, 10, 20, 20], 10).unreliable


def test_travel_time_needs_times() -> None:
    with pytest.raises(IndicatorError, match="above 0"):
        reliability([], 10)


def test_free_flow_speed_is_the_85th_percentile() -> None:
    assert free_flow_speed([50, 60, 70, 80, 90]) == pytest.approx(84)


def test_quantiles_interpolate_and_refuse_nonsense() -> None:
    assert (median([3, 1, 2]), median([1, 2]), quantile([5], 0.9)) == (2, 1.5, 5)
    for values, share in (([], 0.5), ([1.0], 1.5)):
        with pytest.raises(IndicatorError):
            quantile(values, share)
