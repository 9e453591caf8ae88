"""Faults of the message rather than of the value: clocks that are wrong, repeats, disorder, bursts, broken payloads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.planting import Planted, rfc3339
from simulators.randomness import uniform

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record of a device on its way out: taken at `seconds`, to be sent at `send_at` (both since 1970)."""

    record: Record
    seconds: float
    send_at: float
    broken: bytes | None = None


WireFault = Callable[[Outgoing, Planted, int], list[Outgoing]]


def _retimed(out: Outgoing, time: Any) -> list[Outgoing]:
    return [Outgoing({**out.record, "time": time}, out.seconds, out.send_at)]


def _clock_offset(out: Outgoing, planted: Planted, _key: int) -> list[Outgoing]:
    return _retimed(out, rfc3339(out.seconds + planted.parameters.get("seconds", 1800.0)))


def _clock_zone(out: Outgoing, planted: Planted, _key: int) -> list[Outgoing]:
    """Local time written as if it were UTC."""
    return _retimed(out, rfc3339(out.seconds + 3600 * planted.parameters.get("hours", 1.0)))


def _clock_1970(out: Outgoing, planted: Planted, _key: int) -> list[Outgoing]:
    """A clock that has not been set since it was switched on."""
    return _retimed(out, rfc3339(planted.progress(out.seconds) + 12.0))


def _clock_milliseconds(out: Outgoing, _planted: Planted, _key: int) -> list[Outgoing]:
    """A bare number of milliseconds where the city speaks RFC 3339: the far future to who takes it for seconds."""
    return _retimed(out, round(out.seconds * 1000))


def _duplicates(out: Outgoing, _planted: Planted, key: int) -> list[Outgoing]:
    extra = 1 + int(2 * uniform(key, int(out.seconds)))
    return [out] * (1 + extra)


def _out_of_order(out: Outgoing, planted: Planted, key: int) -> list[Outgoing]:
    """Every message takes its own time on the way."""
    late = uniform(key, int(out.seconds)) * planted.parameters.get("seconds", 240.0)
    return [Outgoing(out.record, out.seconds, out.send_at + late)]


def _burst_replay(out: Outgoing, planted: Planted, key: int) -> list[Outgoing]:
    """The device keeps what it measures and sends all of it when the outage ends."""
    return [Outgoing(out.record, out.seconds, planted.end.timestamp() + 2 * uniform(key, int(out.seconds)))]


def _flood(out: Outgoing, planted: Planted, _key: int) -> list[Outgoing]:
    """The device sends many times a second what it should send once."""
    count = int(planted.parameters.get("per_report", 600))
    step = planted.parameters.get("seconds", 60.0) / count
    return [
        Outgoing(
            {**out.record, "time": rfc3339(out.seconds + at * step)}, out.seconds + at * step, out.send_at + at * step
        )
        for at in range(count)
    ]


BROKEN = (
    b'{"fill_level": "abc"}',
    b'{"vehicle_flow": 12',
    b"\xff\xfe\x00garbage",
    b"[]",
    b'{"pm2_5": 1e999}',
    b'{"time": "yesterday", "battery": 91}',
    b"NaN",
    b'{"plate": "AB 123 CD", "vehicle_speed": 48}',
)


def _malformed(out: Outgoing, _planted: Planted, key: int) -> list[Outgoing]:
    payload = BROKEN[int(uniform(key, int(out.seconds)) * len(BROKEN))]
    return [Outgoing(out.record, out.seconds, out.send_at, payload)]


WIRE_FAULTS: dict[str, WireFault] = {
    "clock_offset": _clock_offset,
    "clock_zone": _clock_zone,
    "clock_1970": _clock_1970,
    "clock_milliseconds": _clock_milliseconds,
    "duplicates": _duplicates,
    "out_of_order": _out_of_order,
    "burst_replay": _burst_replay,
    "flood": _flood,
    "malformed": _malformed,
}


def send(out: Outgoing, planted: list[Planted], key: int) -> list[Outgoing]:
    """Return what goes out in place of one record, in order of its time of sending."""
    going = [out]
    for one in planted:
        fault = WIRE_FAULTS.get(one.kind)
        if fault is not None and one.holds(out.seconds):
            going = [after for before in going for after in fault(before, one, key)]
    return sorted(going, key=lambda o: o.send_at)
