"""Reads what the derived values of many devices rest on, a few queries for all of them, and works the values out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.model import QualityFlag
from indicators.air_hour import HourSum, air_hour
from indicators.bin_forecast import bin_forecast
from indicators.derived import (
    AIR_INPUTS,
    BIN_INPUT,
    DAY,
    EPOCH,
    HOUR,
    NO_VALUE,
    PERIODS,
    QUARTER,
    ROAD_INPUT,
    Kind,
    Value,
    expected_in,
    flag,
    floor,
)
from indicators.fill import FillReading
from indicators.road_quarter import own_free_flow, road_quarter
from indicators.sensor_health import battery_days_left, completeness
from indicators.watching import HISTORY, Watched
from sql.connection import Connection, Record
from sql.queries import query

FREE_FLOW_SPAN = timedelta(weeks=4)
FREE_FLOW_EVERY = timedelta(hours=6)
FILL_SPAN = timedelta(days=14)
BATTERY_SPAN = timedelta(days=30)
INSTANT = timedelta(microseconds=1)

Key = tuple[str, datetime]  # device and end of a span


@dataclass(frozen=True, slots=True)
class Due:
    """One period of one device whose values are to be worked out."""

    device_id: str
    kind: Kind
    due_at: datetime
    interval: timedelta

    @property
    def key(self) -> Key:
        """Return device and end of the period."""
        return self.device_id, self.due_at


@dataclass(frozen=True, slots=True)
class Derived:
    """One value of one property of one device, at the end of its period."""

    device_id: str
    property: str
    time: datetime
    value: Value


class Windows:
    """Works dues out on one connection; remembers each detector's free-flow speed for as long as it holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._free_flow: dict[Key, float | None] = {}
        self._watched: dict[str, Watched] = {}

    def forget(self) -> None:
        """Begin anew with the watched series: what was judged last is not in the store."""
        self._watched.clear()

    async def derive(self, dues: Iterable[Due]) -> list[Derived]:
        """Return every value of the dues, those that the readings do not define among them, as MISSING."""
        by_kind: defaultdict[Kind, list[Due]] = defaultdict(list)
        for due in dues:
            by_kind[due.kind].append(due)
        work = {
            Kind.AIR: self._air,
            Kind.ROAD: self._road,
            Kind.BIN: self._bins,
            Kind.HEALTH: self._health,
            Kind.SERIES: self._watch,
        }
        found: list[Derived] = []
        for kind, those in by_kind.items():
            found += await work[kind](those)
        return found

    async def _air(self, dues: Sequence[Due]) -> list[Derived]:
        reach = PERIODS[Kind.AIR].reach
        spans: dict[str, tuple[datetime, datetime]] = {}
        for due in dues:
            since, until = spans.get(due.device_id, (due.due_at, due.due_at))
            spans[due.device_id] = min(since, due.due_at - reach * HOUR), max(until, due.due_at)
        rows = await self._connection.fetch(
            query("indicators", "hour_sums"),
            list(spans),
            [since for since, _ in spans.values()],
            [until for _, until in spans.values()],
            list(AIR_INPUTS),
        )
        hours: defaultdict[str, dict[str, dict[datetime, HourSum]]] = defaultdict(dict)
        for row in rows:
            series = hours[row["device_id"]].setdefault(row["property"], {})
            series[row["bucket"]] = HourSum(row["n"], row["n_good"], row["sum"])
        found: list[Derived] = []
        for due in dues:
            series_of = {
                name: [series.get(due.due_at - (age + 1) * HOUR) for age in range(reach)]
                for name, series in hours[due.device_id].items()
            }
            found += _told(due, air_hour(series_of, expected_in(HOUR, due.interval)))
        return found

    async def _road(self, dues: Sequence[Due]) -> list[Derived]:
        await self._learn_free_flow(dues)
        rows = _by_key(
            await self._connection.fetch(
                query("indicators", "span_readings"), *_spans(dues, QUARTER, timedelta(0)), ROAD_INPUT
            )
        )
        found: list[Derived] = []
        for due in dues:
            readings = rows.get(due.key, [])
            if not readings:
                continue  # nothing there to judge by, perhaps no longer: what was derived then stays
            used = [row for row in readings if row["result"] is not None and row["quality"] <= QualityFlag.SUSPECT]
            values = road_quarter(
                [row["result"] for row in used],
                sum(row["quality"] == QualityFlag.GOOD for row in used),
                expected_in(QUARTER, due.interval),
                self._free_flow[due.device_id, _learnt_at(due)],
            )
            found += _told(due, values)
        return found

    async def _learn_free_flow(self, dues: Sequence[Due]) -> None:
        wanted = {(due.device_id, _learnt_at(due)) for due in dues} - self._free_flow.keys()
        if not wanted:
            return
        oldest = min(at for _, at in wanted) - FREE_FLOW_EVERY
        self._free_flow = {key: speed for key, speed in self._free_flow.items() if key[1] >= oldest}
        keys = sorted(wanted)
        rows = await self._connection.fetch(
            query("indicators", "past_quarters"),
            [device_id for device_id, _ in keys],
            [at - FREE_FLOW_SPAN for _, at in keys],
            [at for _, at in keys],
        )
        past = {(row["device_id"], row["until"]): list(zip(row["speeds"], row["flows"], strict=True)) for row in rows}
        for key in keys:
            self._free_flow[key] = own_free_flow(past.get(key, []))

    async def _bins(self, dues: Sequence[Due]) -> list[Derived]:
        now = _by_key(
            await self._connection.fetch(
                query("indicators", "span_readings"), *_spans(dues, timedelta(0), INSTANT), BIN_INPUT
            )
        )
        hours = [floor(due.due_at, HOUR) for due in dues]
        # Once for each bin and hour, however many of its readings are due: a window asked twice answers twice.
        asked = sorted({(due.device_id, hour) for due, hour in zip(dues, hours, strict=True)})
        past = _by_key(
            await self._connection.fetch(
                query("indicators", "past_levels"),
                [device_id for device_id, _ in asked],
                [hour - FILL_SPAN for _, hour in asked],
                [hour for _, hour in asked],
            )
        )
        found: list[Derived] = []
        for due, hour in zip(dues, hours, strict=True):
            readings = now.get((due.device_id, due.due_at + INSTANT), [])
            if not readings:
                continue
            (row,) = readings
            if row["result"] is None or row["quality"] > QualityFlag.SUSPECT:
                found += _told(due, {"fill_rate": NO_VALUE, "time_to_full": NO_VALUE})
                continue
            before = [FillReading(each["last_time"], each["last"]) for each in past.get((due.device_id, hour), [])]
            quality = flag(int(row["quality"] != QualityFlag.SUSPECT), 1)
            found += _told(due, bin_forecast(before, FillReading(due.due_at, row["result"]), quality))
        return found

    async def _watch(self, dues: Sequence[Due]) -> list[Derived]:
        rows = _by_key(
            await self._connection.fetch(query("indicators", "watched_readings"), *_spans(dues, timedelta(0), INSTANT))
        )
        found: list[Derived] = []
        for due in sorted(dues, key=lambda each: each.due_at):
            watched = self._watched.get(due.device_id)
            if watched is None:
                watched = self._watched[due.device_id] = Watched()
                span = ([due.device_id], [due.due_at - HISTORY], [due.due_at])
                past = await self._connection.fetch(query("indicators", "watched_readings"), *span)
                watched.feed((row["phenomenon_time"], row["result"]) for row in past)
            for row in rows.get((due.device_id, due.due_at + INSTANT), ()):
                value = watched.judge(due.due_at, row["result"])
                if value is not None:
                    found += _told(due, {"rarity": value})
        return found

    async def _health(self, dues: Sequence[Due]) -> list[Derived]:
        reports = {
            (row["device_id"], row["day"] + DAY): row["reports"]
            for row in await self._connection.fetch(
                query("indicators", "day_reports"),
                [due.device_id for due in dues],
                [due.due_at - DAY for due in dues],
            )
        }
        rows = await self._connection.fetch(
            query("indicators", "battery_days"), *_spans(dues, BATTERY_SPAN, timedelta(0))
        )
        batteries = _by_key(rows)
        found: list[Derived] = []
        for due in dues:
            share = completeness(reports.get(due.key, 0), due.interval)
            values = {"completeness": NO_VALUE if share is None else Value(round(share, 3), QualityFlag.GOOD)}
            days = batteries.get(due.key, [])
            if days:
                left = battery_days_left([((row["bucket"] - EPOCH) / DAY, row["level"]) for row in days])
                quality = flag(sum(row["n_good"] for row in days), sum(row["n"] for row in days))
                values["battery_days_left"] = NO_VALUE if left is None else Value(round(left, 2), quality)
            found += _told(due, values)
        return found


def _learnt_at(due: Due) -> datetime:
    """Return as of when the free-flow speed for this quarter is learnt: the past decides, never the quarter itself."""
    return floor(due.due_at - QUARTER, FREE_FLOW_EVERY)


def _told(due: Due, values: dict[str, Value]) -> Iterator[Derived]:
    return (Derived(due.device_id, name, due.due_at, value) for name, value in values.items())


def _spans(
    dues: Sequence[Due], before: timedelta, after: timedelta
) -> tuple[list[str], list[datetime], list[datetime]]:
    """Return devices, starts and ends of the spans from `before` the end of each due to `after` it."""
    return (
        [due.device_id for due in dues],
        [due.due_at - before for due in dues],
        [due.due_at + after for due in dues],
    )


def _by_key(rows: Iterable[Record]) -> dict[Key, list[Record]]:
    found: dict[Key, list[Record]] = {}
    for row in rows:
        found.setdefault((row["device_id"], row["until"]), []).append(row)
    return found
