"""Dialects: what the simulator encodes by itself, the product decodes to the same values."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from devices.envelopes import ENVELOPES
from devices.model import Uplink
from devices.profiles import BUILTIN, load_profiles
from simulators.city import City, SimulatedDevice
from simulators.dialects import DIALECTS, ROUTES, topic_of
from simulators.fleet import Fleet
from simulators.placing import build_city
from simulators.scenarios import load_scenario

START = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
PROFILES = load_profiles(BUILTIN)


def read(device: SimulatedDevice, payload: bytes) -> Uplink:
    """Read a message as ingest does: by the envelope of its route, else by that of the profile."""
    chirpstack = DIALECTS[device.dialect].network == "chirpstack"
    return ENVELOPES["chirpstack_v4" if chirpstack else PROFILES[device.profile].envelope](payload)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(1, 300, dialects=True)


def test_every_dialect_is_spoken_and_its_profile_is_there(city: City) -> None:
    assert {device.dialect for device in city.devices} == set(DIALECTS)
    assert {device.profile for device in city.devices} <= set(PROFILES)


def test_without_dialects_everybody_speaks_native() -> None:
    assert {device.dialect for device in build_city(1, 300).devices} == {"native"}


def test_what_is_encoded_is_what_is_decoded(city: City) -> None:
    fleet = Fleet(city, load_scenario("quiet-day"), START)
    checked: dict[str, int] = {}
    for message in fleet.until(START.timestamp() + 900):
        device = message.device
        profile = PROFILES[device.profile]
        uplink = read(device, message.payload)
        decoded = profile.decode(uplink, START)
        assert decoded.refused == []
        assert uplink.device_id in (None, device.device_id)
        assert decoded.readings
        for reading in decoded.readings:
            at = reading.time or uplink.time
            assert at is not None
            true = fleet.values(device, at.timestamp())
            assert true is not None
            if reading.property == "fill_level":
                assert reading.value == pytest.approx(min(100.0, true["fill_level"] or 0.0), abs=1.5)
            elif reading.property in true:
                expected = true[reading.property]
                tolerance = 0.5 if device.dialect == "things-stack" else 1e-9
                assert reading.value == (None if expected is None else pytest.approx(expected, abs=tolerance))
        checked[device.dialect] = checked.get(device.dialect, 0) + 1
    assert set(checked) == set(DIALECTS)
    assert min(checked.values()) >= 10


def test_a_pack_holds_ten_minutes(city: City) -> None:
    fleet = Fleet(city, load_scenario("quiet-day"), START)
    message = next(m for m in fleet.until(START.timestamp() + 900) if m.device.dialect == "pack")
    times = [datetime.fromisoformat(r["time"]).timestamp() for r in orjson.loads(message.payload)]
    assert len(times) == 10
    assert times[-1] == pytest.approx(message.send_at)
    assert times[-1] - times[0] == pytest.approx(540)


def test_network_servers_have_topics_of_their_own(city: City) -> None:
    topics = {device.dialect: topic_of(device) for device in city.devices}
    assert topics["native"].startswith("city/v1/devices/")
    assert topics["things-stack"].startswith("v3/veldhaven@citywatch/devices/bin-")
    assert topics["chirpstack"].split("/")[3] == next(
        d.device_id for d in reversed(city.devices) if d.dialect == "chirpstack"
    )
    assert set(ROUTES.values()) == {"tts_v3", "chirpstack_v4"}


def test_history_is_spoken_in_each_devices_own_way(city: City) -> None:
    fleet = Fleet(city, load_scenario("quiet-day"), START)
    spoken = set()
    for message in fleet.history(timedelta(hours=1), timedelta(minutes=10), timedelta(hours=1)):
        profile = PROFILES[message.device.profile]
        assert profile.decode(read(message.device, message.payload), START).readings
        spoken.add(message.device.dialect)
    assert spoken == set(DIALECTS)


def test_only_native_devices_get_their_clocks_wrong(city: City) -> None:
    fleet = Fleet(city, load_scenario("everything"), START)
    dialects = {device.device_id: device.dialect for device in city.devices}
    for device in city.devices:
        for planted in fleet.plan.of(device.device_id):
            if planted.kind.startswith("clock") or planted.kind in ("duplicates", "malformed", "flood"):
                assert dialects[planted.device_id] == "native"
