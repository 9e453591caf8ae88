"""The fleet: even load, exact times, the same bytes for the same seed, and the answer key that goes with them."""

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from simulators.answer_key import AnswerKey, read_answer_key
from simulators.fleet import Fleet, Message, next_report
from simulators.incidents import INCIDENTS
from simulators.placing import build_city
from simulators.scenarios import load_scenario, scenario_names

START = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
PRINT_HASH = """
import hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from simulators.answer_key import AnswerKey
from simulators.fleet import Fleet
from simulators.placing import build_city
from simulators.scenarios import load_scenario

start = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
key = Path(sys.argv[1])
fleet = Fleet(build_city(5, 120), load_scenario(sys.argv[2]), start, AnswerKey(key))
digest = hashlib.sha256()
for message in fleet.until(start.timestamp() + 5400):
    digest.update(f"{message.send_at} {message.device.device_id} ".encode() + message.payload)
digest.update(key.read_bytes())
print(digest.hexdigest())
"""


def fleet_of(scenario: str, seed: int = 1, size: int = 200, key: Path | None = None) -> Fleet:
    return Fleet(build_city(seed, size), load_scenario(scenario), START, AnswerKey(key))


def hour_of(fleet: Fleet, hours: float = 1.0) -> list[Message]:
    return list(fleet.until(fleet.start.timestamp() + hours * 3600))


