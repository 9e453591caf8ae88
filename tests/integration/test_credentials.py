"""A real Mosquitto where every device has an account: nobody speaks for another, and what is revoked is cut off."""

import asyncio
import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citywatch.cli.devices import app
from citywatch.errors import BrokerError, CitywatchError, RegistryError, SettingsError
from citywatch.local.broker import LocalBroker
from citywatch.local.dynamic_security import make_account, write_document
from citywatch.settings import Settings, load_settings
from devices.broker_admin import DynamicSecurity
from devices.credentials import (
    active_accounts,
    broker_admin,
    claim_credential,
    create_credentials,
    create_provisioning_key,
    list_credentials,
    revoke_credentials,
)
from devices.registry import import_registry
from sql.audit import verify
from sql.connection import Pool
from tests.integration.secured_broker import Someone, may_connect, secured_broker, settings_for, wait_until

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BRANCH = "city/v1/devices/{}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalBroker, str]]:
    with secured_broker(tmp_path_factory.mktemp("secured") / "broker", []) as both:
        yield both


@pytest.fixture
def settings(dsn: str, secured: tuple[LocalBroker, str]) -> Settings:
    return settings_for(dsn, *secured)


async def register(pool: Pool, *device_ids: str) -> None:
    devices = [{"device_id": one, "profile": "citywatch/bin", "domain": "waste"} for one in device_ids]
    async with pool.acquire() as connection:
        await import_registry(connection, {"devices": devices})


async def test_a_device_is_kept_in_its_lane_and_cut_off_when_revoked(
    pool: Pool, settings: Settings, secured: tuple[LocalBroker, str]
) -> None:
    broker, ours = secured
    await register(pool, "a", "b")
    with broker_admin(settings) as admin:
        async with pool.acquire() as connection:
            a, b = await create_credentials(connection, admin, ["b", "a"], actor="test", now=NOW)
            assert (a.device_id, b.device_id) == ("a", "b")
            for topic in (
                f"{BRANCH.format('b')}/telemetry",
                f"{BRANCH.format('b')}/status",
                f"{BRANCH.format('b')}/commands/x/response",
                f"{BRANCH.format('a')}/commands/x",
                "$CONTROL/dynamic-security/v1",
            ):
                # A connection each: Mosquitto 2.0.11 may end one that published where it must not.
                with Someone(broker.port, "a", a.password) as intruder:
                    assert not intruder.publish(topic, b'{"commands": []}')
            with (
                Someone(broker.port, settings.broker.username, ours) as watcher,
                Someone(broker.port, "a", a.password) as device,
            ):
                assert watcher.subscribe("city/v1/devices/#")
                for topic in ("telemetry", "status", "commands/x/response"):
                    assert device.publish(f"{BRANCH.format('a')}/{topic}", b"mine")
                assert device.subscribe(f"{BRANCH.format('a')}/commands/#")
                for topic in (f"{BRANCH.format('b')}/commands/#", f"{BRANCH.format('+')}/commands/#", "#", "$SYS/#"):
                    assert not device.subscribe(topic), topic
                assert not device.subscribe("$share/x/city/v1/devices/+/telemetry")
                assert watcher.publish(f"{BRANCH.format('a')}/commands/x", b"for a")
                assert watcher.publish(f"{BRANCH.format('b')}/commands/x", b"for b")
                wait_until(lambda: device.got, "its own command")
                assert device.got == [(f"{BRANCH.format('a')}/commands/x", b"for a")]
                wait_until(lambda: len(watcher.got) >= 5, "what was published")
                assert {payload for _, payload in watcher.got} == {b"mine", b"for a", b"for b"}
                assert await revoke_credentials(connection, admin, ["a"], actor="boss", now=NOW) == ["a"]
                assert device.cut_off.wait(30)
            assert not may_connect(broker.port, "a", a.password)
            (again,) = await create_credentials(connection, admin, ["a"], actor="test", now=NOW)
            assert not may_connect(broker.port, "a", a.password)
            assert may_connect(broker.port, "a", again.password)
            (newer,) = await create_credentials(connection, admin, ["a"], actor="test", now=NOW, rotate=True)
            assert not may_connect(broker.port, "a", again.password)
            assert may_connect(broker.port, "a", newer.password)
            assert may_connect(broker.port, "b", b.password)
            assert not may_connect(broker.port, None, None)
            states = await list_credentials(connection)
            assert [(one.device_id, one.revoked_at) for one in states] == [("a", None), ("b", None)]
            for secret in (a.password, b.password, newer.password):
                kept = await connection.fetchval("SELECT string_agg(c::text, '') FROM device_credential AS c")
                assert secret not in kept


