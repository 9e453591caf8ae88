"""The overview and the state of the system, read from the store; shared by the routes and the live socket."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api.figures import HOUR, HOURS, PROPERTIES, floor_hour, key_figures
from api.status_schemas import DeviceCounts, DistrictCounts, ProcessState, Status, Summary
from citywatch.local.running import find_running
from citywatch.settings import Settings
from sql.connection import Pool, Record
from sql.queries import query
from sql.read import read_counts, read_tail_lag, slowest

SERVICES = ("ingest", "fold", "rules", "indicators", "devices", "serve")
PART = re.compile(r'^citywatch_part_held\{.*part="(\d+)"\} 1', re.MULTILINE)
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")


async def read_summary(pool: Pool, now: datetime) -> Summary:
    """Return the overview's figures as of `now`; trends follow the clock of the source with the most devices."""
    async with pool.acquire() as connection:
        counts = by_freshness(await connection.fetch(query("api", "device_counts"), None))
        (source,) = await connection.fetch(query("api", "main_source"))
        alerts = dict(await connection.fetch(query("console", "open_alerts_of"), source["source_id"]))
        source_now = source["now"] or now
        end = floor_hour(source_now)
        latest = await connection.fetch(query("api", "figure_now"), source["source_id"], PROPERTIES)
        hours = await connection.fetch(
            query("api", "figure_hours"), source["source_id"], end - HOURS * HOUR, end, PROPERTIES
        )
    return Summary(
        at=now,
        devices=sum(counts.values()),
        fresh=counts.get("fresh", 0),
        stale=counts.get("stale", 0),
        silent=counts.get("silent", 0) + counts.get("never", 0),
        open_alerts=_each(SEVERITIES, alerts),
        figures=key_figures(source_now, latest, hours),
        figures_source=source["source_id"],
    )


def by_freshness(rows: Sequence[Record]) -> Counter[str]:
    """Return the devices in each state over all districts, by the rows of `device_counts`."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["freshness"]] += row["count"]
    return counts


FRESHNESS = ("fresh", "stale", "silent", "never")


async def read_device_counts(pool: Pool, source_id: str) -> DeviceCounts:
    """Return how many devices of a source are in each state, in all and by district, and what is open in each."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(query("api", "device_counts"), source_id)
        alerts = await connection.fetch(query("api", "open_alerts_by_district"), source_id)
    devices, raised = _by_district(rows, "freshness"), _by_district(alerts, "severity")
    whole = by_freshness(rows)
    districts = [
        DistrictCounts(
            district_id=name,
            devices=devices[name].total(),
            freshness=_each(FRESHNESS, devices[name]),
            open_alerts=_each(SEVERITIES, raised[name]),
        )
        for name in devices | raised
    ]
    return DeviceCounts(devices=whole.total(), freshness=_each(FRESHNESS, whole), districts=districts)


def _by_district(rows: Sequence[Record], kind: str) -> dict[str | None, Counter[str]]:
    found: dict[str | None, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["district_id"]][row[kind]] += row["count"]
    return found


def _each(names: Sequence[str], counts: Mapping[str, int]) -> dict[str, int]:
    """Return a count for every name, also where there is none of it."""
    return {name: counts.get(name, 0) for name in names}


def _detail(reports: Sequence[Record], *, connected: bool) -> str:
    """Return what a process says of itself, in a few words."""
    if not connected:
        return "holds no connection to the store"
    if not reports:
        return "holds a connection to the store"
    memory = sum(_sample(report["exposition"], "process_resident_memory_bytes") for report in reports)
    count = "" if len(reports) == 1 else f"{len(reports)} instances, "
    youngest, silent = (min(r["up_seconds"] for r in reports), max(r["silent_seconds"] for r in reports))
    parts = held_parts(reports)
    return f"{count}up {youngest / 60:,.0f} min, {memory / 1e6:,.0f} MB, reported {silent:.0f} s ago{parts}"


def held_parts(reports: Sequence[Record | Mapping[str, Any]]) -> str:
    """Return which parts of a divided consumer are whose, in no language; nothing where it is undivided."""
    held = {each["instance"]: PART.findall(each["exposition"]) for each in reports}
    if sum(map(len, held.values())) < 2:
        return ""
    return " [" + "; ".join(f"{' '.join(parts) or '–'}: {name}" for name, parts in held.items()) + "]"


def _sample(exposition: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", exposition, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _limits(settings: Settings, engine: str, broker: str) -> list[str]:
    limits = []
    if settings.serve.demo:
        limits.append("Demo mode: anybody on this machine may act, and names are not verified.")
    if engine == "plain":
        limits.append("Plain PostgreSQL: observations are partitioned by week but not compressed.")
    if broker == "aedes":
        limits.append("The aedes broker speaks MQTT 3.1.1 only: no commands over MQTT 5, one ingest worker.")
    if not find_running(settings.data_dir) and settings.broker.ca_file is None and settings.broker.host:
        limits.append("The connection to the broker is not encrypted: no certificate authority is set.")
    return limits


async def read_status(pool: Pool, settings: Settings, now: datetime, version: str) -> Status:
    """Return processes with their lag, counts, and what this set-up cannot do."""
    async with pool.acquire() as connection:
        engine = await connection.fetchval(query("api", "engine_name"))
        consumers = slowest(await read_tail_lag(connection))
        connected = {row["name"] for row in await connection.fetch(query("api", "connected_processes"))}
        messages = await connection.fetchval(query("api", "messages_last_minute"))
        reports = await connection.fetch(query("process", "process_reports"))
        counts = await read_counts(connection, now)
    running = find_running(settings.data_dir)
    broker = running.broker_kind if running is not None else settings.broker.host or "none"
    processes = [
        ProcessState(
            name=name,
            state="running" if name in connected else "stopped",
            lag_rows=consumers[name].rows if name in consumers else None,
            lag_seconds=consumers[name].seconds if name in consumers else None,
            detail=_detail([report for report in reports if report["process"] == name], connected=name in connected),
        )
        for name in sorted({*SERVICES, *consumers})
    ]
    return Status(
        at=now,
        version=version,
        engine=engine,
        demo=settings.serve.demo,
        broker=broker,
        processes=processes,
        observations=counts.observations,
        messages_last_minute=messages,
        readings_last_minute=counts.readings_last_minute,
        limits=_limits(settings, engine, broker),
    )
