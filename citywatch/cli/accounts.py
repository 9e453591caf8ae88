"""`citywatch accounts`: who may sign in, with which role and limits, and keys for programs."""

import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from api.identity import accounts
from citywatch.durations import parse_duration
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from sql.connection import Connection, Record
from sql.queries import query

app = typer.Typer(help="Who may sign in, and keys for programs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="name of the account", show_default=False)]
RoleName = Annotated[str, typer.Option(help="viewer, operator, engineer, auditor or admin")]
Districts = Annotated[list[str] | None, typer.Option("--district", help="only this district; may be given again")]
Domains = Annotated[list[str] | None, typer.Option("--domain", help="only this domain; may be given again")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]
Answer = TypeVar("Answer")


def _run(work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    async def connected() -> Answer:
        connection = await asyncpg.connect(store_dsn(load_settings()))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def _actor() -> str:
    """Return who types this, for the audit log: whoever may read the store's address may do so as anybody."""
    return f"{getpass.getuser()} (command line)"


def _part(districts: Any, domains: Any) -> str:
    parts = [
        f"districts {', '.join(districts)}" if districts else "",
        f"domains {', '.join(domains)}" if domains else "",
    ]
    return "; ".join(part for part in parts if part) or "the whole city"


@app.command()
def add(name: Name, role: RoleName = "viewer", district: Districts = None, domain: Domains = None) -> None:
    """Add an account and print its one-time password.

    Example: `citywatch accounts add ada --role operator --district north-hill --domain waste`
    """
    password = _run(lambda c: accounts.add_account(c, _actor(), name, role, district or None, domain or None))
    print(f"{name} is {role} of {_part(district, domain)}.")
    print(f"One-time password, shown once, to be changed at the first sign-in: {password}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show all accounts.

    Example: `citywatch accounts list`
    """
    found: list[Record] = _run(lambda c: c.fetch(query("identity", "accounts")))
    if as_json:
        print(json.dumps([dict(row) for row in found], default=str))
        return
    for row in found:
        state = "disabled" if row["disabled_at"] else "must change its password" if row["must_change"] else "active"
        where = f"signs in at {row['issuer']}" if row["issuer"] else f"{row['keys']} keys"
        print(f"{row['name']:24} {row['role']:9} {state:26} {_part(row['districts'], row['domains'])}, {where}")


@app.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, operator, engineer, auditor or admin", show_default=False)],
    district: Districts = None,
    domain: Domains = None,
) -> None:
    """Give an account a role and limits; without --district and --domain it sees the whole city.

    Example: `citywatch accounts role ada engineer`
    """
    _run(lambda c: accounts.set_account(c, _actor(), name, role, district or None, domain or None))
    print(f"{name} is {role} of {_part(district, domain)} from now on.")


@app.command()
def disable(name: Name) -> None:
    """Shut an account out: its sessions and keys end now.

    Example: `citywatch accounts disable ada`
    """
    _run(lambda c: accounts.enable_account(c, _actor(), name, able=False))
    print(f"{name} is shut out.")


@app.command()
def enable(name: Name) -> None:
    """Let a disabled account in again.

    Example: `citywatch accounts enable ada`
    """
    _run(lambda c: accounts.enable_account(c, _actor(), name, able=True))
    print(f"{name} may sign in again.")


@app.command()
def reset(name: Name) -> None:
    """Print a new one-time password for an account whose password is lost.

    Example: `citywatch accounts reset ada`
    """
    password = _run(lambda c: accounts.reset_password(c, _actor(), name))
    print(f"One-time password for {name}, shown once, to be changed at the first sign-in: {password}")


@app.command()
def key(
    name: Name,
    label: Annotated[str, typer.Option(help="what it is for")] = "program",
    for_: Annotated[str, typer.Option("--for", help="how long it lives, at most 366d")] = "90d",
    role: Annotated[str | None, typer.Option(help="less than the account's role")] = None,
    district: Districts = None,
    domain: Domains = None,
) -> None:
    """Make an API key for an account and print it once: `Authorization: Bearer KEY`.

    Example: `citywatch accounts key ada --label notebook --for 90d --role viewer`
    """
    lifetime = parse_duration(for_)
    new = _run(lambda c: accounts.add_key(c, _actor(), name, label, lifetime, role, district or None, domain or None))
    print(f"Key {new.key_id} of {name}, until {new.expires_at:%Y-%m-%d %H:%M}Z. Shown once:")
    print(new.text)


@app.command()
def keys(as_json: Json = False) -> None:
    """Show the keys in use, without their secrets.

    Example: `citywatch accounts keys`
    """
    found: list[Record] = _run(lambda c: c.fetch(query("identity", "keys")))
    if as_json:
        print(json.dumps([dict(row) for row in found], default=str))
        return
    for row in found:
        where = _part(row["districts"], row["domains"])
        print(
            f"{row['key_id']}  {row['name']:20} {row['label']:20} {row['role']:9} {row['expires_at']:%Y-%m-%d}  {where}"
        )


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="key, as `keys` shows it", show_default=False)]) -> None:
    """End a key now.

    Example: `citywatch accounts revoke 0a1b2c3d4e5f`
    """
    _run(lambda c: accounts.revoke_key(c, _actor(), key_id))
    print(f"Key {key_id} is no longer good.")