@pytest.mark.parametrize("scenario", ["living-city", "everything"])
def test_same_seed_same_bytes_in_every_process(scenario: str, tmp_path: Path) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PRINT_HASH, tmp_path / f"{salt}.jsonl", scenario],
            env={"PYTHONHASHSEED": salt, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2


def test_on_a_quiet_hour_each_device_speaks_on_its_interval() -> None:
    fleet = fleet_of("quiet-day")
    times: dict[str, list[float]] = {}
    for message in hour_of(fleet):
        times.setdefault(message.device.device_id, []).append(message.send_at)
    for device in fleet.city.devices:
        interval = device.interval.total_seconds()
        assert len(times[device.device_id]) == 3600 / interval
        assert all((t - device.phase) % interval == pytest.approx(0, abs=0.002) for t in times[device.device_id])


def test_load_is_even_over_the_minute() -> None:
    seconds = Counter(int(message.send_at) % 60 for message in hour_of(fleet_of("quiet-day", size=1000)))
    assert max(seconds.values()) < 2 * sum(seconds.values()) / 60
    assert len(seconds) == 60


def test_messages_come_in_order_and_sequence_numbers_count() -> None:
    messages = hour_of(fleet_of("living-city"))
    assert [m.send_at for m in messages] == sorted(m.send_at for m in messages)
    last: dict[str, int] = {}
    for message in hour_of(fleet_of("quiet-day")):
        record = orjson.loads(message.payload)
        device_id = message.device.device_id
        assert record["seq"] == last.get(device_id, record["seq"] - 1) + 1
        last[device_id] = record["seq"]


def test_quiet_day_plants_nothing(tmp_path: Path) -> None:
    key = tmp_path / "key.jsonl"
    hour_of(fleet_of("quiet-day", key=key), 3)
    assert key.read_bytes() == b""


def test_living_city_shows_an_operator_something_within_two_minutes(tmp_path: Path) -> None:
    key = tmp_path / "key.jsonl"
    fleet = fleet_of("living-city", size=300, key=key)
    planted = list(read_answer_key(key))
    begin = START.timestamp()
    told: dict[str, list[dict[str, Any]]] = {}
    for message in fleet.history(timedelta(hours=2), timedelta(minutes=10), timedelta(hours=2)):
        told.setdefault(message.device.device_id, []).extend(orjson.loads(message.payload))
    for message in hour_of(fleet, 0.1):
        told.setdefault(message.device.device_id, []).append(orjson.loads(message.payload))

    def when(device_id: str, name: str, limit: float) -> list[float]:
        return [
            datetime.fromisoformat(r["time"]).timestamp() - begin
            for r in told[device_id]
            if r.get(name) is not None and r[name] >= limit
        ]

    bins = [p.device_id for p in planted if p.kind == "overflow"][:3]
    assert len(set(bins)) == 3
    assert -14 * 60 <= when(bins[0], "fill_level", 90)[0] <= -9 * 60
    assert 15 <= when(bins[2], "fill_level", 90)[0] <= 60
    air = next(p for p in planted if p.kind == "pollution_episode")
    assert when(air.device_id, "pm2_5", 55.5)[0] <= -28 * 60
    silent = next(p for p in planted if p.kind == "dropout")
    assert max(when(silent.device_id, "vehicle_flow", 0)) < -3 * 60
    crash = next(p for p in planted if p.kind == "crash")
    slow = [r for r in told[crash.device_id] if r["vehicle_speed"] is not None and r["vehicle_speed"] <= 10]
    assert slow
    assert all(r["occupancy"] >= 30 for r in slow)


def test_a_bin_is_emptied_when_its_overflow_ends() -> None:
    fleet = fleet_of("living-city", size=300)
    planted = next(p for d in fleet.city.devices for p in fleet.plan.of(d.device_id) if p.planted_id == "living-city-1")
    after = [
        orjson.loads(m.payload)["fill_level"]
        for m in hour_of(fleet, 0.5)
        if m.device.device_id == planted.device_id and m.send_at >= planted.end.timestamp()
    ]
    assert after[0] < 88


@pytest.mark.parametrize("name", scenario_names())
def test_answer_key_reads_back_as_it_was_planted(name: str, tmp_path: Path) -> None:
    key = tmp_path / "key.jsonl"
    fleet = fleet_of(name, size=300, key=key)
    planted = {p.planted_id: p for d in fleet.city.devices for p in fleet.plan.of(d.device_id)}
    read = {p.planted_id: p for p in read_answer_key(key)}
    assert read == planted
    assert bool(read) == (name != "quiet-day")


def test_history_leads_up_to_the_start_without_gap_and_repeats_itself() -> None:
    fleet = fleet_of("quiet-day", size=60)
    span, step = timedelta(hours=6), timedelta(minutes=10)
    first, again = ([m.payload for m in fleet.history(span, step, timedelta(hours=2))] for _ in range(2))
    assert first == again
    told: dict[str, list[float]] = {}
    for message in fleet.history(span, step, timedelta(hours=2)):
        for record in orjson.loads(message.payload):
            at = datetime.fromisoformat(record["time"]).timestamp()
            told.setdefault(message.device.device_id, []).append(at)
    for device in fleet.city.devices:
        times = told[device.device_id]
        assert times == sorted(set(times))
        assert times[0] >= (START - span).timestamp()
        gaps = [b - a for a, b in pairwise(times)]
        assert max(gaps) <= 600 + device.interval.total_seconds()
        # the live city goes on one interval after the last record
        following = next_report(device, START.timestamp())
        assert following - times[-1] == pytest.approx(device.interval.total_seconds(), abs=0.002)


def test_history_started_later_repeats_the_records_it_shares_with_an_earlier_one() -> None:
    def records(start: datetime) -> set[bytes]:
        fleet = Fleet(build_city(1, 40), load_scenario("quiet-day"), start)
        packs = fleet.history(timedelta(hours=8), timedelta(minutes=10), timedelta(hours=2))
        return {orjson.dumps([m.device.device_id, r]) for m in packs for r in orjson.loads(m.payload)}

    early, late = records(START), records(START + timedelta(minutes=47))
    shared = {r for r in late if orjson.loads(r)[1]["time"] < "2026-03-03T05:00"}
    assert shared and shared <= early


def test_a_replayed_city_carries_its_own_now() -> None:
    fleet = Fleet(build_city(1, 20), load_scenario("quiet-day"), START, replay=True)
    for message in hour_of(fleet, 0.1):
        record = orjson.loads(message.payload)
        assert record["now"] == record["time"]


def test_an_incident_is_a_thing_of_the_world_not_of_a_device() -> None:
    kinds = {"overflow", "bin_fire", "pollution_episode", "crash", "congestion", "festival"}
    assert set(INCIDENTS) == kinds
