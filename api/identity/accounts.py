"""Accounts and keys: each change goes into the audit log in the same transaction."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

from api.context import DomainName
from api.identity.oidc import Person
from api.identity.passwords import hash_soon, one_time_password
from api.permissions import ROLES, weaker, within_both
from api.principal import Limits, Principal, Role
from citywatch.errors import AccountError
from sql.audit import audit
from sql.connection import Connection, Record
from sql.limited import ROLE, has_role
from sql.queries import query

LONGEST_KEY = timedelta(days=366)
FIRST_NAME = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9@._+-]{0,79}")  # as the table has it


def read_limits(districts: Sequence[str] | None, domains: Sequence[str] | None) -> Limits | None:
    """Return the limits that two columns say, None for the whole city."""
    if districts is None and domains is None:
        return None
    return Limits(None if districts is None else frozenset(districts), None if domains is None else frozenset(domains))


def token_hash(token: str) -> bytes:
    """Return what is stored of a session token or a key: they are random, so a plain SHA-256 hides them."""
    return hashlib.sha256(token.encode()).digest()


async def _find(connection: Connection, name: str) -> Record:
    found: Record | None = await connection.fetchrow(query("identity", "account_by_name"), name.lower())
    if found is None:
        raise AccountError(f"there is no account {name!r}")
    return found


def _role(role: str) -> str:
    if role not in ROLES:
        raise AccountError(f"there is no role {role!r}: there are {', '.join(ROLES)}")
    return role


async def _check_limits(connection: Connection, districts: Sequence[str] | None, domains: Sequence[str] | None) -> None:
    if (districts or domains) and not await has_role(connection):
        raise AccountError(
            f"limits need the database role {ROLE}, which our user may not make: have an administrator of the database "
            f"run CREATE ROLE {ROLE}; GRANT {ROLE} TO the user of Citywatch, then run `citywatch migrate`"
        )
    known = {row["district_id"] for row in await connection.fetch(query("identity", "district_names"))}
    for what, wanted, there in (("district", districts, known), ("domain", domains, set(get_args(DomainName)))):
        for name in wanted or ():
            if name not in there:
                raise AccountError(f"there is no {what} {name!r}: there are {', '.join(sorted(there)) or 'none yet'}")


async def add_account(
    connection: Connection,
    actor: str,
    name: str,
    role: str,
    districts: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    *,
    address: str = "",
) -> str:
    """Add a local account and return its one-time password; raise AccountError if the name is taken or odd."""
    password = one_time_password()
    name = name.lower()
    if not _NAME.fullmatch(name):
        raise AccountError(
            f"{name!r} is no name: 1 to 80 of a-z, 0-9, @ . _ + - and the first of them a letter or a digit"
        )
    hashed = await hash_soon(password)
    async with connection.transaction():
        await _check_limits(connection, districts, domains)
        values = (name, _role(role), districts, domains, hashed, True, None, None)
        if await connection.fetchval(query("identity", "account_add"), *values) is None:
            raise AccountError(f"there is an account {name!r} already")
        detail = {"role": role, "districts": districts, "domains": domains}
        await audit(connection, actor, "account.add", f"account {name}", detail, address)
    return password


async def set_account(
    connection: Connection,
    actor: str,
    name: str,
    role: str,
    districts: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    *,
    address: str = "",
) -> None:
    """Give an account a role and limits; it holds from the next request on."""
    async with connection.transaction():
        found = await _find(connection, name)
        await _check_limits(connection, districts, domains)
        await connection.execute(query("identity", "account_set"), found["account_id"], _role(role), districts, domains)
        before = {key: found[key] for key in ("role", "districts", "domains")}
        after = {"role": role, "districts": districts, "domains": domains}
        change = {"before": before, "after": after}
        await audit(connection, actor, "account.role", f"account {name}", change, address)


async def enable_account(connection: Connection, actor: str, name: str, *, able: bool, address: str = "") -> None:
    """Let an account sign in, or not: its sessions end and its keys stop working at once."""
    async with connection.transaction():
        account_id = (await _find(connection, name))["account_id"]
        await connection.execute(query("identity", "account_able"), account_id, able)
        await connection.execute(query("identity", "sessions_end"), account_id)
        action = "account.enable" if able else "account.disable"
        await audit(connection, actor, action, f"account {name}", None, address)


async def person_account(connection: Connection, person: Person, role: Role) -> tuple[int, str]:
    """Return id and name of the account of somebody from the provider, made or brought up to date in the caller's
    transaction; raise AccountError if it is disabled. Its limits are set here, its role over there."""
    found = await connection.fetchrow(query("identity", "account_by_subject"), person.issuer, person.subject)
    if found is None:
        base = re.sub(r"[^a-z0-9@._+-]", "-", person.name.lower()).lstrip("@._+-")[:60] or "person"
        tail = hashlib.sha256(f"{person.issuer} {person.subject}".encode()).hexdigest()[:8]
        # A name that is taken is somebody else's, here or over there: it is never taken over.
        for name in (base, f"{base}-{tail}"):
            values = (name, role, None, None, None, False, person.issuer, person.subject)
            account_id = await connection.fetchval(query("identity", "account_add"), *values)
            if account_id is not None:
                detail = {"role": role, "issuer": person.issuer}
                await audit(connection, person.issuer, "account.add", f"account {name}", detail)
                return int(account_id), name
        raise AccountError(f"the name {base!r} is taken")
    if found["disabled_at"] is not None:
        raise AccountError("this account is disabled here")
    account_id, name = found["account_id"], found["name"]
    if found["role"] != role:
        limits = found["districts"], found["domains"]
        await connection.execute(query("identity", "account_set"), account_id, role, *limits)
        change = {"before": {"role": found["role"]}, "after": {"role": role}}
        await audit(connection, person.issuer, "account.role", f"account {name}", change)
    return account_id, name


async def shut_out(connection: Connection, person: Person) -> None:
    """Disable the account of somebody whom the provider gives no role any more, where there is one."""
    async with connection.transaction():
        found = await connection.fetchrow(query("identity", "account_by_subject"), person.issuer, person.subject)
        if found is not None and found["disabled_at"] is None:
            await enable_account(connection, person.issuer, found["name"], able=False)


async def reset_password(connection: Connection, actor: str, name: str, *, address: str = "") -> str:
    """Return a new one-time password; the old one and all sessions end."""
    password = one_time_password()
    hashed = await hash_soon(password)
    async with connection.transaction():
        found = await _find(connection, name)
        if found["issuer"] is not None:
            raise AccountError(f"{name!r} signs in at {found['issuer']}: there is no password here")
        await connection.execute(query("identity", "password_set"), found["account_id"], hashed, True)
        await connection.execute(query("identity", "sessions_end"), found["account_id"])
        await connection.execute(query("identity", "attempt_good"), f"account {found['name']}")
        await audit(connection, actor, "account.reset", f"account {name}", None, address)
    return password


async def any_account(connection: Connection) -> bool:
    """Return whether there is somebody who could sign in."""
    return bool(await connection.fetchval(query("identity", "any_account")))


async def ensure_admin(connection: Connection) -> str | None:
    """Make the first account if there is none, and return its one-time password."""
    async with connection.transaction():
        if await any_account(connection):
            return None
        return await add_account(connection, "first start", FIRST_NAME, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment when it can be read."""

    key_id: str
    text: str
    expires_at: datetime