async def test_a_device_takes_over_nobodys_session(
    pool: Pool, settings: Settings, secured: tuple[LocalBroker, str]
) -> None:
    """A broker hands a session to whoever names it: ours has the readings of the whole city in it."""
    broker, ours = secured
    await register(pool, "thief", "victim")
    with broker_admin(settings) as admin:
        async with pool.acquire() as connection:
            thief, victim = await create_credentials(connection, admin, ["thief", "victim"], actor="test", now=NOW)
            accounts = await active_accounts(connection)
    with Someone(broker.port, settings.broker.username, ours, "citywatch-ingest-0") as ingest:
        assert ingest.subscribe("city/v1/devices/+/telemetry")
        for name in ("citywatch-ingest-0", "victim", "thief-2"):
            assert not may_connect(broker.port, "thief", thief.password, name)
        assert may_connect(broker.port, "thief", thief.password)
        with Someone(broker.port, "victim", victim.password) as device:
            assert device.publish(f"{BRANCH.format('victim')}/telemetry", b"still here")
        wait_until(lambda: ingest.got, "what a device sent")
        assert not ingest.cut_off.is_set()
    # The file that the broker is given at its next start binds them as well.
    write_document(broker.folder / "next.json", make_account("@citywatch", ours), accounts)
    clients = json.loads((broker.folder / "next.json").read_text(encoding="utf-8"))["clients"]
    assert {one["username"]: one.get("clientid") for one in clients} == {
        "@citywatch": None,
        "thief": "thief",
        "victim": "victim",
    }


async def test_no_device_has_our_own_account_at_the_broker(pool: Pool, settings: Settings, tmp_path: Path) -> None:
    await register(pool, "citywatch")
    with broker_admin(settings) as admin:
        assert isinstance(admin, DynamicSecurity)
        async with pool.acquire() as connection:
            (made,) = await create_credentials(connection, admin, ["citywatch"], actor="test", now=NOW)
            assert made.device_id == "citywatch"
        with pytest.raises(BrokerError, match="'@citywatch' is our own account at the broker"):
            admin.revoke(["citywatch", "@citywatch"])
    # Where ours was given a name that a device has, the device gets no account of that name.
    write_document(tmp_path / "f.json", make_account("citywatch", "x"), [make_account("citywatch", "y")])
    clients = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["clients"]
    assert [(one["username"], one["roles"]) for one in clients] == [("citywatch", [{"rolename": "citywatch"}])]


async def test_what_cannot_be_given_is_refused_and_changes_nothing(pool: Pool, settings: Settings) -> None:
    await register(pool, "c")
    with broker_admin(settings) as admin:
        async with pool.acquire() as connection:
            with pytest.raises(RegistryError, match="no device 'ghost'"):
                await create_credentials(connection, admin, ["c", "ghost"], actor="test", now=NOW)
            with pytest.raises(RegistryError, match="c has no credential to rotate"):
                await create_credentials(connection, admin, ["c"], actor="test", now=NOW, rotate=True)
            assert await active_accounts(connection) == []
            await create_credentials(connection, admin, ["c"], actor="test", now=NOW)
            with pytest.raises(RegistryError, match="c has a credential"):
                await create_credentials(connection, admin, ["c"], actor="test", now=NOW)
    host, port = str(settings.broker.host), settings.broker.port
    with (
        pytest.raises(BrokerError, match="lets us administer no accounts"),
        DynamicSecurity(host, port, "x", "y", None),
    ):
        pass
    with pytest.raises(SettingsError, match="open to everybody"), broker_admin(Settings.model_validate({})):
        pass


async def test_two_who_provision_at_once_do_not_both_get_a_password(pool: Pool, settings: Settings) -> None:
    await register(pool, "twice")
    with broker_admin(settings) as admin:
        async with pool.acquire() as one, pool.acquire() as two:
            async with one.transaction():
                await create_credentials(one, admin, ["twice"], actor="one", now=NOW)
                second = asyncio.create_task(create_credentials(two, admin, ["twice"], actor="two", now=NOW))
                waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
                async with asyncio.timeout(30):
                    while not await one.fetchval(waits):  # noqa: ASYNC110  the other one is a server
                        await asyncio.sleep(0.01)
            with pytest.raises(RegistryError, match="twice has a credential"):
                await second


