"""Every delivery has one fate; times are judged by the source's clock."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.envelopes import ENVELOPES
from devices.model import Device, Domain, QualityFlag, RefuseReason, RejectReason
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import Registry, Source
from ingest.clocks import ClockWatch
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.model import Accepted, Delivery, Rejected
from ingest.quality.memory import judge
from ingest.rejected import columns
from ingest.routes import make_routes
from sql.engine import WEEK, week_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOPIC = "city/v1/devices/{}/telemetry"
UNSET = datetime(1970, 1, 1, tzinfo=UTC) - NOW
PROFILES = ProfileStore(BUILTIN).profiles


def make_decoder() -> Decoder:
    devices = [
        Device("bin-1", "citywatch/bin", Domain.WASTE),
        Device("old-1", "citywatch/native", Domain.TRAFFIC, source_id="history"),
        Device("odd-1", "nobody/knows", Domain.AIR),
    ]
    directory = Directory()
    sources = {"live": Source("live", "live", None), "history": Source("history", "replay", None)}
    directory.renew(Registry({d.device_id: d for d in devices}, sources, {}), PROFILES)
    return Decoder(
        directory,
        make_routes({"v3/+/devices/{device_id}/up": "tts_v3"}, ENVELOPES),
        lateness=timedelta(hours=48),
        equal_window=timedelta(seconds=30),
        max_payload=1000,
    )


def deliver(body: object, device: str = "bin-1", at: datetime = NOW, **more: bool) -> Delivery:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(TOPIC.format(device), payload, at, 1, more.get("dup", False), more.get("retain", False))


def accepted(decoder: Decoder, delivery: Delivery, resumed_at: datetime | None = None) -> Accepted:
    verdict = decoder.decode(delivery, resumed_at)
    assert isinstance(verdict, Accepted), verdict
    return verdict


@pytest.mark.parametrize(
    ("delivery", "reason"),
    [
        pytest.param(Delivery("elsewhere", b"{}", NOW), RejectReason.UNROUTABLE_TOPIC, id="no route"),
        pytest.param(deliver(b"x" * 1001), RejectReason.TOO_LARGE, id="too large"),
        pytest.param(deliver(b"{"), RejectReason.BAD_JSON, id="not JSON"),
        pytest.param(deliver({"battery": 1}, "who"), RejectReason.UNKNOWN_DEVICE, id="unknown device"),
        pytest.param(deliver({"battery": 1}, "odd-1"), RejectReason.UNKNOWN_PROFILE, id="unknown profile"),
        pytest.param(deliver({"time": "2026-03-01T12:00:00Z"}), RejectReason.NO_READINGS, id="nothing in it"),
        pytest.param(deliver({"device_id": "bin-2", "battery": 1}), RejectReason.IDENTITY_MISMATCH, id="another's id"),
    ],
)
def test_a_rejected_message_has_one_reason(delivery: Delivery, reason: RejectReason) -> None:
    verdict = make_decoder().decode(delivery)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is reason


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        pytest.param(NOW - timedelta(hours=47), "1 own", id="late but not too late"),
        pytest.param(NOW + timedelta(minutes=4), "1 own", id="a little ahead"),
        pytest.param(NOW + timedelta(minutes=6), "3 arrival", id="ahead"),
        pytest.param(NOW + timedelta(hours=25), "4 arrival", id="a day ahead"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), "4 arrival", id="a clock not set"),
        pytest.param(NOW - timedelta(hours=49), "too_old", id="too old"),
    ],
)
def test_time_sanity_of_a_live_device(stated: datetime, expected: str) -> None:
    verdict = accepted(make_decoder(), deliver({"time": stated.isoformat(), "battery": 50}))
    if verdict.refused:
        assert verdict.refused[0].reason == expected
        return
    (row,) = verdict.rows
    used = "own" if row.phenomenon_time == stated else "arrival" if row.phenomenon_time == NOW else "?"
    assert f"{int(row.quality)} {used}" == expected
    assert (row.tests == 1) is (used == "arrival")
    assert (verdict.key is not None) is (used == "arrival")


def test_a_replay_lives_by_its_own_clock_and_may_run_twice() -> None:
    decoder = make_decoder()
    for _ in range(2):
        for year in (2012, 2017):
            body = {"now": f"{year}-06-01T00:00:00Z", "time": f"{year}-05-31T23:00:00Z", "vehicle_flow": 9}
            (row,) = accepted(decoder, deliver(body, "old-1")).rows
            assert (row.quality, row.phenomenon_time.year) == (QualityFlag.GOOD, year)
    assert decoder.directory.clocks["history"] == datetime(2017, 6, 1, tzinfo=UTC)
    late = accepted(
        decoder, deliver({"now": "2017-06-01T00:00:00Z", "time": "2017-05-01T00:00:00Z", "no2": 9}, "old-1")
    )
    assert [refused.reason for refused in late.refused] == [RefuseReason.TOO_OLD]


def test_a_null_is_a_reading_that_says_missing() -> None:
    (row,) = accepted(make_decoder(), deliver({"time": NOW.isoformat(), "fill_level": None})).rows
    assert (row.result, row.quality) == (None, QualityFlag.MISSING)


def test_a_retained_message_without_a_time_is_refused() -> None:
    verdict = accepted(make_decoder(), deliver({"fill_level": 5}, retain=True))
    assert [refused.reason for refused in verdict.refused] == [RefuseReason.BAD_TIME]


def test_delivery_keys_tell_a_redelivery_from_a_second_message() -> None:
    decoder = make_decoder()
    plain = accepted(decoder, deliver({"battery": 5}))
    assert plain.since == NOW - timedelta(seconds=30)
    later = NOW + timedelta(hours=2)
    again = accepted(decoder, deliver({"battery": 5}, at=later, dup=True), resumed_at=NOW)
    assert (again.key, again.since) == (plain.key, NOW - timedelta(seconds=30))
    counted = accepted(decoder, deliver({"battery": 5, "seq": 8}, at=later))
    assert counted.key != plain.key
    assert counted.since == later - timedelta(hours=48)
    assert accepted(decoder, deliver({"battery": 5, "time": NOW.isoformat()})).key is None
    assert accepted(decoder, deliver({"battery": 5, "time_offset": -60})).key is not None


@pytest.mark.parametrize(
    ("offset", "kind"),
    [
        pytest.param(timedelta(hours=2, seconds=3), "zone", id="local time sent as UTC"),
        pytest.param(-timedelta(weeks=1024), "gps_rollover", id="week rollover"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC) - NOW, "unset", id="seconds since it was switched on"),
    ],
)
def test_a_constant_impossible_offset_is_corrected_and_recorded(offset: timedelta, kind: str) -> None:
    decoder, rows = make_decoder(), []
    for minute in range(20):
        at = NOW + timedelta(minutes=minute)
        rows += accepted(decoder, deliver({"time": (at + offset).isoformat(), "battery": minute}, at=at)).rows
    (fault,) = decoder.directory.clock_faults
    assert (fault.kind, fault.corrected) == (kind, True)
    assert {row.quality for row in rows[:12]} <= {QualityFlag.SUSPECT, QualityFlag.FAIL}
    assert {(row.quality, row.tests) for row in rows[12:]} == {(QualityFlag.GOOD, 1)}
    assert max(abs(r.phenomenon_time - NOW - timedelta(minutes=n)).total_seconds() for n, r in enumerate(rows)) <= 30


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param(timedelta(hours=2), timedelta(hours=1), "zone", id="local time after the change to winter"),
        pytest.param(UNSET, UNSET - timedelta(hours=9), "unset", id="switched on again"),
    ],
)
def test_a_corrected_clock_that_changes_is_learned_anew(before: timedelta, after: timedelta, kind: str) -> None:
    decoder, late = make_decoder(), []
    for minute in range(60):
        at = NOW + timedelta(minutes=minute)
        offset = before if minute < 30 else after
        (row,) = accepted(decoder, deliver({"time": (at + offset).isoformat(), "battery": minute}, at=at)).rows
        late.append(at - row.phenomenon_time)
    assert {round(each.total_seconds()) for each in late[30:42]} == {round((before - after).total_seconds())}
    assert set(late[42:]) == {timedelta(0)}
    assert [(f.kind, f.offset, f.corrected) for f in decoder.directory.clock_faults] == [
        (kind, -before, True), (kind, -after, True),
    ]  # fmt: skip


def test_old_readings_of_a_corrected_clock_change_nothing() -> None:
    decoder, wrong = make_decoder(), timedelta(hours=2)
    decoder.directory.speakers["bin-1"].clock = watch = ClockWatch(-wrong)

    def send(at: datetime, ago: timedelta) -> None:
        (row,) = accepted(decoder, deliver({"time": (at + wrong - ago).isoformat(), "battery": 1}, at=at)).rows
        assert (row.phenomenon_time, row.quality) == (at - ago, QualityFlag.GOOD)

    for number in range(600):  # after an hour without a connection, one reading each two seconds, a hundred a second
        send(NOW + timedelta(milliseconds=10 * number), timedelta(hours=1) - timedelta(seconds=2 * number))
    for minute in range(40):  # each reading once as it is made, and once an hour later
        at = NOW + timedelta(minutes=1 + minute)
        send(at, timedelta(0))
        send(at + timedelta(seconds=30), timedelta(hours=1))
    assert watch.offset == -wrong
    assert decoder.directory.clock_faults == []


def test_a_constant_delay_is_pointed_out_and_stands() -> None:
    decoder = make_decoder()
    for minute in range(20):
        at = NOW + timedelta(minutes=minute)
        (row,) = accepted(decoder, deliver({"time": (at - timedelta(hours=5)).isoformat(), "battery": 1}, at=at)).rows
        assert (row.quality, row.phenomenon_time) == (QualityFlag.GOOD, at - timedelta(hours=5))
    assert [(f.kind, f.corrected) for f in decoder.directory.clock_faults] == [("zone", False)]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["time", "now", "seq", "device_id", "fill_level", "value", "unit", "bn", "n"])
                      | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    device=st.sampled_from(["bin-1", "old-1"]),
)
def test_whatever_arrives_there_is_a_verdict_and_never_an_exception(body: bytes, device: str) -> None:
    verdict = make_decoder_once().decode(deliver(body, device))
    if isinstance(verdict, Accepted):
        assert verdict.rows or verdict.refused
        assert all(row.phenomenon_time.tzinfo is not None for row in verdict.rows)
        assert all((row.result is None) is (row.quality is QualityFlag.MISSING) for row in verdict.rows)


EDGES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-02T00:00:00+14:00", 253402300799000, -62135596800]


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("hours", [-14, 14])
def test_a_time_at_the_edge_of_the_calendar_ends_nothing_where_the_clock_is_corrected(edge: object, hours: int) -> None:
    decoder = make_decoder()
    decoder.directory.speakers["bin-1"].clock = ClockWatch(timedelta(hours=hours))
    (row,) = accepted(decoder, deliver({"time": edge, "battery": 50})).rows
    assert (row.phenomenon_time, row.quality) == (NOW, QualityFlag.FAIL)


@pytest.mark.parametrize("edge", EDGES)
def test_a_replay_at_the_edge_of_the_calendar_is_turned_away_and_moves_no_clock(edge: object) -> None:
    decoder = make_decoder()
    for body in ({"now": edge, "battery": 5}, {"now": edge, "time": edge, "battery": 5}):
        verdict = decoder.decode(deliver(body, "old-1"))
        assert isinstance(verdict, Rejected)
        assert verdict.reason is RejectReason.DECODE_FAILED
        assert "the replay history is at " in verdict.detail
    assert decoder.directory.clocks == {}
    # Where a clock stands that an earlier version let go there, its messages are turned away, and nothing ends.
    decoder.directory.clocks["history"] = datetime.max.replace(tzinfo=UTC)
    assert isinstance(decoder.decode(deliver({"battery": 5}, "old-1")), Rejected)


MOMENTS = st.sampled_from([*EDGES, NOW.isoformat(), 0, 1e11, -1e11, 1e300, "\0"]) | st.integers() | st.floats()
TEXT = st.text(st.sampled_from("\0\ud800a/"), max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    body=st.dictionaries(st.sampled_from(["time", "now", "time_offset"]), MOMENTS, max_size=3),
    more=st.dictionaries(TEXT | st.sampled_from(["seq", "device_id", "serialno", "fill_level"]), TEXT, max_size=3),
    topic=st.sampled_from(["city/v1/devices/bin-1/telemetry", "city/v1/devices/old-1/telemetry",
                           "citywatch/webhooks/airgradient"]) | TEXT.map(TOPIC.format),
    hours=st.sampled_from([-14.0, 14.0, 1024 * 168.0, -9e6]),
)  # fmt: skip
def test_no_time_and_no_text_of_one_message_raises_anything(
    body: dict[str, object], more: dict[str, object], topic: str, hours: float
) -> None:
    decoder = make_decoder_once()
    decoder.directory.speakers["bin-1"].clock = ClockWatch(timedelta(hours=hours))
    decoder.directory.clocks.clear()
    payload = json.dumps({"battery": 5, **body, **more}).encode()
    verdict = decoder.decode(Delivery(topic, payload, NOW, 1))
    columns([verdict])
    for row in verdict.rows if isinstance(verdict, Accepted) else ():
        judge(row)
        assert week_of(row.phenomenon_time) + WEEK > row.phenomenon_time, "there is a partition for it"


_decoders: list[Decoder] = []


def make_decoder_once() -> Decoder:
    if not _decoders:
        _decoders.append(make_decoder())
    return _decoders[0]


def test_a_replayed_city_that_says_its_now_has_its_clocks_put_right_too() -> None:
    decoder = make_decoder()
    # The wall clock is nowhere near: a simulated day of another year.
    begin = datetime(2027, 1, 5, 8, tzinfo=UTC)
    flags = []
    for minute in range(20):
        now = begin + timedelta(minutes=minute)
        stated = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
        body = {"time": stated.isoformat(), "now": now.isoformat(), "seq": minute, "battery": 50}
        (row,) = accepted(decoder, deliver(body, "old-1")).rows
        assert row.phenomenon_time == now
        flags.append(row.quality)
    assert (flags[0], flags[-1]) == (QualityFlag.FAIL, QualityFlag.GOOD)
    assert [(f.kind, f.corrected) for f in decoder.directory.clock_faults] == [("unset", True)]
    # A series of the past that says its now is judged by that, and nothing in it is before its time.
    old = {"time": "2016-05-01T00:00:00Z", "now": "2016-05-01T00:00:00Z", "seq": 1, "vehicle_flow": 50}
    (row,) = accepted(make_decoder(), deliver(old, "old-1")).rows
    assert row.quality is QualityFlag.GOOD
