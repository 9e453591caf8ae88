"""5,000 alerts of three causes within five minutes, and 50 on their own, through the store."""

import asyncio
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.model import Severity
from rules.notify.escalation import Policy
from rules.notify.outbox import Target, send_next
from rules.worker import Worker
from sql.connection import Connection, Pool
from tests.integration.rules_tail import START, append

DESK = Target("webhook", "http://desk.example", Severity.LOW)
GATEWAY, CABINET, PLUME, ALONE = 2500, 2000, 500, 50
RISE = timedelta(minutes=1)  # of the plume and of the lone alerts, after the two silences began
Row = tuple[int, datetime, float | None]


async def flood(_dsn: str, pool: Pool) -> dict[str, Any]:
    """Return what came of it; raise AssertionError where it is not three incidents, each told once within a minute."""
    told: list[tuple[datetime, Mapping[str, Any]]] = []

    async def desk(_target: str, body: Mapping[str, Any]) -> None:
        told.append((datetime.now(UTC), body))

    async with pool.acquire() as connection, pool.acquire() as sending:
        ids = await _install(connection)
        worker = Worker(connection, allowance=timedelta(minutes=15), policy=Policy((DESK,)))
        began = datetime.now(UTC)
        for at, rows in _readings(ids):
            await append(connection, rows, clocks={"city": at.isoformat()})
            while await worker.work(at):
                while await send_next(sending, {"webhook": desk}, datetime.now(UTC)):
                    pass
            await worker.work(at)
        deadline = datetime.now(UTC) + timedelta(seconds=75)
        while datetime.now(UTC) < deadline:
            await worker.work(datetime.now(UTC))
            while await send_next(sending, {"webhook": desk}, datetime.now(UTC)):
                pass
            await asyncio.sleep(0.2)
        incidents = await connection.fetch(
            "SELECT i.incident_id, i.cause, count(*) AS alerts, min(a.recorded_at) AS first"
            "  FROM incident AS i JOIN alert AS a USING (incident_id) GROUP BY i.incident_id ORDER BY i.incident_id"
        )
        alerts = await connection.fetchval("SELECT count(*) FROM alert")
        alone = await connection.fetchval(
            "SELECT count(*) FROM alert WHERE incident_id IS NULL AND device_id LIKE 'alone-%' AND open"
        )
    pages = {
        row["incident_id"]: [
            at for at, body in told if body.get("incident", {}).get("incident_id") == row["incident_id"]
        ]
        for row in incidents
    }
    figures = {
        "alerts": alerts,
        "seconds": round((datetime.now(UTC) - began).total_seconds()),
        "incidents": {row["cause"]: row["alerts"] for row in incidents},
        "pages_per_incident": {row["cause"]: len(pages[row["incident_id"]]) for row in incidents},
        "seconds_to_page": {
            row["cause"]: round((pages[row["incident_id"]][0] - row["first"]).total_seconds(), 1)
            for row in incidents
            if pages[row["incident_id"]]
        },
        "independent_alone": alone,
        "messages_to_the_operator": len(told),
        "held_back_told": max((body["text"] for _, body in told if body["kind"] == "digest"), default=""),
    }
    assert alerts == GATEWAY + CABINET + PLUME + ALONE, figures
    assert len(incidents) == 3, figures
    assert all(len(found) == 1 for found in pages.values()), figures
    assert all(seconds <= 60 for seconds in figures["seconds_to_page"].values()), figures
    assert alone >= 49, figures
    assert len(told) < 10, figures
    return figures


async def _install(connection: Connection) -> dict[str, int]:
    """Register the devices: those on one gateway, those in one cabinet, those in one street, and lone ones."""
    chance = random.Random(11)
    kinds = [
        *(("gw", n, "fill_level", {"gateway": "gw-1"}) for n in range(GATEWAY)),
        *(("cab", n, "fill_level", {"cabinet": "c-7"}) for n in range(CABINET)),
        *(("air", n, "pm2_5", {}) for n in range(PLUME)),
        *(("alone", n, "battery", {}) for n in range(ALONE)),
        ("clock", 0, "fill_level", {}),
    ]
    await connection.execute("INSERT INTO source (source_id, kind) VALUES ('city', 'replay')")
    for kind, n, name, tags in kinds:
        spread = 0.01 if kind == "air" else 2.0
        device_id = f"{kind}-{n}"
        await connection.execute(
            "INSERT INTO device (device_id, profile, domain, source_id, expected_interval, tags, latitude, longitude)"
            " VALUES ($1, 'test', $2, 'city', $3, $4, $5, $6)",
            device_id,
            "air" if kind == "air" else "waste",
            timedelta(minutes=1 if kind in ("gw", "cab") else 120),
            tags,
            52 + chance.uniform(-spread, spread),
            4.3 + chance.uniform(-spread, spread),
        )
        await connection.execute(
            "INSERT INTO datastream (device_id, property, unit) VALUES ($1, $2, '1')", device_id, name
        )
    return dict(await connection.fetch("SELECT device_id, datastream_id FROM datastream"))


def _readings(ids: dict[str, int]) -> list[tuple[datetime, list[Row]]]:
    """Return what is said, minute by minute: all is well, two nodes fall silent, a plume comes, 50 batteries end."""
    chance = random.Random(12)
    calm = {"gw": 20.0, "cab": 20.0, "air": 8.0, "alone": 80.0, "clock": 20.0}
    steps: list[tuple[datetime, list[Row]]] = []
    steps.append((START, [(number, START, calm[name.split("-")[0]]) for name, number in ids.items()]))
    for minute in range(1, 7):
        at = START + timedelta(minutes=minute)
        rows: list[Row] = [(ids["clock-0"], at, 20.0)]
        if minute == 4:
            rows += [(ids[f"air-{n}"], at - timedelta(seconds=chance.randint(0, 59)), 60.0) for n in range(PLUME)]
            rows += [(ids[f"alone-{n}"], at - timedelta(seconds=chance.randint(0, 59)), 5.0) for n in range(ALONE)]
        steps.append((at, rows))
    return steps