async def test_a_fleet_claims_its_credentials_with_a_key(
    pool: Pool, settings: Settings, secured: tuple[LocalBroker, str]
) -> None:
    await register(pool, "d", "e", "f")
    with broker_admin(settings) as admin:
        async with pool.acquire() as connection:
            key = await create_provisioning_key(
                connection, "autumn", uses=2, lasts=timedelta(days=1), profile="citywatch/bin", actor="test", now=NOW
            )
            made = await claim_credential(connection, admin, "d", key, now=NOW)
            assert may_connect(secured[0].port, "d", made.password)
            refused = "does not open this device"
            for device_id, shown, at in (
                ("d", "wrong", NOW),
                ("ghost", key, NOW),
                ("e", key, NOW + timedelta(days=2)),
            ):
                with pytest.raises(RegistryError, match=refused):
                    await claim_credential(connection, admin, device_id, shown, now=at)
            with pytest.raises(RegistryError, match="d has a credential"):
                await claim_credential(connection, admin, "d", key, now=NOW)
            await claim_credential(connection, admin, "e", key, now=NOW)  # what was refused used nothing up
            with pytest.raises(RegistryError, match=refused):
                await claim_credential(connection, admin, "f", key, now=NOW)


async def test_the_commands_hand_out_a_file_and_go_on_after_an_interruption(
    pool: Pool, settings: Settings, secured: tuple[LocalBroker, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, ours = secured
    assert settings.store.dsn is not None
    for name, value in {
        "STORE__DSN": settings.store.dsn.get_secret_value(),
        "BROKER__HOST": "127.0.0.1",
        "BROKER__PORT": str(broker.port),
        "BROKER__USERNAME": str(settings.broker.username),
        "BROKER__PASSWORD": ours,
        "BROKER__ACCOUNTS": "dynamic-security",
    }.items():
        monkeypatch.setenv(f"CITYWATCH_{name}", value)
    load_settings.cache_clear()

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["credential", *arguments])
        if isinstance(result.exception, CitywatchError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    try:
        fleet = [f"g{number:02}" for number in range(45)]
        await register(pool, *fleet)
        assert "g00,g00," in await run("create", "g00")
        file = tmp_path / "fleet.csv"
        assert "44 credentials" in await run("create", "--all", "--into", str(file))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        rows = list(csv.DictReader(file.read_text().splitlines()))
        assert [row["device_id"] for row in rows] == fleet[1:]
        assert may_connect(broker.port, "g44", rows[-1]["password"])
        later = [f"l{number:03}" for number in range(200)]
        await register(pool, *later)
        kept = tmp_path / "later.csv"
        assert "200 credentials" in await run("create", "--all", "--at-restart", "--into", str(kept))
        *_, last = csv.DictReader(kept.read_text().splitlines())
        assert not may_connect(broker.port, last["device_id"], last["password"])
        async with pool.acquire() as connection:
            accounts = await active_accounts(connection)
            assert (await verify(connection)).faults == []
        with secured_broker(tmp_path / "restarted", accounts) as (restarted, _):
            assert may_connect(restarted.port, last["device_id"], last["password"])
        assert "g44,g44," in await run("rotate", "g44")
        assert not may_connect(broker.port, "g44", rows[-1]["password"])
        assert await run("revoke", "g43", "g42") == "g42: cut off\ng43: cut off\n"
        assert not may_connect(broker.port, "g43", rows[-2]["password"])
        assert "revoked" in await run("list")
        assert len(await run("key", "winter", "--uses", "3")) > 30
        with pytest.raises(SettingsError, match="say --all"):
            await run("create")
    finally:
        load_settings.cache_clear()


async def test_the_file_of_accounts_is_made_from_the_store(pool: Pool, settings: Settings, tmp_path: Path) -> None:
    await register(pool, "h", "i")
    with broker_admin(settings) as admin:
        async with pool.acquire() as connection:
            h, i = await create_credentials(connection, admin, ["h", "i"], actor="test", now=NOW)
            await revoke_credentials(connection, admin, ["i"], actor="test", now=NOW)
            accounts = await active_accounts(connection)
    with secured_broker(tmp_path / "other", accounts) as (other, _):
        assert may_connect(other.port, "h", h.password)
        assert not may_connect(other.port, "i", i.password)
        other.stop()
        other.start()
        assert may_connect(other.port, "h", h.password)
