"""The words of ingest: a delivery, what became of it, and the rows it yields."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from devices.limits import Limits
from devices.model import QualityFlag, Refused, RejectReason

if TYPE_CHECKING:
    from ingest.quality.memory import Memory


class Link(Protocol):
    """One connection to the broker, to which an acknowledgement belongs; dead after the connection is."""

    def acknowledge(self, packet_id: int) -> None:
        """Tell the broker that the message is ours now; nothing, once this connection is gone."""


@dataclass(slots=True, eq=False)
class Delivery:
    """One message on the wire. `dup` says that the broker has sent it before; `received_at` is when we read it."""

    topic: str
    payload: bytes
    received_at: datetime
    qos: int = 0
    dup: bool = False
    retain: bool = False
    packet_id: int = 0
    link: Link | None = None
    excess: bool = False  # of a flood, beyond what is held for one topic: to be set aside

    def ack(self) -> None:
        """Acknowledge it, which QoS 0 does not need."""
        if self.link is not None and self.qos:
            self.link.acknowledge(self.packet_id)


@dataclass(slots=True, eq=False)
class Channel:
    """One datastream as ingest sees it; `datastream_id` is None until its first reading is written.

    `interval` is how often its device is expected to report; `memory` is None until its recent past has been read.
    """

    device_id: str
    property: str
    unit: str
    limits: Limits
    interval: timedelta
    datastream_id: int | None = None
    memory: "Memory | None" = None
    watched: bool = False  # whether its limits look at earlier readings


@dataclass(slots=True, eq=False)
class Row:
    """One observation to be written. `result` is None only where `quality` is MISSING."""

    channel: Channel
    phenomenon_time: datetime
    received_at: datetime
    result: float | None
    quality: QualityFlag
    # Bits of QualityTest: an IntFlag is slow here, and iterable, which the driver takes for an array.
    tests: int
    sealed: bool = False  # on its way to the store, or there: a change is a revision


@dataclass(slots=True, eq=False)
class Revision:
    """A fault found in a stored observation: `row` says what it is now, `old_quality` what it was."""

    row: Row
    old_quality: QualityFlag


@dataclass(slots=True, eq=False)
class Accepted:
    """A delivery whose readings are `rows`, or `refused` by name.

    `key` is set where a reading got its time from the arrival, so that its time cannot tell a redelivery: an equal key
    received since `since`, or as little later as `since` is earlier, is the same message.
    """

    delivery: Delivery
    device_id: str
    rows: list[Row]
    refused: Sequence[Refused] = ()
    key: str | None = None
    since: datetime | None = None

    def repeats(self, other: "Accepted") -> bool:
        """Return whether this and `other`, which has the same key, are the same message."""
        assert self.since is not None
        arrived = self.delivery.received_at
        return abs(other.delivery.received_at - arrived) <= arrived - self.since


@dataclass(slots=True, eq=False)
class Rejected:
    """A delivery that is not accepted; `device_id` is the device it claims to be from, if it says so."""

    delivery: Delivery
    reason: RejectReason
    detail: str
    device_id: str | None = None


Verdict = Accepted | Rejected


@dataclass(slots=True, eq=False)
class Outcome:
    """What a committed batch did: `stored` counts new rows, `duplicate` those that were there already."""

    messages: int = 0
    accepted: int = 0
    rejected: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Outcome") -> None:
        """Add the figures of another batch to these."""
        self.messages += other.messages
        self.accepted += other.accepted
        self.rejected += other.rejected
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.refused += other.refused
        for reason, count in other.by_reason.items():
            self.by_reason[reason] = self.by_reason.get(reason, 0) + count
