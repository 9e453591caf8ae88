"""The capacity model: what two measured points say of a third, of cores and of disk."""

from datetime import timedelta

import pytest

from benchmarks.capacity import Cost, Point, ceiling, devices, disk_per_year, fit, total
from citywatch.cli.bench import report

COSTS = {
    "ingest": Cost(20e-6, 10e-6),
    "rules": Cost(10e-6, 40e-6),
    "broker": Cost(15e-6, 0.0),
    "store": Cost(30e-6, 5e-6),
}


def point(messages: int, readings: int) -> Point:
    return Point(messages, readings, {name: cost.of(readings) * messages for name, cost in COSTS.items()})


def test_two_points_give_the_costs_and_foretell_a_third() -> None:
    found = fit(point(20_000, 1), point(2_000, 20))
    for name, cost in COSTS.items():
        assert found[name].per_message == pytest.approx(cost.per_message), name
        assert found[name].per_reading == pytest.approx(cost.per_reading), name
    third = point(4_000, 5)
    assert total(found, 5) == pytest.approx(sum(third.cpu.values()) / third.messages)


def test_a_cost_is_never_below_nothing() -> None:
    falling = fit(Point(1000, 1, {"ingest": 1.0}), Point(1000, 20, {"ingest": 0.9}))
    assert falling["ingest"].per_reading == 0.0
    assert falling["ingest"].of(1) == falling["ingest"].of(20) == pytest.approx(0.9e-3)
    steep = fit(Point(1000, 1, {"ingest": 0.0}), Point(1000, 20, {"ingest": 1.0}))
    assert steep["ingest"].per_message == 0.0
    assert steep["ingest"].of(20) == pytest.approx(1e-3)


def test_two_points_of_the_same_readings_say_nothing() -> None:
    with pytest.raises(ValueError, match="20 and 20 readings a message"):
        fit(point(10, 20), point(20, 20))


@pytest.mark.parametrize(
    ("readings", "cores", "workers", "limit", "rate"),
    [
        pytest.param(1, 1, 1, "all 1 cores", 1 / 130e-6, id="one core is shared by all"),
        pytest.param(1, 64, 8, "rules, which want another process", 1 / 50e-6, id="rules may have a second"),
        pytest.param(0, 64, 1, "ingest, which wants another worker", 1 / 20e-6, id="ingest may have a second"),
    ],
)
def test_the_ceiling_names_what_ends_it(readings: int, cores: int, workers: int, limit: str, rate: float) -> None:
    found = ceiling(COSTS, readings, cores, workers)
    assert found.limit == limit
    assert found.messages_per_second == pytest.approx(rate)


def test_devices_are_planned_with_half_in_reserve() -> None:
    assert devices(1000, timedelta(minutes=5)) == 150_000


def test_disk_counts_a_rollup_row_at_most_for_each_reading() -> None:
    hourly = disk_per_year(1, timedelta(hours=1), row=100, rollup_row=10)
    assert hourly == pytest.approx(8760 * 100 + (3 * 8760 + 365) * 10)
    by_second = disk_per_year(1, timedelta(seconds=1), row=100, rollup_row=10)
    assert by_second == pytest.approx(31_536_000 * 100 + (525_600 + 35_040 + 8760 + 365) * 10)


def test_the_report_says_how_many_devices_and_what_ends_it() -> None:
    text = report(
        {
            "cores": 2,
            "load_average": 0.3,
            "broker_alone_messages_per_second": 50_000.0,
            "store_alone_readings_per_second": 100_000.0,
            "decode_alone_us": 5.0,
            "quality_alone_us": 2.0,
            "end_to_end_messages_per_second": 6000.0,
            "us_per_message": {"ingest": 20.0},
            "us_per_reading": {"ingest": 10.0},
            "check": {
                "readings_per_message": 5,
                "foretold_us_per_message": 90.0,
                "measured_us_per_message": 100.0,
                "off_by": -0.1,
            },
            "device": {"every_seconds": 300.0, "readings": 3},
            "ceiling_messages_per_second": 8000.0,
            "limit": "rules, which want another process",
            "devices": 1_200_000,
            "disk_gb_per_1000_devices_and_year": 31.5,
        }
    )
    assert "carries 1,200,000 devices that send 3 readings every 0:05:00" in text
    assert "8,000 messages/s by rules, which want another process" in text
    assert "(-10%)" in text
