"""`citywatch devices credential`: what devices prove themselves to the broker with."""

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from citywatch.cli.registering import in_store
from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from citywatch.settings import load_settings
from devices.broker_admin import BrokerAdmin, StoreAdmin
from devices.credentials import (
    Credential,
    accounts_kind,
    broker_admin,
    create_provisioning_key,
    list_credentials,
    revoke_credentials,
)
from devices.model import Domain
from devices.provisioning import provision
from devices.sealed_list import write_credentials
from sql.connection import Connection
from sql.queries import query

app = typer.Typer(help="What devices prove themselves to the broker with.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="for programs")]
Devices = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="devices")]
Into = Annotated[Path | None, typer.Option(help="CSV file for device_id,username,password; none: standard output")]
_Answer = TypeVar("_Answer")


@app.command()
def create(
    devices: Devices = None,
    every: Annotated[bool, typer.Option("--all", help="every device that has none")] = False,
    domain: Annotated[Domain | None, typer.Option(help="with --all: only of this domain")] = None,
    profile: Annotated[str | None, typer.Option(help="with --all: only of this type")] = None,
    at_restart: Annotated[
        bool, typer.Option("--at-restart", help="seconds for thousands: they work from the broker's next start on")
    ] = False,
    into: Into = None,
) -> None:
    """Give devices an account at the broker, each bound to its own branch. Passwords are shown this once.

    A job for many goes on where it was interrupted: who has a credential is left alone. A broker that runs takes
    minutes for thousands (docs/devices.md); `--at-restart` keeps them for its next start.

    Example: `citywatch devices credential create --all --domain waste --into bins.csv`
    """
    if bool(devices) == every:
        raise SettingsError("name the devices, or say --all")

    async def wanted(connection: Connection) -> list[str]:
        rows = await connection.fetch(query("credentials", "without_credential"), domain, profile)
        return [row["device_id"] for row in rows]

    _hand_out(in_store(wanted) if every else list(devices or ()), into, at_restart=at_restart)


@app.command()
def rotate(devices: Annotated[list[str], typer.Argument(metavar="ID...", help="devices")], into: Into = None) -> None:
    """Replace devices' passwords. Whoever is connected with the old one is cut off.

    Example: `citywatch devices credential rotate bin-17`
    """
    _hand_out(devices, into, rotate=True)


@app.command()
def revoke(devices: Annotated[list[str], typer.Argument(metavar="ID...", help="devices")]) -> None:
    """Take devices' accounts away. Whoever is connected is cut off at once.

    Example: `citywatch devices credential revoke bin-17`
    """

    async def run(connection: Connection, admin: BrokerAdmin) -> list[str]:
        return await revoke_credentials(connection, admin, devices, actor=_actor(), now=datetime.now(UTC))

    for device_id in at_broker(run):
        print(f"{device_id}: cut off")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show who has a credential, since when and from whom. Never a secret.

    Example: `citywatch devices credential list`
    """
    found = in_store(list_credentials)
    if not found and not as_json:
        print("no device has a credential")
    for one in found:
        if as_json:
            print(json.dumps(asdict(one), default=str))
            continue
        revoked = f"  revoked {one.revoked_at:%Y-%m-%d %H:%M}Z by {one.revoked_by}" if one.revoked_at else ""
        print(f"{one.device_id:24}  since {one.created_at:%Y-%m-%d %H:%M}Z by {one.created_by}{revoked}")


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="what you call it")],
    uses: Annotated[int, typer.Option(help="how many devices may claim with it", min=1, max=1_000_000)],
    expires: Annotated[str, typer.Option(help="for how long, as in 30d")] = "30d",
    profile: Annotated[str | None, typer.Option(help="only devices of this type")] = None,
) -> None:
    """Make a key by which registered devices claim their credential themselves. It is shown this once.

    Example: `citywatch devices credential key autumn-delivery --uses 500 --expires 30d`
    """
    accounts_kind(load_settings())  # a key to an open broker is of no use
    lasts, now = parse_duration(expires), datetime.now(UTC)

    async def run(connection: Connection) -> str:
        return await create_provisioning_key(
            connection, name, uses=uses, lasts=lasts, profile=profile, actor=_actor(), now=now
        )

    print(in_store(run))


def at_broker(act: Callable[[Connection, BrokerAdmin], Awaitable[_Answer]]) -> _Answer:
    """Return what `act` does with the store and the broker's accounts."""
    with broker_admin(load_settings()) as admin:
        return in_store(lambda connection: act(connection, admin))


def _hand_out(devices: list[str], into: Path | None, *, rotate: bool = False, at_restart: bool = False) -> None:
    """Provision in parts; what is done is written at once, so that an interruption loses no password."""

    async def run(connection: Connection, admin: BrokerAdmin) -> None:
        done = 0
        async for made in provision(connection, admin, devices, actor=_actor(), rotate=rotate):
            _write(made, into, first=done == 0)
            done += len(made)
            if into is not None and sys.stderr.isatty():
                print(f"\r{done} of {len(devices)} devices", end="", file=sys.stderr, flush=True)

    if at_restart:
        accounts_kind(load_settings())
        in_store(lambda connection: run(connection, StoreAdmin()))
    else:
        at_broker(run)
    if into is not None:
        print(f"{into}: {len(devices)} credentials, which nobody can read again anywhere else")
    if at_restart:
        print("the broker lets them in from its next start on, given its file of accounts anew", file=sys.stderr)


def _write(made: list[Credential], into: Path | None, *, first: bool) -> None:
    text = write_credentials(made, header=first)
    if into is None:
        print(text, end="")
        return
    if first:
        into.unlink(missing_ok=True)
        into.touch(mode=0o600)
    with into.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def _actor() -> str:
    return f"{getuser()} (command line)"
