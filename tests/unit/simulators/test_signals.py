"""The signals: any moment alone, consistent with physics and with each other, calm on a quiet day."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from devices.properties import PROPERTIES
from simulators.city import AirTraits, BinTraits, City, RoadTraits
from simulators.placing import build_city
from simulators.randomness import key_of
from simulators.signals import readings, readings_at
from simulators.signals.calendar import local_seconds, moment, utc_seconds
from simulators.signals.influence import CALM, Influence
from simulators.signals.traffic import EFFECTIVE_LENGTH, traffic_state
from simulators.signals.waste import fill_level, last_round

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(1, 200)


def test_a_moment_is_the_same_whatever_was_asked_before(city: City) -> None:
    asked = [(d, MONDAY + timedelta(minutes=at)) for d in city.devices[::7] for at in (0, 61, 700)]
    in_order = [readings(city, d, at) for d, at in asked]
    shuffled = list(enumerate(asked))
    random.Random(5).shuffle(shuffled)
    again = {number: readings(city, d, at) for number, (d, at) in shuffled}
    assert [again[number] for number in range(len(asked))] == in_order


def test_readings_are_of_the_catalogue_and_within_its_ranges(city: City) -> None:
    for device in city.devices:
        for hour in range(0, 24 * 7, 5):
            for name, value in readings(city, device, MONDAY + timedelta(hours=hour)).items():
                assert name in PROPERTIES
                if value is not None:
                    assert PROPERTIES[name].low <= value <= PROPERTIES[name].high


@pytest.mark.parametrize(
    "influence",
    [CALM, Influence(queue=0.3), Influence(queue=1.0), Influence(demand=2.5), Influence(capacity=0.3)],
    ids=["calm", "tail of a queue", "standing", "rush", "closed lanes"],
)
def test_true_flow_is_density_times_speed(city: City, influence: Influence) -> None:
    for device in city.devices:
        if isinstance(device.traits, RoadTraits):
            for hour in range(24):
                at = (MONDAY + timedelta(hours=hour)).timestamp()
                state = traffic_state(key_of("city", 1), device.key, device.traits, at, influence)
                assert state.flow == pytest.approx(state.density * state.speed)
                assert state.flow <= device.traits.capacity * 1.001
                assert state.congested == (state.speed < 0.6 * device.traits.free_speed)


def test_published_flow_speed_and_occupancy_imply_one_vehicle_length(city: City) -> None:
    seen = 0
    for device in city.devices:
        if isinstance(device.traits, RoadTraits):
            for hour in range(24):
                values = readings(city, device, MONDAY + timedelta(hours=hour))
                flow, speed, occupancy = (values[n] for n in ("vehicle_flow", "vehicle_speed", "occupancy"))
                if flow and speed and occupancy and occupancy > 2:
                    length = 1000 * occupancy / 100 * speed / (flow / device.traits.lanes)
                    assert length == pytest.approx(EFFECTIVE_LENGTH, rel=0.01)
                    seen += 1
    assert seen > 500


def test_nobody_passed_means_no_speed(city: City) -> None:
    night = MONDAY + timedelta(hours=2)
    empty = [
        values
        for device in city.devices
        for minute in range(60)
        if (values := readings(city, device, night + timedelta(minutes=minute))).get("vehicle_flow") == 0
    ]
    assert empty
    assert all(values["vehicle_speed"] is None and values["occupancy"] == 0 for values in empty)


def test_weekday_has_two_rushes_and_sunday_none(city: City) -> None:
    def mean(day: datetime, hour: int) -> float:
        at = (day + timedelta(hours=hour)).timestamp()
        flows = [
            traffic_state(key_of("city", 1), d.key, d.traits, at).flow
            for d in city.devices
            if isinstance(d.traits, RoadTraits)
        ]
        return sum(flows) / len(flows)

    assert mean(MONDAY, 6) > 1.2 * mean(MONDAY, 10)  # 07:00 in the city
    assert mean(MONDAY, 15) > 1.2 * mean(MONDAY, 10)
    sunday = MONDAY + timedelta(days=6)
    assert mean(sunday, 6) < 0.5 * mean(sunday, 12)


def test_traffic_raises_no2_and_fine_dust_at_the_kerb(city: City) -> None:
    for device in city.devices:
        if isinstance(device.traits, AirTraits) and device.traits.setting == "kerbside":
            for hour in (7, 12, 17):
                at = MONDAY + timedelta(hours=hour)
                busy, still = (readings(city, device, at, Influence(demand=d)) for d in (1.6, 0.2))
                for name in ("no2", "pm2_5", "pm10"):
                    high, low = busy[name], still[name]
                    assert high is not None and low is not None and high > low + 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_bin_is_full_on_its_own(seed: int) -> None:
    for device in build_city(seed, 400).devices:
        if isinstance(device.traits, BinTraits):
            for day in range(0, 360, 5):
                at = (MONDAY + timedelta(days=day, hours=4)).timestamp()
                assert fill_level(device.key, device.traits, at) < 88


def test_a_bin_only_fills_until_the_crew_comes(city: City) -> None:
    for device in city.devices:
        if isinstance(device.traits, BinTraits):
            start = MONDAY.timestamp()
            levels = [
                (start + h * 3600, fill_level(device.key, device.traits, start + h * 3600)) for h in range(24 * 8)
            ]
            for (t0, before), (t1, after) in pairwise(levels):
                emptied = last_round(device.traits, t1) > t0
                assert after < 15 if emptied else after >= before - 0.01


def test_a_round_comes_at_its_hour_on_either_side_of_the_change_of_clocks(city: City) -> None:
    bins = [d.traits for d in city.devices if isinstance(d.traits, BinTraits)]
    for day in range(25, 35):  # clocks change on 29 March 2026
        at = datetime(2026, 3, 1, 22, tzinfo=UTC).timestamp() + day * 86400
        for traits in bins:
            assert moment(last_round(traits, at)).hour == pytest.approx(traits.round_hour, abs=1e-3)


@pytest.mark.parametrize(
    ("at", "hour"),
    [
        pytest.param(datetime(2026, 3, 29, 0, 59, tzinfo=UTC), 1 + 59 / 60, id="last minute of winter"),
        pytest.param(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), 3.0, id="first minute of summer"),
        pytest.param(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 2.5, id="half past two, the first time"),
        pytest.param(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 2.5, id="half past two, the second time"),
    ],
)
def test_local_time_across_the_change_of_clocks(at: datetime, hour: float) -> None:
    assert moment(at.timestamp()).hour == pytest.approx(hour)


def test_local_and_utc_are_inverse_outside_the_doubled_hour() -> None:
    for quarter in range(0, 365 * 96, 37):
        seconds = MONDAY.timestamp() + quarter * 900
        assert utc_seconds(local_seconds(seconds)) in (seconds, seconds - 3600)


def test_other_seed_other_readings() -> None:
    cities = [build_city(seed, 20) for seed in (1, 2)]
    at = MONDAY.timestamp()
    first, second = ([readings_at(c.seed, d, at) for d in c.devices] for c in cities)
    assert first != second
