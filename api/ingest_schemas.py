"""Bodies and answers about what was received: the account, what was turned away, doubtful readings and clocks."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.plain import Word
from api.schemas import Page, Schema


class AccountSums(Schema):
    """Both sums of the account, and whether they close.

    received = accepted + rejected (messages); readings = stored + duplicate + refused.
    """

    received: int
    accepted: int
    rejected: int
    readings: int
    stored: int
    duplicate: int
    refused: int
    closes: bool


class AccountRow(AccountSums):
    """What became of one device's deliveries in one hour (or in all, `hour` null). Both sums close."""

    device_id: str
    hour: datetime | None


class AccountPage(Page):
    """A page of the account, by device and hour, and the sums over all that was asked for."""

    items: list[AccountRow]
    total: AccountSums


class RejectedMessage(Schema):
    """A message kept with the reason why it, or a reading in it, was turned away."""

    rejected_id: int
    received_at: datetime
    fate: Literal["rejected", "refused"]
    reason: str
    detail: str
    device_id: str | None
    topic: str
    payload_text: str = Field(description="the payload as UTF-8, undecodable bytes escaped, cut at 4,000 characters")
    payload_size: int


class RejectedPage(Page):
    """A page of rejected messages, newest first."""

    items: list[RejectedMessage]


class ReasonCount(Schema):
    """How many kept messages have one fate for one reason, and when the newest of them came."""

    fate: Literal["rejected", "refused"]
    reason: str
    messages: int
    newest_at: datetime


class ReasonCounts(Schema):
    """Why messages were turned away, the most frequent reason first."""

    items: list[ReasonCount]
    complete: bool = Field(description="whether all that were asked for are counted, or only the newest 100,000")


class Replay(Schema):
    """Body of `POST /api/v1/rejected/replay`: which of the kept messages, all of them where nothing is said."""

    # To what a double counts exactly: the document's numbers are doubles to many readers.
    ids: list[Annotated[int, Field(ge=1, le=2**53 - 1)]] | None = Field(None, min_length=1, max_length=10_000)
    reason: Word | None = None
    device_id: Word | None = None


class Replayed(Schema):
    """What became of the messages that were played, and of their readings."""

    played: int
    mended: int
    still: int = Field(description="turned away once more")
    cut: int = Field(description="kept in part only, too large to play")
    stored: int
    duplicate: int


class FlagRun(Schema):
    """One stretch of doubtful readings of one channel; `tests` is a set of bits, see the glossary."""

    datastream_id: int
    device_id: str
    property: str
    began_at: datetime
    ended_at: datetime
    readings: int
    worst: int = Field(description="worst QARTOD flag among them; 1 where only the time was put right")
    tests: int


class FlagRunPage(Page):
    """A page of stretches of doubtful readings, oldest first."""

    items: list[FlagRun]


class ClockFault(Schema):
    """A device whose clock is wrong by `offset_seconds`, which is to be added to what it says."""

    device_id: str
    kind: str
    offset_seconds: float
    corrected: bool
    noticed_at: datetime


class ClockList(Schema):
    """All devices whose clocks are wrong by a constant."""

    items: list[ClockFault]
