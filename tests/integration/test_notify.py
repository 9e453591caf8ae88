"""The outbox: who is told, once, and what becomes of what cannot be sent."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from citywatch.errors import SettingsError
from citywatch.setting_groups import NotifySettings
from rules import actions
from rules.model import Severity
from rules.notify.email import compose
from rules.notify.escalation import Policy, Step, escalate
from rules.notify.outbox import TRIES, NotifyError, Target, send_next
from rules.notify.sender import channels_of, policy_of
from rules.notify.webhook import Webhook, verify
from rules.worker import Worker
from sql.connection import Connection, Pool
from tests.integration.rules_tail import append, install, minute

ALLOWANCE = timedelta(minutes=15)
DESK = Target("webhook", "http://desk.example/hook", Severity.MEDIUM)


class Desk:
    """A receiver that keeps what it gets, and is away as often as it is told to be."""

    def __init__(self, away: int = 0) -> None:
        self.got: list[Mapping[str, Any]] = []
        self.away = away

    async def __call__(self, target: str, body: Mapping[str, Any]) -> None:
        if self.away:
            self.away -= 1
            raise NotifyError("nobody answers")
        self.got.append(body)


async def burn(connection: Connection, count: int = 1) -> Worker:
    """Set `count` bins on fire, close together."""
    worker = Worker(connection, allowance=ALLOWANCE, policy=Policy((DESK,)))
    for number in range(count):
        (heat,) = await install(connection, f"bin-{number}", "bin_temperature")
        await connection.execute(
            "UPDATE device SET latitude = 52.0, longitude = 4.3 WHERE device_id = $1", f"bin-{number}"
        )
        await append(connection, [(heat, minute(0), 80.0)])
    while await worker.work(minute(0)):
        pass
    return worker


async def drain(connection: Connection, desk: Desk, after: timedelta = timedelta(minutes=2)) -> None:
    while await send_next(connection, {"webhook": desk}, datetime.now(UTC) + after):
        pass


async def test_an_alert_is_told_once_with_what_to_do(pool: Pool) -> None:
    async with pool.acquire() as connection:
        desk = Desk()
        await burn(connection)
        await drain(connection, desk, timedelta())
        assert desk.got == []  # the wait for others of the same cause
        await drain(connection, desk)
        await drain(connection, desk)
        (body,) = desk.got
        assert body["text"] == "bin 0 is at 80 °C: probable fire"
        assert body["severity"] == "CRITICAL"
        assert "fire brigade" in body["operator_action"]


async def test_an_alert_about_a_district_says_where_that_is(pool: Pool) -> None:
    async with pool.acquire() as connection:
        desk = Desk()
        await burn(connection)
        await connection.execute("INSERT INTO district (district_id, name, polygon) VALUES ('north', 'North', '{}')")
        await connection.execute("UPDATE device SET district_id = 'north'")
        await connection.execute("UPDATE alert SET device_id = NULL, area = 'district:north@replay'")
        await drain(connection, desk)
        (body,) = desk.got
        assert (body["district_id"], body["latitude"], body["longitude"]) == ("north", 52.0, 4.3)


async def test_an_incident_is_told_once_for_all_its_alerts(pool: Pool) -> None:
    async with pool.acquire() as connection:
        desk = Desk()
        await burn(connection, 6)
        later = datetime.now(UTC) + timedelta(minutes=2)
        steps = [await send_next(connection, {"webhook": desk}, later) for _ in range(3)]
        assert steps == [True, True, False], "one message, and all that was told with it at once"
        (body,) = desk.got
        assert body["kind"] == "incident"
        assert body["incident"]["alerts"] == 6
        reasons = await connection.fetch("SELECT state, reason FROM notification WHERE state <> 'sent'")
        assert len(reasons) == 5
        assert all(row["reason"].startswith("told with incident") for row in reasons)


async def test_what_was_acknowledged_in_time_is_not_sent(pool: Pool) -> None:
    async with pool.acquire() as connection:
        desk = Desk()
        (full,) = await install(connection, "bin-9", "fill_level", every=timedelta(days=1))
        worker = Worker(connection, allowance=ALLOWANCE, policy=Policy((DESK,)))
        await append(connection, [(full, minute(0), 95.0)])
        await worker.work(minute(0))
        await actions.acknowledge(connection, await connection.fetchval("SELECT alert_id FROM alert"), "ana", minute(1))
        await drain(connection, desk)
        assert desk.got == []
        row = await connection.fetchrow("SELECT state, reason FROM notification")
        assert row is not None
        assert tuple(row) == ("dropped", "acknowledged before it was due")


async def test_a_receiver_that_is_away_is_tried_again_and_given_up_visibly(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await burn(connection)
        desk = Desk(away=2)
        for minutes in (2, 4, 6):
            assert not desk.got
            await drain(connection, desk, timedelta(minutes=minutes))
        assert len(desk.got) == 1
        await connection.execute("UPDATE notification SET state = 'pending', attempts = 0, incident_id = NULL")
        gone = Desk(away=10**6)
        for number in range(TRIES):
            await drain(connection, gone, timedelta(hours=number + 1))
        row = await connection.fetchrow("SELECT state, reason, attempts FROM notification")
        assert row is not None
        assert tuple(row) == ("dead", "nobody answers", TRIES)


async def test_a_dead_receiver_and_a_broken_message_keep_nobody_waiting(pool: Pool) -> None:
    asked: list[str] = []
    desk = Desk()

    async def hook(target: str, body: Mapping[str, Any]) -> None:
        if target == DESK.name:
            asked.append(target)
            raise httpx.InvalidURL("https://token@desk.example")
        await desk(target, body)

    async with pool.acquire() as connection:
        await burn(connection)
        await connection.execute(
            "INSERT INTO notification (alert_id, channel, target, due_at, step)"
            " SELECT 1, 'webhook', CASE WHEN n < 20 THEN $1 ELSE 'other' END, now() - interval '1 h', n"
            "   FROM generate_series(1, 20) AS n",
            DESK.name,
        )
        later = datetime.now(UTC) + timedelta(minutes=2)
        while await send_next(connection, {"webhook": hook}, later):
            pass
        assert (len(asked), len(desk.got)) == (1, 1), "one try for all that waits for it"
        reasons = await connection.fetch("SELECT reason FROM notification WHERE reason <> ''")
        assert [row["reason"] for row in reasons] == ["InvalidURL, see the log"]
        while await send_next(connection, {"webhook": desk}, later + timedelta(minutes=1)):
            pass
        assert len(desk.got) > 1, "and all is sent when it is back"


async def test_an_address_with_a_token_is_known_by_a_name(pool: Pool) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(204)

    settings = NotifySettings(
        webhooks=[SecretStr("https://me:pw@desk.example:8443/hook/t0ken")], webhook_secret=SecretStr("secret")
    )
    (target,) = policy_of(settings).targets
    assert target.name.startswith("https://desk.example:8443 #")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        hook = channels_of(settings, client, None)["webhook"]
        await hook(target.name, {"id": "n-1"})
        with pytest.raises(NotifyError, match="not among the settings"):
            await hook("https://desk.example #00000000", {"id": "n-1"})
    assert seen == ["https://me:pw@desk.example:8443/hook/t0ken"]
    assert Target("apprise", "tgram://t0ken/chat").name.startswith("tgram:// #")
    assert "t0ken" not in Target("apprise", "t0ken").name
    assert "t0ken" not in repr(settings)


async def test_a_webhook_is_signed_and_a_refusal_is_a_failure() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204 if request.url.path == "/ok" else 503)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        hook = Webhook(client, b"secret")
        await hook("http://desk.example/ok", {"id": "n-1", "text": "fire"})
        with pytest.raises(NotifyError, match="503"):
            await hook("http://desk.example/away", {"id": "n-1"})
    header, payload, now = seen[0].headers["X-Citywatch-Signature"], seen[0].content, datetime.now(UTC)
    assert json.loads(payload)["text"] == "fire"
    assert verify(b"secret", header, payload, now)
    assert not verify(b"other", header, payload, now)
    assert not verify(b"secret", header, payload + b" ", now)
    assert not verify(b"secret", header, payload, now + timedelta(minutes=6))


def test_a_mail_says_what_to_do_and_cannot_be_split() -> None:
    body = {
        "id": "n-1", "severity": "HIGH", "text": "Bin overflows\nBcc: everybody", "raised_at": "2026-03-02T08:00:00Z",
        "state": "unacknowledged", "device_id": "bin-1", "district_id": None, "operator_action": "Send a crew",
        "alert_id": 7, "rule_id": "bin-overflowing",
    }  # fmt: skip
    message = compose("citywatch@city.example", "duty@city.example", body)
    assert message["Subject"] == "[HIGH] Bin overflows Bcc: everybody"
    assert message["Bcc"] is None
    assert "What to do: Send a crew" in message.get_content()


async def test_in_a_flood_a_receiver_is_told_fewer_than_ten_times_and_what_is_held_back(pool: Pool) -> None:
    async with pool.acquire() as connection:
        desk = Desk()
        await burn(connection)
        await connection.execute(
            "INSERT INTO alert (alert_key, rule_id, rule_version, severity, state, summary, inputs, raised_at)"
            " SELECT 'r:' || n, 'bin-nearly-full', 1, 'MEDIUM', 'unacknowledged', summary, '{}', raised_at"
            "   FROM alert, generate_series(1, 200) AS n"
        )
        await connection.execute(
            "INSERT INTO notification (alert_id, channel, target, due_at)"
            " SELECT alert_id, 'webhook', $1, now() FROM alert WHERE rule_id = 'bin-nearly-full'",
            DESK.name,
        )
        begin = datetime.now(UTC)
        for second in range(0, 590, 30):
            while await send_next(connection, {"webhook": desk}, begin + timedelta(seconds=60 + second)):
                pass
        assert len(desk.got) < 10
        assert desk.got[0]["severity"] == "CRITICAL"
        digest = next(body for body in desk.got if body["kind"] == "digest")
        told = sum(body["kind"] == "alert" and body["rule_id"] == "bin-nearly-full" for body in desk.got)
        assert digest["held_back"] == [{"rule_id": "bin-nearly-full", "alerts": 200 - told}]
        assert f"{200 - told} alerts are held back" in digest["text"]


async def test_what_nobody_acknowledges_goes_up_and_is_said_again(pool: Pool) -> None:
    hour = datetime.now(UTC).hour
    off_duty = (hour + 6) % 24, (hour + 7) % 24
    chief, night = Target("email", "chief@x.org"), Target("email", "night@x.org")
    policy = Policy(
        (DESK,),
        (
            Step(timedelta(minutes=15), (chief,), hours=(0, 24)),
            Step(timedelta(minutes=15), (night,), hours=off_duty),
            Step(timedelta(minutes=45), (chief,)),
        ),
        repeat=timedelta(hours=1),
    )
    async with pool.acquire() as connection:
        await burn(connection, 5)  # near one another: one incident
        begin = await connection.fetchval("SELECT min(recorded_at) FROM alert")
        for minutes in (5, 16, 30, 50, 61, 90, 121):
            async with connection.transaction():
                await escalate(connection, policy, begin + timedelta(minutes=minutes))
        rows = await connection.fetch("SELECT target, step FROM notification WHERE step > 0 ORDER BY notification_id")
        assert [tuple(row) for row in rows] == [
            ("chief@x.org", 1),
            ("chief@x.org", 3),
            (DESK.name, 1001),
            (DESK.name, 1002),
        ]
        await actions.acknowledge(connection, 1, "ann", datetime.now(UTC))
        async with connection.transaction():
            await escalate(connection, policy, begin + timedelta(minutes=200))
        assert await connection.fetchval("SELECT count(*) FROM notification WHERE step > 0") == 4
        desk = Desk()
        while await send_next(connection, {"webhook": desk, "email": desk}, begin + timedelta(days=1)):
            pass
        assert [body["step"] for body in desk.got] in ([0], [0, 0])  # what was acknowledged is not escalated any more


def test_hours_of_duty_may_run_over_midnight() -> None:
    night = Step(timedelta(), (), hours=(22, 6))
    assert [night.on_duty(datetime(2026, 3, 2, hour, tzinfo=UTC)) for hour in (21, 22, 3, 6)] == [
        False,
        True,
        True,
        False,
    ]


def test_channels_that_lack_something_are_named() -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET"):
        policy_of(NotifySettings(webhooks=[SecretStr("http://x")]))
    with pytest.raises(SettingsError, match="SMTP_HOST"):
        policy_of(NotifySettings(escalation=[{"after": "5m", "to": ["email:a@b"]}]))
    with pytest.raises(SettingsError, match="CHANNEL:ADDRESS"):
        policy_of(NotifySettings(escalation=[{"after": "5m", "to": ["pigeon:x"]}]))
    with pytest.raises(SettingsError, match="ESCALATION: mqtt: a topic"):
        policy_of(NotifySettings(escalation=[{"after": "5m", "to": ["mqtt:city/#"]}]))
    for wrong in ("desk.example/hook", "ftp://desk.example", "https://[", "https://x:99999", "https://x/a b"):
        with pytest.raises(ValidationError, match="a web address is needed"):
            NotifySettings(webhooks=[SecretStr(wrong)])
    with pytest.raises(ValidationError, match="a topic to publish on"):
        NotifySettings(topics=["city/+"])
    made = policy_of(NotifySettings(topics=["city/alerts"], escalation=[{"after": "5m", "to": ["mqtt:city/sirens"]}]))
    assert made.targets == (Target("mqtt", "city/alerts", Severity.MEDIUM),)
    assert made.steps[0].targets == (Target("mqtt", "city/sirens", Severity.MEDIUM),)
