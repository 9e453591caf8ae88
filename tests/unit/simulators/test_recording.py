"""Recordings: what was heard comes back byte for byte, at its pace, and under other names where asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from citywatch.errors import MappingError
from simulators.recording import (
    Captured,
    line_of,
    open_recording,
    read_recording,
    recorded_devices,
    timed_recording,
    with_now,
)

AT = datetime(2026, 3, 1, 7, 5, 0, 250_000, tzinfo=UTC)
HEARD = [
    Captured(AT, "city/v1/devices/bin-1/telemetry", b'{"fill_level": 42}'),
    Captured(AT + timedelta(seconds=2), "city/v1/devices/bin-1/telemetry", b"\xff\x00 not text"),
    Captured(AT + timedelta(seconds=1), "v3/app@ttn/devices/x/up", '{"unit": "µg/m³"}'.encode()),
]


@pytest.fixture(params=["a.jsonl", "a.jsonl.gz"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    with open_recording(path, "wb") as file:
        for captured in HEARD:
            file.write(line_of(captured))
    return path


def test_what_was_heard_comes_back_byte_for_byte(recording: Path) -> None:
    assert list(read_recording(recording)) == HEARD


def test_messages_come_in_order_at_their_own_pace(recording: Path) -> None:
    timed = timed_recording(recording)
    assert [(t.seconds, t.payload) for t in timed] == [
        (0.0, HEARD[0].payload),
        (1.0, HEARD[2].payload),
        (2.0, HEARD[1].payload),
    ]


def test_under_other_names_native_devices_only_each_with_its_now(recording: Path) -> None:
    timed = timed_recording(recording, "again-")
    assert {t.topic for t in timed} == {"city/v1/devices/again-bin-1/telemetry"}
    assert orjson.loads(timed[0].payload) == {"fill_level": 42, "now": "2026-03-01T07:05:00.250Z"}
    assert timed[1].payload == HEARD[1].payload
    assert recorded_devices(recording) == {"bin-1"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2, "now": "2026-03-01T07:05:00.250Z"}]),
        (b'[{"bn":"x","n":"a","v":1}]', [{"bn": "x", "n": "a", "v": 1}]),
        (b"[]", []),
        (b"{}", {}),
        (b"3", 3),
    ],
)
def test_now_is_stated_where_native_messages_have_a_place_for_it(payload: bytes, expected: object) -> None:
    assert orjson.loads(with_now(payload, AT)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}\n", r"line 1: not a recorded message"),
        (line_of(HEARD[0]) + b"nonsense\n", r"line 2: not a recorded message"),
        (b'{"received_at":"2026-03-01T07:05:00","topic":"t","payload":""}\n', r"line 1: .*states no zone"),
        (b'{"received_at":"2026-03-01T07:05:00Z","topic":"t","payload_base64":"*"}\n', r"line 1"),
    ],
)
def test_what_is_no_recording_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(MappingError, match=message):
        list(read_recording(path))


def test_a_cut_archive_is_an_error(recording: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    with open_recording(cut, "wb") as file:
        file.write(line_of(HEARD[0]) * 1000)
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(MappingError, match=r"cut\.jsonl\.gz"):
        list(read_recording(cut))
