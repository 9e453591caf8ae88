"""Accounting: one fate for every message and every reading, counted per device and hour, so that both sums close."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.model import Accepted, Outcome, Verdict
from sql.connection import Connection
from sql.queries import query

# Where a message counts whose device is not in the registry: an id that anybody may make up gets no row of its own.
UNKNOWN = "(unknown)"
COLUMNS = ("received", "accepted", "rejected", "readings", "stored", "duplicate", "refused")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What became of one device's deliveries, in one hour or, with `hour` None, in all the hours asked for."""

    device_id: str
    hour: datetime | None
    received: int
    accepted: int
    rejected: int
    readings: int
    stored: int
    duplicate: int
    refused: int

    @property
    def closes(self) -> bool:
        """Return whether every message and every reading has exactly one fate."""
        return (
            self.received == self.accepted + self.rejected
            and self.readings == self.stored + self.duplicate + self.refused
        )


class Tally:
    """The counts of one batch, by device and hour of arrival."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, datetime], list[int]] = {}
        self.outcome = Outcome()
        self._hours: dict[tuple[int, int], datetime] = {}

    def count(self, verdict: Verdict, stored: int, known: Mapping[str, object]) -> None:
        """Count one message, of whose rows `stored` were new; `known` are the devices that have a row of their own."""
        arrived = verdict.delivery.received_at
        ordinal = (arrived.toordinal(), arrived.hour)
        hour = self._hours.get(ordinal)
        if hour is None:
            hour = self._hours[ordinal] = arrived.replace(minute=0, second=0, microsecond=0)
        outcome = self.outcome
        outcome.messages += 1
        device_id = verdict.device_id
        key = (device_id if device_id is not None and device_id in known else UNKNOWN, hour)
        counts = self.counts.get(key)
        if counts is None:
            counts = self.counts[key] = [0] * 7
        counts[0] += 1
        if isinstance(verdict, Accepted):
            rows, refused = len(verdict.rows), len(verdict.refused)
            counts[1] += 1
            counts[3] += rows + refused
            counts[4] += stored
            counts[5] += rows - stored
            counts[6] += refused
            outcome.accepted += 1
            outcome.stored += stored
            outcome.duplicate += rows - stored
            outcome.refused += refused
        else:
            counts[2] += 1
            outcome.rejected += 1
            outcome.by_reason[verdict.reason] = outcome.by_reason.get(verdict.reason, 0) + 1

    def columns(self) -> tuple[list[str], list[datetime], list[tuple[int, ...]]]:
        """Return devices, hours and the counts of each as columns."""
        return (
            [device for device, _ in self.counts],
            [hour for _, hour in self.counts],
            [*zip(*self.counts.values(), strict=True)],
        )


async def fetch_account(
    connection: Connection,
    *,
    now: datetime,
    hours: int | None = None,
    device_id: str | None = None,
    by_hour: bool = False,
) -> list[AccountRow]:
    """Return the account by device, or of one device by hour; `hours` None means since the beginning."""
    since = datetime.min.replace(tzinfo=now.tzinfo) if hours is None else now - timedelta(hours=hours)
    if hours is not None:
        since = since.replace(minute=0, second=0, microsecond=0)
    name = "account_by_hour" if by_hour else "account_by_device"
    return [AccountRow(**row) for row in await connection.fetch(query("account", name), device_id, since)]


def total(rows: Iterable[AccountRow]) -> AccountRow:
    """Return the sum of several rows, as a row of the device `total`."""
    listed = list(rows)
    return AccountRow("total", None, *(sum(getattr(row, name) for row in listed) for name in COLUMNS))
