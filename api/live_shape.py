"""What a live client asked to see, and what of a tick that is. Pure: rows in, rows out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.answer import OPTIONS
from api.context import BBox, DomainName, Identifier
from api.principal import Limits

View = Literal["summary", "alerts", "latest"]
Row = dict[str, Any]
# Columns a tick carries to be chosen by, which are not part of a latest value as REST gives it.
PLACE = ("domain", "district_id", "latitude", "longitude")


def _box(box: BBox) -> BBox:
    west, south, east, north = box
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise ValueError("west, south, east, north: within 180 and 90 degrees, south not above north")
    return box


class Subscription(BaseModel):
    """What to send. `domain` and `device_id` narrow alerts and latest values, `bbox` latest values only."""

    model_config = ConfigDict(extra="forbid")

    views: frozenset[View] = Field(min_length=1)
    domain: DomainName | None = None
    bbox: Annotated[BBox, AfterValidator(_box)] | None = None
    device_id: Identifier | None = None


class Request(BaseModel):
    """The one message a client sends; sent again, it replaces the subscription."""

    model_config = ConfigDict(extra="forbid")

    subscribe: Subscription
    resume: int | None = Field(None, description="the last `seq` seen: what came after is sent, or `resync` if too old")


@dataclass(frozen=True, slots=True)
class Tick:
    """What changed since the tick before. `latest` rows carry the columns of PLACE besides those of the API."""

    seq: int
    at: datetime
    alerts: list[Row]
    latest: list[Row]
    summaries: Mapping[Limits | None, Row]  # by the part of the city that is seen

    @property
    def size(self) -> int:
        """Return the rows it holds, by which the ring is bounded."""
        return len(self.alerts) + len(self.latest) + 1


@dataclass(frozen=True, slots=True)
class Shape:
    """A subscription as a key: clients with equal shapes share one encoding."""

    views: frozenset[str]
    domain: str | None
    bbox: BBox | None
    device_id: str | None
    limits: Limits | None = None

    @classmethod
    def of(cls, subscription: Subscription, limits: Limits | None = None) -> "Shape":
        """Return the shape of a subscription by somebody who sees what lies within `limits`."""
        asked = subscription.domain, subscription.bbox, subscription.device_id
        return cls(frozenset(subscription.views), *asked, limits)

    def _wants(self, row: Row) -> bool:
        return (
            (self.domain is None or row["domain"] == self.domain)
            and (self.device_id is None or row["device_id"] == self.device_id)
            # As the store has it: who is limited sees what is about a device of theirs.
            and (
                self.limits is None
                or (row["device_id"] is not None and self.limits.covers(row["district_id"], row["domain"]))
            )
        )

    def _inside(self, row: Row) -> bool:
        if self.bbox is None:
            return True
        west, south, east, north = self.bbox
        x, y = row["longitude"], row["latitude"]
        if x is None or y is None or not south <= y <= north:
            return False
        # A box with west > east crosses the antimeridian (RFC 7946, section 5.2).
        return bool(west <= x <= east if west <= east else x >= west or x <= east)

    def encode(self, tick: Tick) -> str | None:
        """Return the delta that this shape sees of `tick`, None if it sees nothing."""
        body: dict[str, Any] = {}
        if "alerts" in self.views and (alerts := [row for row in tick.alerts if self._wants(row)]):
            body["alerts"] = alerts
        if "latest" in self.views:
            chosen = [row for row in tick.latest if self._wants(row) and self._inside(row)]
            if chosen:
                body["latest"] = [{key: row[key] for key in row if key not in PLACE} for row in chosen]
        if "summary" in self.views and self.limits in tick.summaries:
            body["summary"] = tick.summaries[self.limits]
        if not body:
            return None
        return message("delta", seq=tick.seq, at=tick.at, **body)


def merge(ticks: Iterable[Tick]) -> Tick | None:
    """Return one tick that says what all of them said, the newest of each row; None of none."""
    alerts: dict[int, Row] = {}
    latest: dict[int, Row] = {}
    summaries: dict[Limits | None, Row] = {}
    last = None
    for last in ticks:
        alerts.update((row["alert_id"], row) for row in last.alerts)
        latest.update((row["datastream_id"], row) for row in last.latest)
        summaries.update(last.summaries)
    if last is None:
        return None
    return Tick(last.seq, last.at, list(alerts.values()), list(latest.values()), summaries)


def message(kind: str, **parts: object) -> str:
    """Return one message to a client."""
    return orjson.dumps({"type": kind, **parts}, option=OPTIONS).decode()
