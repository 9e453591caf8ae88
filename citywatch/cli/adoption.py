"""`citywatch devices quarantine` and `adopt`: devices that nobody registered, and taking one in."""

import asyncio
import json
from dataclasses import asdict
from getpass import getuser
from typing import Annotated

import typer

from citywatch.cli.registering import in_store, known_profiles
from citywatch.errors import RegistryError
from citywatch.settings import load_settings
from devices.model import Domain
from devices.quarantine import list_strangers, register_stranger
from ingest.replay import replay_rejected
from sql.connection import Connection
from sql.queries import query

Json = Annotated[bool, typer.Option("--json", help="for programs")]


def quarantine(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")] = 100, as_json: Json = False
) -> None:
    """Show the devices that send and that nobody registered. Their messages are kept.

    Example: `citywatch devices quarantine`
    """
    for one in in_store(lambda connection: list_strangers(connection, limit=limit)):
        text = one.payload.decode("utf-8", "backslashreplace")
        if as_json:
            print(json.dumps({**asdict(one), "payload": text}, default=str))
        else:
            print(f"{one.device_id:24}  {one.messages:6} messages  last {one.last_at:%Y-%m-%d %H:%M:%S}Z  {one.topic}")
            print(f"    {text[:160]}")


def adopt(
    device_id: Annotated[str, typer.Argument(metavar="ID", help="the id under which it sends")],
    profile: Annotated[str, typer.Option(help="which device type, as VENDOR/MODEL")],
    domain: Annotated[Domain | None, typer.Option(help="default: the profile's")] = None,
    name: Annotated[str, typer.Option(help="what people call it")] = "",
    site: Annotated[str | None, typer.Option(help="a registered site")] = None,
    district: Annotated[str | None, typer.Option(help="default: the one that the location lies in")] = None,
    latitude: Annotated[float | None, typer.Option(help="decimal degrees")] = None,
    longitude: Annotated[float | None, typer.Option(help="decimal degrees")] = None,
    as_json: Json = False,
) -> None:
    """Register a device that sends already, and decode what was kept of it from the start.

    Example: `citywatch devices adopt bin-17 --profile citywatch/bin --name "Market square"`
    """
    profiles = known_profiles()
    if profile not in profiles:
        raise RegistryError(f"no profile {profile}; there are {', '.join(sorted(profiles))}")
    device = {
        "device_id": device_id,
        "profile": profile,
        "domain": domain or profiles[profile].domain,
        "name": name,
        "site_id": site,
        "district_id": district,
        "latitude": latitude,
        "longitude": longitude,
        "expected_interval": profiles[profile].expected_interval,
    }

    async def take_in(connection: Connection) -> None:
        if not await connection.fetchval(query("devices", "is_kept"), device_id):
            raise RegistryError(
                f"{device_id} does not wait: `citywatch devices quarantine` shows who does, `citywatch devices import`"
                " registers a device before it sends"
            )
        await register_stranger(connection, device, actor=f"{getuser()} (command line)")

    in_store(take_in)
    counts = asyncio.run(replay_rejected(load_settings(), device_id=device_id))
    if as_json:
        print(json.dumps(asdict(counts)))
        return
    print(f"{device_id}: {counts.mended} of {counts.played} kept messages decoded, {counts.stored} readings stored")
    if counts.still:
        print(f"why {counts.still} were not: citywatch rejected list --pending --device {device_id}")
