"""Devices' accounts at the broker: made, replaced and taken away, in the store and at the broker together.

The store is the truth: it holds hashes in the form that the broker's own file has, so that an embedded broker gets its
file from here at every start. A password is returned once and kept nowhere.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from citywatch.errors import RegistryError, SettingsError
from citywatch.local.dynamic_security import ITERATIONS, Account, make_account, new_password
from citywatch.local.running import broker_account
from citywatch.settings import Settings
from devices.broker_admin import BrokerAdmin, StoreAdmin, dynamic_security
from sql.audit import audit, audit_each
from sql.connection import Connection
from sql.queries import query

_CLOSED = "this key does not open this device: unknown, used up, expired, or for other devices"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a device is told, once: its name at the broker is its id."""

    device_id: str
    password: str


@dataclass(frozen=True, slots=True)
class CredentialState:
    """What may be shown of a credential afterwards."""

    device_id: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None


def accounts_kind(settings: Settings) -> str:
    """Return how the broker holds devices' accounts; raise SettingsError where devices need none."""
    kind = settings.broker.accounts
    if kind == "open" and settings.broker.host is None and broker_account(settings)[0] is not None:
        return "dynamic-security"  # of the embedded broker, as `citywatch up` was told
    if kind == "open":
        raise SettingsError(
            "this broker is open to everybody: set CITYWATCH_BROKER__ACCOUNTS=dynamic-security (docs/devices.md)"
        )
    return kind


@contextmanager
def broker_admin(settings: Settings) -> Iterator[BrokerAdmin]:
    """Yield who administers the broker's accounts; raise SettingsError where devices need none."""
    if accounts_kind(settings) == "store":
        yield StoreAdmin()
        return
    with dynamic_security(settings) as admin:
        yield admin


async def active_accounts(connection: Connection) -> list[Account]:
    """Return every device's account that is in force."""
    rows = await connection.fetch(query("credentials", "active_credentials"))
    return [Account(row["device_id"], row["salt"], row["hash"], row["iterations"]) for row in rows]


async def list_credentials(connection: Connection, device_id: str | None = None) -> list[CredentialState]:
    """Return what there is, without secrets."""
    return [
        CredentialState(**row) for row in await connection.fetch(query("credentials", "list_credentials"), device_id)
    ]


async def create_credentials(
    connection: Connection,
    admin: BrokerAdmin,
    device_ids: Sequence[str],
    *,
    actor: str,
    now: datetime,
    rotate: bool = False,
    address: str = "",
) -> list[Credential]:
    """Give devices new passwords, at the broker and here, and return them: the only time that anybody sees them.

    Raises RegistryError where a device is not registered, or has a credential and `rotate` is not set (or has none
    and it is); BrokerError where the broker does not take them. Then nothing is kept.
    """
    made = [Credential(device_id, new_password()) for device_id in sorted(set(device_ids))]
    async with connection.transaction():
        wanted = [one.device_id for one in made]
        # Locked first and read after: one statement would see what stood before whoever held the lock had written.
        await connection.fetch(query("credentials", "lock_credentials"), wanted)
        found = await connection.fetch(query("credentials", "have_credentials"), wanted)
        _check({row["device_id"]: row["active"] for row in found}, made, rotate)
        accounts = [make_account(one.device_id, one.password) for one in made]
        await connection.execute(
            query("credentials", "keep_credentials"),
            [account.username for account in accounts],
            [account.salt for account in accounts],
            [account.hash for account in accounts],
            ITERATIONS,
            now,
            actor,
        )
        # Late, so that whatever fails before leaves the broker as it was.
        await asyncio.to_thread(admin.grant, [(one.device_id, one.password) for one in made])
        action = "credential.rotate" if rotate else "credential.create"
        await audit_each(connection, actor, action, [f"device/{one.device_id}" for one in made], address)
    return made


def _check(active: dict[str, bool], wanted: list[Credential], rotate: bool) -> None:
    for one in wanted:
        if one.device_id not in active:
            raise RegistryError(f"there is no device {one.device_id!r}")
        if active[one.device_id] and not rotate:
            raise RegistryError(f"{one.device_id} has a credential: rotate it, or revoke it first")
        if rotate and not active[one.device_id]:
            raise RegistryError(f"{one.device_id} has no credential to rotate")


async def revoke_credentials(
    connection: Connection,
    admin: BrokerAdmin,
    device_ids: Sequence[str],
    *,
    actor: str,
    now: datetime,
    address: str = "",
) -> list[str]:
    """Cut devices off at the broker, and return those that had a credential.

    The broker is told about all of them: what it holds and we do not is taken away too.
    """
    async with connection.transaction():
        rows = await connection.fetch(query("credentials", "revoke_credentials"), list(device_ids), now, actor)
        await asyncio.to_thread(admin.revoke, device_ids)
        revoked = sorted(row["device_id"] for row in rows)
        await audit_each(connection, actor, "credential.revoke", [f"device/{one}" for one in revoked], address)
    return revoked


async def create_provisioning_key(
    connection: Connection,
    name: str,
    *,
    uses: int,
    lasts: timedelta,
    profile: str | None,
    actor: str,
    now: datetime,
) -> str:
    """Return a new key by which `uses` registered devices may claim a credential each; shown once."""
    key = secrets.token_urlsafe(32)
    async with connection.transaction():
        kept = await connection.fetchval(
            query("credentials", "keep_provisioning_key"), name, _digest(key), profile, uses, now + lasts, now, actor
        )
        if kept is None:
            raise RegistryError(f"there is a provisioning key {name!r} already")
        detail = {"uses": uses, "until": (now + lasts).isoformat(), "profile": profile}
        await audit(connection, actor, "provisioning-key.create", f"provisioning-key/{name}", detail)
    return key


async def check_claim(connection: Connection, device_id: str, key: str, *, now: datetime) -> None:
    """Raise RegistryError unless a fleet's key may claim this device; takes no use of it."""
    if not await connection.fetchval(query("credentials", "opens"), _digest(key), device_id, now):
        raise RegistryError(_CLOSED)


async def claim_credential(
    connection: Connection, admin: BrokerAdmin, device_id: str, key: str, *, now: datetime, address: str = ""
) -> Credential:
    """Return the credential of a registered device that has none and shows a fleet's key.

    Raises RegistryError: the same words whether key or device is wrong, so that nobody learns which devices there are.
    """
    async with connection.transaction():
        name = await connection.fetchval(query("credentials", "use_provisioning_key"), _digest(key), device_id, now)
        if name is None:
            raise RegistryError(_CLOSED)
        made = await create_credentials(connection, admin, [device_id], actor=f"key {name}", now=now, address=address)
    return made[0]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