async def add_key(
    connection: Connection,
    actor: str,
    name: str,
    label: str,
    lifetime: timedelta,
    role: str | None = None,
    districts: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    *,
    address: str = "",
) -> NewKey:
    """Make an API key for an account: at most its role (the same by default), within its limits, and expiring."""
    if not timedelta() < lifetime <= LONGEST_KEY:
        raise AccountError(f"a key lives at most {LONGEST_KEY.days} days, not {lifetime.total_seconds() / 86400:g}")
    async with connection.transaction():
        found = await _find(connection, name)
        scope = _role(role or found["role"])
        if not weaker(Role(scope), Role(found["role"])):
            raise AccountError(f"{name!r} is {found['role']}: a key of theirs cannot be {scope}")
        # The key would be refused at once, and nobody would know why.
        if found["must_change"]:
            raise AccountError(
                f"{name!r} has yet to choose a password of their own: sign in as {name} once, then make the key"
            )
        if found["disabled_at"] is not None:
            raise AccountError(f"{name!r} is disabled: a key of theirs opens nothing")
        await _check_limits(connection, districts, domains)
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        values = (key_id, token_hash(secret), found["account_id"], label, scope, districts, domains, lifetime)
        expires_at = await connection.fetchval(query("identity", "key_add"), *values)
        detail = {"key": key_id, "label": label, "role": scope, "expires_at": expires_at}
        await audit(connection, actor, "key.add", f"account {name}", detail, address)
    return NewKey(key_id, f"cw_{key_id}_{secret}", expires_at)


async def revoke_key(connection: Connection, actor: str, key_id: str, *, address: str = "") -> None:
    """End a key; raise AccountError if there is none such in use."""
    async with connection.transaction():
        name = await connection.fetchval(query("identity", "key_revoke"), key_id)
        if name is None:
            raise AccountError(f"there is no key {key_id!r} in use")
        await audit(connection, actor, "key.revoke", f"account {name}", {"key": key_id}, address)


def _narrow(one: Limits | None, other: Limits | None) -> Limits | None:
    """Return what both allow."""
    if one is None or other is None:
        return one or other

    def both(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
        return b if a is None else a if b is None else a & b

    return Limits(both(one.districts, other.districts), both(one.domains, other.domains))


def key_principal(row: Any) -> Principal:
    """Return who a key acts for: never more than it was made for, nor than its owner is today."""
    limits = _narrow(
        read_limits(row["districts"], row["domains"]), read_limits(row["owner_districts"], row["owner_domains"])
    )
    # An owner's role also changes sideways: of an operator's key and an owner who audits now, a viewer remains.
    roles = frozenset({within_both(Role(row["role"]), Role(row["owner_role"]))})
    return Principal(f"{row['name']} (key {row['label']})", "key", roles, row["account_id"], limits)
