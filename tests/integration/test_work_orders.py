"""An alert in the hands of a department: every step that follows, and none that does not."""

import asyncio
import itertools
from datetime import timedelta

import asyncpg
import pytest

from citywatch.errors import AlertError
from rules.model import Severity
from rules.notify.outbox import Target, send_next
from rules.work_orders import DUE, STEPS, Report, WorkState, hand_over, proceed
from sql.connection import Connection, Pool
from sql.pool import set_up
from tests.integration.rules_tail import minute
from tests.integration.test_notify import Desk, burn

SYSTEM = [Target("webhook", "http://works.example/hook")]
NOW = minute(5)
W = WorkState


async def an_order(connection: Connection) -> tuple[int, int]:
    await burn(connection)
    alert_id = await connection.fetchval("SELECT alert_id FROM alert")
    return alert_id, await hand_over(connection, alert_id, "Fire watch", "ann", NOW, targets=SYSTEM)


async def test_work_goes_from_the_department_to_the_crew_and_back(pool: Pool) -> None:
    async with pool.acquire() as connection:
        _, order = await an_order(connection)
        await proceed(connection, order, W.ACCEPTED, "bo", NOW, Report(crew="Crew 4"), SYSTEM)
        await proceed(connection, order, W.EN_ROUTE, "bo", NOW, Report(), SYSTEM)
        await proceed(connection, order, W.EN_ROUTE, "bo", NOW, Report(), SYSTEM)  # said twice: nothing new
        photo = "https://photos.example/1.jpg"
        await proceed(connection, order, W.DONE, "bo", NOW, Report(note="put out", photo_url=photo), SYSTEM)
        (row,) = await connection.fetch("SELECT * FROM work_order")
        assert (row["state"], row["crew"], row["photo_url"]) == ("done", "Crew 4", photo)
        assert row["due_at"] - row["created_at"] == DUE[Severity.CRITICAL] == timedelta(hours=1)
        assert "fire brigade" in row["task"]
        said = [row[0] for row in await connection.fetch("SELECT comment FROM alert_event ORDER BY event_id")]
        assert said[1:] == [f"Fire watch: work order {order}", f"work order {order} done by Crew 4: put out"]
        assert await connection.fetchval("SELECT assigned_to FROM alert") == "Fire watch"
        desk = Desk()
        while await send_next(connection, {"webhook": desk}, NOW + timedelta(days=400)):
            pass
        told = [body["work_order"] for body in desk.got if body["kind"] == "work_order"]
        assert [each["state"] for each in told] == ["waiting", "accepted", "en_route", "done"]
        assert told[-1]["note"] == "put out"
        assert await connection.fetchval("SELECT count(*) FROM audit_event WHERE action LIKE 'work_order.%'") == 4


async def test_only_what_follows_is_taken(pool: Pool) -> None:
    async with pool.acquire() as connection:
        _, order = await an_order(connection)
        for state, to in itertools.product(W, W):
            await connection.execute("UPDATE work_order SET state = $1, crew = 'Crew 4'", state.value)
            report = Report(note="so")
            if to in STEPS[state]:
                await proceed(connection, order, to, "bo", NOW, report)
                assert await connection.fetchval("SELECT state FROM work_order") == to.value
            else:
                with pytest.raises(AlertError, match=f"the work order is {state.replace('_', ' ')}: after that comes"):
                    await proceed(connection, order, to, "bo", NOW, report)


async def test_many_who_hand_over_the_same_alert_make_one_order(pool: Pool, dsn: str) -> None:
    async with pool.acquire() as connection:
        await burn(connection)
        alert_id = await connection.fetchval("SELECT alert_id FROM alert")

    async def try_it() -> int:
        connection = await asyncpg.connect(dsn)
        try:
            await set_up(connection)
            await hand_over(connection, alert_id, "Fire watch", "ann", NOW)
        except AlertError as error:
            assert "hands already" in str(error)
            return 0
        finally:
            await connection.close()
        return 1

    assert sum(await asyncio.gather(*(try_it() for _ in range(6)))) == 1
    assert await pool.fetchval("SELECT count(*) FROM work_order") == 1


async def test_what_makes_no_sense_is_refused(pool: Pool) -> None:
    async with pool.acquire() as connection:
        alert_id, order = await an_order(connection)
        for error, step in [
            ("which crew", proceed(connection, order, W.ACCEPTED, "bo", NOW, Report())),
            ("needs a reason", proceed(connection, order, W.CANCELLED, "bo", NOW, Report())),
            ("no work order 77", proceed(connection, 77, W.DONE, "bo", NOW, Report())),
            ("goes to a department", hand_over(connection, alert_id, " ", "ann", NOW)),
            ("due after now", hand_over(connection, alert_id, "q", "ann", NOW, due_at=NOW)),
        ]:
            with pytest.raises(AlertError, match=error):
                await step
