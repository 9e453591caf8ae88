"""Reads what the derived values of many devices rest on, a few queries for all of them, and works the values out."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from devices.model import QualityFlag
from indicators.air_hour import HourSum, air_hour
from indicators.bin_windows import derive_bins
from indicators.calculated import ROLLUPS
from indicators.calculations import ByDue, by_due, derive_calculated, in_force
from indicators.derived import (
    AIR_INPUTS,
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
from indicators.drift_windows import derive_drift
from indicators.dues import INSTANT, Derived, Due, Key, by_key, spans, told
from indicators.hour_windows import derive_forecasts, derive_usual
from indicators.pair_windows import derive_pairs
from indicators.road_quarter import own_free_flow, road_quarter
from indicators.sensor_health import battery_days_left, reporting
from indicators.usual_hour import Calendar
from indicators.watching import HISTORY, Watched
from sql.connection import Connection
from sql.queries import query

FREE_FLOW_SPAN = timedelta(weeks=4)
FREE_FLOW_EVERY = timedelta(hours=6)
BATTERY_SPAN = timedelta(days=30)


class Windows:
    """Works dues out on one connection; remembers each detector's free-flow speed for as long as it holds."""

    calculations: ByDue = {}

    def __init__(self, connection: Connection, calendar: Calendar) -> None:
        self._connection = connection
        self._calendar = calendar
        self._free_flow: dict[Key, float | None] = {}
        self._watched: dict[str, Watched] = {}
        self._calculations: ByDue | None = None  # read when first needed, where nobody has told them

    def forget(self) -> None:
        """Begin anew with the watched series: what was judged last is not in the store."""
        self._watched.clear()

    def calculate(self, calculations: ByDue) -> None:
        """Have these calculations worked out from now on."""
        self._calculations = calculations

    async def derive(self, dues: Iterable[Due]) -> list[Derived]:
        """Return every value of the dues, those that the readings do not define among them, as MISSING."""
        by_kind: defaultdict[Kind, list[Due]] = defaultdict(list)
        for due in dues:
            by_kind[due.kind].append(due)
        work: dict[Kind, Callable[[Sequence[Due]], Awaitable[list[Derived]]]] = {
            Kind.AIR: self._air,
            Kind.ROAD: self._road,
            Kind.BIN: lambda those: derive_bins(self._connection, those, timedelta(0)),
            Kind.BIN_QUARTER: lambda those: derive_bins(self._connection, those, QUARTER),
            Kind.HEALTH: self._health,
            Kind.SERIES: self._watch,
            Kind.PAIR: lambda those: derive_pairs(self._connection, those),
            Kind.FORECAST: lambda those: derive_forecasts(self._connection, those, self._calendar),
            Kind.USUAL: lambda those: derive_usual(self._connection, those, self._calendar),
        }
        found: list[Derived] = []
        for kind, those in by_kind.items():
            if kind in ROLLUPS:
                if self._calculations is None:
                    self._calculations = by_due(await in_force(self._connection))
                found += await derive_calculated(self._connection, kind, those, self._calculations)
            else:
                found += await work[kind](those)
        return found

    async def _air(self, dues: Sequence[Due]) -> list[Derived]:
        spans: dict[str, tuple[datetime, datetime]] = {}
        for due in dues:
            since, until = spans.get(due.device_id, (due.due_at, due.due_at))
            spans[due.device_id] = min(since, due.due_at - PERIODS[Kind.AIR].reach * HOUR), max(until, due.due_at)
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
                name: [series.get(due.due_at - (age + 1) * HOUR) for age in range(DAY // HOUR)]
                for name, series in hours[due.device_id].items()
            }
            found += told(due, air_hour(series_of, expected_in(HOUR, due.interval)))
        return found

    async def _road(self, dues: Sequence[Due]) -> list[Derived]:
        await self._learn_free_flow(dues)
        rows = by_key(
            await self._connection.fetch(
                query("indicators", "span_readings"), *spans(dues, QUARTER, timedelta(0)), ROAD_INPUT
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
            found += told(due, values)
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

    async def _watch(self, dues: Sequence[Due]) -> list[Derived]:
        rows = by_key(
            await self._connection.fetch(query("indicators", "watched_readings"), *spans(dues, timedelta(0), INSTANT))
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
                    found += told(due, {"rarity": value})
        return found

    async def _health(self, dues: Sequence[Due]) -> list[Derived]:
        reports = {
            (row["device_id"], row["day"] + DAY): (row["reports"], row["learned_interval"])
            for row in await self._connection.fetch(
                query("indicators", "day_reports"),
                [due.device_id for due in dues],
                [due.due_at - DAY for due in dues],
            )
        }
        rows = await self._connection.fetch(
            query("indicators", "battery_days"), *spans(dues, BATTERY_SPAN, timedelta(0))
        )
        batteries = by_key(rows)
        found: list[Derived] = []
        for due in dues:
            values = reporting(*reports.get(due.key, (0, None)), due.interval)
            days = batteries.get(due.key, [])
            if days:
                left = battery_days_left([((row["bucket"] - EPOCH) / DAY, row["level"]) for row in days])
                quality = flag(sum(row["n_good"] for row in days), sum(row["n"] for row in days))
                values["battery_days_left"] = NO_VALUE if left is None else Value(round(left, 2), quality)
            found += told(due, values)
        return found + await derive_drift(self._connection, dues)


def _learnt_at(due: Due) -> datetime:
    """Return as of when the free-flow speed for this quarter is learnt: the past decides, never the quarter itself."""
    return floor(due.due_at - QUARTER, FREE_FLOW_EVERY)
