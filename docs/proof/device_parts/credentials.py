"""Accounts on a real Mosquitto: what a device cannot do, how fast accounts come and go, and a fleet's worth of them."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from citywatch.local.dynamic_security import make_account
from devices.broker_admin import BrokerAdmin, StoreAdmin
from devices.credentials import active_accounts, broker_admin, create_credentials, revoke_credentials
from devices.provisioning import provision
from devices.registry import import_registry
from docs.proof.device_parts.services import with_store
from sql.connection import Connection, Pool
from tests.integration.secured_broker import Someone, may_connect, secured_broker, settings_for

FULL, FLEET, SMALL = "PROOF_FULL", 10_000, 300
WITHIN = 1.0  # seconds
BRANCH = "city/v1/devices/{}"


def prove_credentials() -> dict[str, object]:
    """A fleet of 300, or of 10,000 with PROOF_FULL=1."""
    return with_store(_run)


async def _run(pool: Pool, dsn: str, folder: Path) -> dict[str, object]:
    size = FLEET if os.environ.get(FULL) else SMALL
    fleet = [f"dev-{number:05}" for number in range(size)]
    with (
        secured_broker(folder / "broker", []) as (broker, password),
        broker_admin(settings_for(dsn, broker, password)) as admin,
    ):
        async with pool.acquire() as connection:
            devices = [{"device_id": one, "profile": "citywatch/bin", "domain": "waste"} for one in ["a", "b", *fleet]]
            await import_registry(connection, {"devices": devices})
            lanes = await _lanes(connection, admin, broker.port)
            pid = broker.child.pid if broker.child else 0
            begun = part = time.perf_counter()
            longest, done = 0.0, 0
            async for made in provision(connection, admin, fleet, actor="proof"):
                now = time.perf_counter()
                longest, part, done = max(longest, now - part), now, done + len(made)
                if done % 1000 < len(made):
                    print(f"  {done} of {size} after {now - begun:.0f} s", flush=True)
            lasted = time.perf_counter() - begun
            assert may_connect(broker.port, made[-1].device_id, made[-1].password)
            after = await _lanes(connection, admin, broker.port, rotate=True)
            assert broker.child is not None and broker.child.pid == pid, "the broker was restarted"
            later = [f"later-{number:05}" for number in range(FLEET)]
            devices = [{"device_id": one, "profile": "citywatch/bin", "domain": "waste"} for one in later]
            await import_registry(connection, {"devices": devices})
            begun = time.perf_counter()
            async for _made in provision(connection, StoreAdmin(), later, actor="proof"):
                pass
            at_restart = time.perf_counter() - begun
            accounts = await active_accounts(connection)
    begun = time.perf_counter()
    with secured_broker(folder / "restarted", accounts) as (broker, _):
        started = time.perf_counter() - begun
        assert may_connect(broker.port, made[-1].device_id, made[-1].password)
    # What a device more costs where ten thousand are in the file already: the plugin writes all of it each time.
    large = [make_account(f"there-{number:05}", "x") for number in range(FLEET)]
    with (
        secured_broker(folder / "large", large) as (broker, password),
        broker_admin(settings_for(dsn, broker, password)) as admin,
    ):
        async with pool.acquire() as connection:
            beside_ten_thousand = await _lanes(connection, admin, broker.port, rotate=True)
    return {
        "beside_ten_thousand": beside_ten_thousand,
        "alone": lanes,
        "fleet": size,
        "seconds_as_a_job": round(lasted, 1),
        "longest_part_s": round(longest, 2),
        "beside_the_fleet": after,
        "fleet_at_restart": FLEET,
        "seconds_at_restart": round(at_restart, 2),
        "seconds_to_start_with_all": round(started, 2),
    }


async def _lanes(connection: Connection, admin: BrokerAdmin, port: int, *, rotate: bool = False) -> dict[str, object]:
    """Try what a device must not do, and time how fast an account works and ends."""
    now = datetime.now(UTC)
    if rotate:
        await revoke_credentials(connection, admin, ["a", "b"], actor="proof", now=now)
    begun = time.perf_counter()
    (a,) = await create_credentials(connection, admin, ["a"], actor="proof", now=now)
    assert may_connect(port, "a", a.password)
    works = time.perf_counter() - begun
    await create_credentials(connection, admin, ["b"], actor="proof", now=now)
    refused = 0
    for topic in ("telemetry", "status", "commands/x/response"):
        with Someone(port, "a", a.password) as device:
            assert device.publish(f"{BRANCH.format('a')}/{topic}", b"1")
            assert not device.publish(f"{BRANCH.format('b')}/{topic}", b"1")
            refused += 1
    with Someone(port, "a", a.password) as device:
        assert device.subscribe(f"{BRANCH.format('a')}/commands/#")
        for topic in (f"{BRANCH.format('b')}/commands/#", "city/v1/devices/+/telemetry", "#", "$share/x/#"):
            assert not device.subscribe(topic)
            refused += 1
        begun = time.perf_counter()
        await revoke_credentials(connection, admin, ["a"], actor="proof", now=now)
        assert device.cut_off.wait(10)
        cut_off = time.perf_counter() - begun
    assert not may_connect(port, "a", a.password)
    assert works < WITHIN and cut_off < WITHIN, (works, cut_off)
    return {"refused": refused, "works_after_s": round(works, 3), "cut_off_after_s": round(cut_off, 3)}
