"""What every part of Citywatch means by device, reading, observation and quality flag.

Words follow OGC SensorThings (Thing, Datastream, Observation) and IOOS QARTOD (flags and tests).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, IntFlag, StrEnum
from typing import NamedTuple

from citywatch.errors import CitywatchError


class QualityFlag(IntEnum):
    """QARTOD primary flags. Precedence when several tests speak, low to high: 9, 2, 1, 3, 4."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class QualityTest(IntFlag):
    """Which tests found fault with an observation: a set, stored beside the flag."""

    NONE = 0
    TIME = 1
    GROSS_RANGE = 2
    SPIKE = 4
    RATE_OF_CHANGE = 8
    FLAT_LINE = 16
    ATTENUATED_SIGNAL = 32
    GAP = 64
    LOCATION = 128
    CONFLICT = 256  # a second reading for the same time said something else


class Domain(StrEnum):
    """The part of city life a device or property belongs to."""

    TRAFFIC = "traffic"
    WASTE = "waste"
    AIR = "air"
    WEATHER = "weather"
    NOISE = "noise"
    HEALTH = "health"


class RejectReason(StrEnum):
    """Why a whole message was not accepted."""

    UNROUTABLE_TOPIC = "unroutable_topic"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    BAD_ENVELOPE = "bad_envelope"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_PROFILE = "unknown_profile"
    DECODE_FAILED = "decode_failed"
    NO_READINGS = "no_readings"
    IDENTITY_MISMATCH = "identity_mismatch"
    STORE_REFUSED = "store_refused"
    RATE_LIMITED = "rate_limited"


class DecodeError(CitywatchError):
    """A payload cannot be decoded; the text says what and where in it, `reason` which account it falls under."""

    def __init__(self, text: str, reason: RejectReason = RejectReason.DECODE_FAILED) -> None:
        super().__init__(text)
        self.reason = reason


class RefuseReason(StrEnum):
    """Why one reading of an accepted message was not stored."""

    UNKNOWN_PROPERTY = "unknown_property"
    UNKNOWN_UNIT = "unknown_unit"
    NOT_A_NUMBER = "not_a_number"
    BAD_TIME = "bad_time"
    TOO_OLD = "too_old"
    FORBIDDEN_PROPERTY = "forbidden_property"
    RATE_LIMITED = "rate_limited"


# Reading, Decoded and Uplink are made for every message: as frozen dataclasses they cost two and a half times as much.
class Reading(NamedTuple):
    """What a codec yields: one value of one observed property, in that property's unit.

    `value` is None where the device itself says that the value is missing.
    `time` is when the value was true, aware UTC; None where the device has no clock.
    """

    property: str
    value: float | None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """One reading of an accepted message that cannot be stored, and why; `detail` names value and limit."""

    property: str
    reason: RefuseReason
    detail: str


class Decoded(NamedTuple):
    """All that one message said: readings to store, and readings refused by name. Order is wire order."""

    readings: list[Reading]
    refused: list[Refused]


class Uplink(NamedTuple):
    """What an envelope takes out of one message, before any device-specific decoding.

    `records` are JSON objects (native JSON, SenML, or a network server's `decoded_payload`); `raw` and `port` are a
    binary payload and its port. `device_id` is the identity the payload itself states, None where it states none.
    `time` is when the network (or the device, for the whole message) says it happened; `now` is a replay source's
    clock; `delivery_key` tells a redelivery from a second message (sequence number, frame counter, server id).
    """

    records: tuple[Mapping[str, object], ...] = ()
    raw: bytes | None = None
    port: int | None = None
    device_id: str | None = None
    time: datetime | None = None
    now: datetime | None = None
    delivery_key: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One installed thing. `source_id` names its time base: `live`, or a replay source with a clock of its own."""

    device_id: str
    profile: str
    domain: Domain
    name: str = ""
    site_id: str | None = None
    district_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    source_id: str = "live"
    expected_interval: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Observation:
    """One stored result of one datastream. `result` is None only when `quality` is MISSING."""

    datastream_id: int
    phenomenon_time: datetime
    received_at: datetime
    result: float | None
    quality: QualityFlag = QualityFlag.NOT_EVALUATED
    tests: QualityTest = QualityTest.NONE
