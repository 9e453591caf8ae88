"""What is planted shows, on the devices and at the times that the answer key states, and nowhere else."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from citywatch.errors import CitywatchError
from simulators.city import City, RoadTraits, SimulatedDevice
from simulators.fleet import Fleet
from simulators.placing import build_city
from simulators.planting import Planted
from simulators.scenarios import KINDS, Scenario, fixed_plants, load_scenario, planted_at
from simulators.signals import readings_at

START = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
CITY = build_city(4, 120)
Heard = list[tuple[SimulatedDevice, float, bytes]]


def device_of(domain: str, choose: Callable[[SimulatedDevice], bool] = lambda _: True) -> SimulatedDevice:
    return next(d for d in CITY.devices if d.domain == domain and choose(d))


def run(
    kind: str, device: SimulatedDevice, lasts: float = 1.0, city: City = CITY, **parameters: Any
) -> tuple[Planted, Heard]:
    """Plant one thing from 10 to 40 minutes after the start; return it with every message of so many hours."""
    fleet = Fleet(city, Scenario(name="trial", description=""), START)
    begin = START + timedelta(minutes=10)
    planted = planted_at("one", kind, begin, begin + timedelta(minutes=30), city, device, parameters)
    fleet.plan.add(planted)
    messages = [(m.device, m.send_at, m.payload) for m in fleet.until(START.timestamp() + lasts * 3600)]
    return planted, messages


def records(messages: Heard, device: SimulatedDevice) -> list[dict[str, Any]]:
    return [orjson.loads(payload) for d, _, payload in messages if d is device]


def during(planted: Planted, messages: Heard) -> list[dict[str, Any]]:
    device = next(d for d in CITY.devices if d.device_id == planted.device_id)
    return [orjson.loads(payload) for d, at, payload in messages if d is device and planted.holds(at)]


@pytest.fixture(scope="module")
def calm() -> Heard:
    """The same time with nothing planted that changes anything."""
    return run("drift", device_of("waste"), lasts=0.75, steps_per_hour=0.0)[1]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_plant_changes_its_own_devices_and_no_other(kind: str, calm: Heard) -> None:
    domain = {"overflow": "waste", "bin_fire": "waste", "battery_decline": "waste", "festival": "waste",
              "crash": "traffic", "congestion": "traffic", "gateway_down": "health"}.get(kind, "air")  # fmt: skip
    planted, messages = run(kind, device_of(domain), lasts=0.75)
    heard, usual = (Counter((d.device_id, at, payload) for d, at, payload in m) for m in (messages, calm))
    changed = {device_id for device_id, _, _ in (heard - usual) + (usual - heard)}
    assert changed
    assert changed <= set(planted.affected)
    assert planted.device_id in changed


@pytest.mark.parametrize(
    ("kind", "parameters", "change"),
    [
        ("offset", {"steps": 5}, lambda true: true + 60),
        ("unit_slip", {}, lambda true: true / 1000),
    ],
)
def test_a_fault_of_one_channel_changes_that_channel_only(
    kind: str, parameters: dict[str, Any], change: Callable[[float], float]
) -> None:
    device = device_of("air")
    planted, messages = run(kind, device, **parameters)
    seen = during(planted, messages)
    assert len(seen) == 30
    for record in seen:
        true = readings_at(CITY.seed, device, datetime.fromisoformat(record["time"]).timestamp())
        assert true["pm2_5"] is not None
        assert record["pm2_5"] == pytest.approx(change(true["pm2_5"]), abs=0.01)
        assert {k: v for k, v in record.items() if k in true and k != "pm2_5"} == {
            k: v for k, v in true.items() if k != "pm2_5"
        }


def test_stuck_repeats_and_then_lives_again() -> None:
    device = device_of("air")
    planted, messages = run("stuck", device)
    assert len({r["pm2_5"] for r in during(planted, messages)}) == 1
    after = [r["pm2_5"] for r in records(messages, device)[-15:]]
    assert len(set(after)) > 3


def test_drift_grows_with_time() -> None:
    device = device_of("air")
    planted, messages = run("drift", device, steps_per_hour=4.0)
    errors = []
    for record in during(planted, messages):
        true = readings_at(CITY.seed, device, datetime.fromisoformat(record["time"]).timestamp())["pm2_5"]
        assert true is not None
        errors.append(record["pm2_5"] - true)
    assert errors == sorted(errors)
    assert errors[-1] == pytest.approx(4 * 12 * 0.5, abs=1.5)


def test_spikes_are_few_and_far_out() -> None:
    planted, messages = run("spike", device_of("air"))
    values = [r["pm2_5"] for r in during(planted, messages)]
    far = [value for value in values if value > 100]
    assert 0 < len(far) < len(values) / 2


@pytest.mark.parametrize(
    ("kind", "domain"), [("dropout", "traffic"), ("power_cut", "traffic"), ("gateway_down", "health")]
)
def test_silence_is_complete_and_ends(kind: str, domain: str) -> None:
    planted, messages = run(kind, device_of(domain))
    affected = set(planted.affected)
    assert not [1 for d, at, _ in messages if d.device_id in affected and planted.holds(at)]
    assert affected <= {d.device_id for d, at, _ in messages if at >= planted.end.timestamp()}
    assert len(affected) == 1 if kind == "dropout" else len(affected) > 5


def test_bins_live_on_their_batteries_through_a_power_cut() -> None:
    planted, _ = run("power_cut", device_of("traffic"))
    assert not {d.device_id for d in CITY.devices if d.domain == "waste"} & set(planted.affected)


def test_a_burst_brings_everything_that_was_kept_in_one_go() -> None:
    device = device_of("air")
    planted, messages = run("burst_replay", device)
    assert during(planted, messages) == []
    kept = [
        (at, orjson.loads(payload))
        for d, at, payload in messages
        if d is device
        and datetime.fromisoformat(orjson.loads(payload)["time"]) < planted.end <= datetime.fromtimestamp(at, UTC)
    ]
    assert len(kept) == 30
    assert max(at for at, _ in kept) <= planted.end.timestamp() + 2


def test_duplicates_are_the_very_same_bytes() -> None:
    device = device_of("air")
    planted, messages = run("duplicates", device)
    counts = Counter(payload for d, at, payload in messages if d is device and planted.holds(at))
    assert len(counts) == 30
    assert set(counts.values()) == {2, 3}


def test_messages_out_of_order_arrive_all_but_late() -> None:
    device = device_of("air")
    _, messages = run("out_of_order", device)
    times = [r["time"] for r in records(messages, device)]
    assert times != sorted(times)
    assert len(set(times)) == 60


@pytest.mark.parametrize(
    ("kind", "parameters", "seconds"),
    [
        ("clock_offset", {"seconds": 3000}, 3000),
        ("clock_zone", {"hours": 2}, 7200),
        ("clock_offset", {"seconds": -600}, -600),
    ],
)
def test_a_wrong_clock_is_wrong_by_as_much_as_stated(kind: str, parameters: dict[str, Any], seconds: float) -> None:
    device = device_of("air")
    planted, messages = run(kind, device, **parameters)
    for d, at, payload in messages:
        if d is device and planted.holds(at):
            stated = datetime.fromisoformat(orjson.loads(payload)["time"]).timestamp()
            assert stated - at == pytest.approx(seconds, abs=0.002)


def test_an_unset_clock_speaks_of_1970_and_a_millisecond_clock_in_bare_numbers() -> None:
    unset, messages = run("clock_1970", device_of("waste"))
    assert {r["time"][:10] for r in during(unset, messages)} == {"1970-01-01"}
    number, messages = run("clock_milliseconds", device_of("air"))
    assert all(isinstance(r["time"], int) and r["time"] > 1e12 for r in during(number, messages))


def test_a_flood_is_hundreds_of_messages_a_minute() -> None:
    device = device_of("air")
    planted, messages = run("flood", device, per_report=300)
    flooded = [at for d, at, _ in messages if d is device and planted.holds(at)]
    assert len(flooded) > 8000
    assert max(Counter(int(at) for at in flooded).values()) < 20


def test_malformed_payloads_are_of_several_kinds() -> None:
    device = device_of("air")
    planted, messages = run("malformed", device)
    assert len({payload for d, at, payload in messages if d is device and planted.holds(at)}) >= 5


def test_a_crash_makes_a_queue_behind_it_and_a_gap_ahead() -> None:
    city = build_city(4, 2000)  # dense enough to have neighbours
    ring = [d for d in city.devices if isinstance(d.traits, RoadTraits) and d.traits.corridor_id == "a7"]
    crashed = next(d for d in ring if d.traits.direction == "clockwise" and 8000 < d.traits.position < 12_000)  # type: ignore[union-attr]
    planted, messages = run("crash", crashed, lasts=0.31, city=city, depth=0.95)
    distances = planted.parameters["distance"]

    def seen(name: str, low: float, high: float) -> list[float]:
        """Values of one property from detectors so many metres behind the crash, five to eight minutes after it."""
        values = [
            orjson.loads(payload)[name]
            for d, at, payload in messages
            if low <= distances.get(d.device_id, 1e9) < high and 300 <= planted.progress(at) < 480
        ]
        return [value for value in values if value is not None]

    assert max(seen("vehicle_speed", 0, 500)) < 25
    assert min(seen("vehicle_speed", 2500, 4000)) > 60  # the queue has not got there yet
    ahead, behind = seen("vehicle_flow", -1500, 0), seen("vehicle_flow", 2500, 4000)
    assert sum(ahead) / len(ahead) < 0.7 * sum(behind) / len(behind)


def test_a_fire_is_hot_within_minutes() -> None:
    planted, messages = run("bin_fire", device_of("waste"))
    assert max(r["bin_temperature"] for r in during(planted, messages)) > 100


def test_smoke_thins_out_with_distance() -> None:
    planted, messages = run("pollution_episode", device_of("air"), particles=200, rise=60, half_distance=800)
    peak = {d.device_id: 0.0 for d in CITY.devices if d.domain == "air"}
    for d, _, payload in messages:
        if d.domain == "air":
            peak[d.device_id] = max(peak[d.device_id], orjson.loads(payload)["pm2_5"])
    shares = planted.parameters["reach"]
    assert max(peak, key=lambda name: peak[name]) == planted.device_id
    assert peak[planted.device_id] > 200
    assert all(peak[name] < 60 for name in peak if name not in shares)


def test_a_festival_fills_the_bins_of_its_district() -> None:
    device = device_of("waste", lambda d: d.site.district_id == "old-town")
    fleet = Fleet(CITY, load_scenario("quiet-day"), START)
    begin = START + timedelta(hours=1)
    planted = planted_at("f", "festival", begin, begin + timedelta(hours=10), CITY, device, {})
    fleet.plan.add(planted)
    for other in CITY.devices:
        if other.domain == "waste":
            level = fleet.values(other, (begin + timedelta(hours=8)).timestamp())
            assert level is not None and level["fill_level"] is not None
            assert (level["fill_level"] >= 95) == (other.site.district_id == "old-town")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ndescription: y\nplants: [{kind: meteor}]", "nothing is known of 'meteor'"),
        ("name: x\ndescription: y\nplants: [{kind: stuck, clock: '25:00'}]", "plants.0.clock"),
        ("name: x\ndescription: y\nplant: []", "Extra inputs"),
        ("name: [", "while parsing"),
    ],
)
def test_a_wrong_scenario_says_what_is_wrong(tmp_path: Any, text: str, message: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CitywatchError, match=message):
        load_scenario(str(path))


def test_an_unknown_scenario_names_those_there_are() -> None:
    with pytest.raises(CitywatchError, match="no scenario 'doom': there are everything, festival, gateway-storm"):
        load_scenario("doom")


def test_two_incidents_share_the_only_bin_of_a_district() -> None:
    city = build_city(109, 120)
    (bin_there,) = (d for d in city.devices if d.domain == "waste" and d.site.district_id == "old-town")
    planted = list(fixed_plants(load_scenario("festival"), city, datetime(2026, 3, 3, tzinfo=UTC)))
    assert [(one.kind, one.device_id) for one in planted][:2] == [
        ("festival", bin_there.device_id),
        ("bin_fire", bin_there.device_id),
    ]
