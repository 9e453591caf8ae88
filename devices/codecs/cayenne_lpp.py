"""Cayenne Low Power Payload: channel, type, value records; types are IPSO object numbers less 3200."""

from collections.abc import Mapping
from dataclasses import dataclass

from devices.model import DecodeError


@dataclass(frozen=True, slots=True)
class Channel:
    """One record: `value` is a number, or a list where the type has axes."""

    channel: int
    type: int
    name: str
    value: float | list[float]


# type -> (name, bytes of each part, divisor of each part, signed)
TYPES: dict[int, tuple[str, tuple[int, ...], tuple[int, ...], bool]] = {
    0: ("digital_input", (1,), (1,), False),
    1: ("digital_output", (1,), (1,), False),
    2: ("analog_input", (2,), (100,), True),
    3: ("analog_output", (2,), (100,), True),
    100: ("generic", (4,), (1,), False),
    101: ("illuminance", (2,), (1,), False),  # lx
    102: ("presence", (1,), (1,), False),
    103: ("temperature", (2,), (10,), True),  # Cel
    104: ("humidity", (1,), (2,), False),  # %
    113: ("accelerometer", (2, 2, 2), (1000, 1000, 1000), True),  # [g]
    115: ("barometer", (2,), (10,), False),  # hPa
    116: ("voltage", (2,), (100,), False),  # V
    117: ("current", (2,), (1000,), False),  # A
    118: ("frequency", (4,), (1,), False),  # Hz
    120: ("percentage", (1,), (1,), False),  # %
    121: ("altitude", (2,), (1,), True),  # m
    125: ("concentration", (2,), (1,), False),  # [ppm]
    128: ("power", (2,), (1,), False),  # W
    130: ("distance", (4,), (1000,), False),  # m
    131: ("energy", (4,), (1000,), False),  # kWh
    132: ("direction", (2,), (1,), False),  # deg
    133: ("unixtime", (4,), (1,), False),  # s
    134: ("gyrometer", (2, 2, 2), (100, 100, 100), True),  # deg/s
    136: ("gps", (3, 3, 3), (10000, 10000, 100), True),  # deg, deg, m
    142: ("switch", (1,), (1,), False),
}
AXES = {"gps": ("latitude", "longitude", "altitude")}


def channels(payload: bytes) -> list[Channel]:
    """Return every record of `payload`, in wire order."""
    found, at = [], 0
    while at < len(payload):
        if at + 1 == len(payload):
            raise DecodeError(f"the record at byte {at} is cut short")
        kind = payload[at + 1]
        if kind not in TYPES:
            raise DecodeError(f"type {kind} at byte {at + 1} is not a Cayenne LPP type")
        name, sizes, divisors, signed = TYPES[kind]
        begin = at + 2
        if begin + sum(sizes) > len(payload):
            raise DecodeError(f"{name} is cut short at byte {at}")
        parts = []
        for size, divisor in zip(sizes, divisors, strict=True):
            raw = int.from_bytes(payload[begin : begin + size], "big", signed=signed)
            parts.append(raw / divisor)
            begin += size
        found.append(Channel(payload[at], kind, name, parts if len(parts) > 1 else parts[0]))
        at = begin
    return found


def decode(payload: bytes) -> Mapping[str, object]:
    """Return `{name}_{channel}` for every record, as LoRaWAN network servers name them."""
    decoded: dict[str, object] = {}
    for record in channels(payload):
        key = f"{record.name}_{record.channel}"
        if isinstance(record.value, list):
            decoded[key] = dict(zip(AXES.get(record.name, ("x", "y", "z")), record.value, strict=True))
        else:
            decoded[key] = record.value
    return decoded
