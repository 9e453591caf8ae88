"""Rules and alerts: order does not show, one alert however many raise it, killed at any point, and fast enough.

Needs the reference data (CITYWATCH_SHARED_DATA) for the bins of Wyndham, and `xmlschema` for CAP. PROOF_FULL=1 runs the
parts at full length, 43 million readings included. PROOF_PARTS (`order,kills`) runs some only: docs/proof/report.py.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from xml.etree import ElementTree

import xmlschema

from citywatch.errors import AlertError
from docs.proof.own_store import own_store
from docs.proof.report import run_parts
from docs.proof.rules_delay import delays
from docs.proof.rules_flood import flood
from docs.proof.shared_data import data_folder
from rules.backtest import backtest
from rules.check import run_trials
from rules.conditions import AtLeast
from rules.definitions import FOLDER, load_definition, rule_files
from rules.engine import run
from rules.incidents import group
from rules.lifecycle import AlertEventKind, Standing, advance
from rules.load import floods
from rules.model import Rule
from rules.notify.cap import to_cap
from rules.store import load_city
from sql.connection import Connection, Pool
from sql.engine import detect_engine
from sql.pool import open_pool
from tests.integration.rules_kill import kill_and_compare
from tests.integration.rules_tail import install
from tests.integration.test_alert_once import CONNECTIONS, RAISES, raise_many
from tests.unit.rules import test_crowd
from tests.unit.rules.series import START, ready, rule, samples
from tests.unit.rules.test_cap import ALERT, BODY, SQUARE
from tests.unit.rules.test_event_time import differing
from tests.unit.rules.test_incidents import flood as many_alerts
from tests.unit.rules.test_lifecycle import TABLE
from tests.wyndham import DAILY, day, full_periods, read_bins, to_samples

FULL = os.environ.get("PROOF_FULL") == "1"
STREAMS, MINUTES = 100, 43_200
SERIES, CITIES, KILLS = (10_000, 500, 50) if FULL else (2_000, 40, 12)
SINCE = datetime(2026, 3, 2, tzinfo=UTC)
Part = Callable[[str, Pool], Awaitable[dict[str, Any]]]  # (address of its store, a pool on it) -> figures


def prove() -> dict[str, object]:
    """Run every part and return its figures; an AssertionError names what was missed."""
    stored = {name: partial(_on_a_store, part) for name, part in STORED.items()}
    return run_parts("rules", {**PURE, **stored, "delays": delays}, full=FULL)


def _shipped() -> dict[str, Any]:
    tests, failures = run_trials(rule_files())
    assert not failures
    assert len(rule_files()) >= 20
    return {"rules": len(rule_files()), "tests": tests}


def _lifecycle() -> dict[str, Any]:
    """Every pair of standing and event: what the table has is reached, what it has not is refused with a sentence."""
    kinds = [kind for kind in AlertEventKind if kind is not AlertEventKind.RAISED]
    refused = 0
    for where, events in TABLE.items():
        for kind in kinds:
            try:
                assert advance(Standing(*where), kind).state is events[kind]
            except AlertError as error:
                assert kind not in events
                assert str(error).startswith("the alert is")
                refused += 1
    legal = sum(map(len, TABLE.values()))
    assert legal + refused == len(TABLE) * len(kinds)
    return {"standings": len(TABLE), "legal_transitions": legal, "refused": refused}


def _order() -> dict[str, Any]:
    wrong, alerts, corrections = differing(SERIES, seed=7)
    assert wrong == 0
    one = {"series": SERIES, "differing_journals": wrong, "alerts": alerts, "corrections_on_the_way": corrections}
    wrong, alerts, corrections = test_crowd.differing(CITIES, seed=7)
    assert wrong == 0
    many = {"cities": CITIES, "differing_journals": wrong, "alerts": alerts, "corrections_on_the_way": corrections}
    return {"one_device": one, "many_devices": many}


def _worked_examples() -> dict[str, Any]:
    limit = rule("{at_least: 80, deadband: 5}", on_delay="120s", off_delay="120s")
    one = ready(limit)
    _, found = run(one, one.start(), samples([78, 81, 79, 82, 83, 85, 78, 76, 74, 73, 76, 74, 72, 70]))
    assert found[0].cleared_at is not None
    times = [(found[0].raised_at - START).total_seconds(), (found[0].cleared_at - START).total_seconds()]
    assert (len(found), times) == (1, [300, 780])
    one = ready(rule("{at_least: 1}", on_delay="5m"))
    _, found = run(one, one.start(), samples([0, 0, 0, 9, 9, 9, 9, 9, 9]))
    fires = (found[0].raised_at - START) / timedelta(minutes=1)
    assert fires == 8
    flooded = floods([12, 12, 6, 4, 1])
    assert flooded == [True, True, True, False, False]
    return {"raise_clear_seconds": times, "for_5m_fires_at_minute": fires, "in_flood": flooded}


def _wyndham() -> dict[str, Any]:
    shipped = load_definition(FOLDER / "bin-nearly-full.yaml").rule
    one = ready(replace(shipped, condition=AtLeast(80, 5)), DAILY, "fill_level")
    figures = {"rows": 0, "full_periods": 0, "alerts": 0, "alerts_on_not_ready": 0, "lasting_one_reading": 0}
    for rows in read_bins(data_folder()).values():
        _, found = run(one, one.start(), to_samples(rows))
        assert [(each.raised_at, each.cleared_at) for each in found] == full_periods(rows)
        days = {day(row): row for row in rows}
        figures["rows"] += len(rows)
        figures["full_periods"] += len(full_periods(rows))
        figures["alerts"] += len(found)
        for each in found:
            covered = [row for at, row in days.items() if each.raised_at <= at and at < (each.cleared_at or at + DAILY)]
            figures["lasting_one_reading"] += len(covered) == 1
            figures["alerts_on_not_ready"] += any(row["reason"] == "NOT_READY" for row in covered)
    assert figures["alerts_on_not_ready"] == 0
    return figures


def _incidents() -> dict[str, Any]:
    found, sizes = many_alerts(seed=11)
    began = time.perf_counter()
    groups = group(found, sizes)
    seconds = time.perf_counter() - began
    bound = {each.alert_id for one in groups for each in one.members}
    alone = sum(each.alert_id >= 5000 and each.alert_id not in bound for each in found)
    assert len(groups) == 3
    assert alone >= 49
    return {"alerts": len(found), "incidents": len(groups), "independent_alone": alone, "seconds": round(seconds, 3)}


def _cap() -> dict[str, Any]:
    from rules.notify.cap import public_alert

    schema = xmlschema.XMLSchema(data_folder() / "cap" / "cap12.xsd")
    messages = [
        ALERT,
        replace(ALERT, circle=None, polygon=SQUARE),
        replace(ALERT, kind="Cancel", earlier=[("a@b", "citywatch-0", START)]),
        public_alert(BODY, "a@b", domain="air", lasts=timedelta(hours=2)),
    ]
    for message in messages:
        schema.validate(ElementTree.fromstring(to_cap(message)))
    return {"messages": len(messages), "valid": len(messages)}


def _on_a_store(part: Part) -> dict[str, Any]:
    """Run a part on a store of its own."""
    with own_store(fsync="on") as (dsn, _):
        return asyncio.run(_with_pool(dsn, part))


async def _with_pool(dsn: str, part: Part) -> dict[str, Any]:
    pool = await open_pool(dsn, process="proof", statement_timeout=timedelta(minutes=30))
    try:
        return await part(dsn, pool)
    finally:
        await pool.close()


async def _raises(dsn: str, pool: Pool) -> dict[str, Any]:
    async with pool.acquire() as connection:
        await install(connection, "bin-1", "bin_temperature")
    made = await asyncio.gather(*(raise_many(dsn, RAISES) for _ in range(CONNECTIONS)))
    alerts = await pool.fetchval("SELECT count(*) FROM alert")
    assert sum(made) == alerts == 1
    return {"raises": CONNECTIONS * RAISES, "connections": CONNECTIONS, "alerts": alerts}


async def _kills(dsn: str, pool: Pool) -> dict[str, Any]:
    found = await kill_and_compare(dsn, pool, kills=KILLS, seed=3)
    assert found["differing"] == 0
    assert found["events"]["raised"] == found["raised_expected"]
    return found


async def _backtest(_dsn: str, pool: Pool) -> dict[str, Any]:
    found = {"4.3 million": await _look_back(pool, STREAMS, limit=30.0)}
    if FULL:
        await pool.execute("TRUNCATE device CASCADE")
        await pool.execute("TRUNCATE observation")
        found["43 million"] = await _look_back(pool, 10 * STREAMS)
    return found


async def _look_back(pool: Pool, streams: int, limit: float | None = None) -> dict[str, Any]:
    async with pool.acquire() as connection:
        await _fill(connection, streams)
        city = await load_city(connection)
        rules = _twenty_rules()
        began = time.perf_counter()
        found = await backtest(connection, city, rules, SINCE, SINCE + timedelta(days=31))
        seconds = time.perf_counter() - began
    readings = streams * MINUTES
    assert all(each.readings == readings for each in found)
    assert limit is None or seconds < limit, f"{seconds:.1f} s"
    alerts = sum(each.alerts for each in found)
    assert alerts > 1000
    return {"readings": readings, "rules": len(rules), "seconds": round(seconds, 1), "alerts": alerts}


async def _fill(connection: Connection, streams: int) -> None:
    """Store 30 days of so many stations, one reading a minute: a day's wave, noise, and an hour's plume at times."""
    ids = []
    for number in range(streams):
        ids += await install(connection, f"air-{number}", "pm2_5", domain="air", every=timedelta(minutes=1))
    await (await detect_engine(connection)).ensure(connection, [SINCE + timedelta(days=each) for each in range(0, 31)])
    await connection.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT s, CASE WHEN (m * 7919 + s) % 997 = 0 THEN 4 ELSE 1 END, t, t,"
        "        30 + 20 * sin(m * 6.28 / 1440 + s) + (hashint4(m * 131 + s) % 1000) / 100.0"
        "           + CASE WHEN (m / 60 * 31 + s) % 89 = 0 THEN 60 ELSE 0 END"
        "   FROM unnest($1::int[]) AS s, generate_series(0, $2 - 1) AS m,"
        "        LATERAL (SELECT $3::timestamptz + m * interval '1 minute') AS at (t)",
        ids,
        MINUTES,
        SINCE,
        timeout=1800,
    )


def _twenty_rules() -> list[Rule]:
    """Return twenty rules that all look at every reading: levels, delays, rates, flat lines, silence, compositions."""
    levels = [
        rule(f"{{at_least: {limit}, deadband: 3}}", on_delay=f"{delay}m", off_delay=f"{delay}m", rule_id=f"l-{limit}")
        for limit, delay in (
            (40, 5),
            (50, 10),
            (55, 0),
            (60, 30),
            (70, 5),
            (80, 5),
            (90, 15),
            (100, 5),
            (45, 1),
            (65, 2),
        )
    ]
    others = [
        "{at_most: 12, deadband: 2}",
        "{outside: [5, 95], deadband: 2}",
        "{rate_of_change: 15, per: 1m}",
        "{rate_of_change: 12, per: 1m, direction: rise}",
        "{flat: 1h, tolerance: 2}",
        "{no_data: 3}",
        "{no_data: 10m}",
        "{all: [{at_least: 50}, {rate_of_change: 5, per: 1m}]}",
        "{any: [{at_least: 90}, {at_most: 11}]}",
        "{not: {at_most: 60, deadband: 2}}",
    ]
    return levels + [rule(when, rule_id=f"o-{number}") for number, when in enumerate(others)]


PURE: dict[str, Callable[[], Mapping[str, object]]] = {
    "shipped": _shipped,
    "order": _order,
    "lifecycle": _lifecycle,
    "worked_examples": _worked_examples,
    "wyndham": _wyndham,
    "incidents": _incidents,
    "cap": _cap,
}
STORED: dict[str, Part] = {"raises": _raises, "kills": _kills, "backtest": _backtest, "flood": flood}
