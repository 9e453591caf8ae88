"""`citywatch devices command`: tell a device to do something, and see what became of it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated

import typer

from citywatch.cli.registering import in_store, known_profiles
from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from citywatch.settings import load_settings
from devices.commands import Command, create_command, list_commands

app = typer.Typer(help="Tell devices to do something.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command()
def send(
    device: Annotated[str, typer.Argument(metavar="ID", help="the device")],
    name: Annotated[str, typer.Argument(help="what to do, as its manual calls it")],
    arguments: Annotated[str, typer.Option(help="JSON object; for LoRaWAN `port` and `hex` or `object`")] = "{}",
    expires: Annotated[str, typer.Option(help="how long it may wait for the device, as in 1h")] = "1h",
    as_json: Json = False,
) -> None:
    """Send a command to a device, by MQTT or as a downlink of its network server.

    Example: `citywatch devices command send air-003 self-test --expires 10m`
    """
    try:
        given = json.loads(arguments)
    except json.JSONDecodeError as error:
        raise SettingsError(f"--arguments is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise SettingsError("--arguments is not a JSON object")
    lasts, downlinks = parse_duration(expires), load_settings().devices.downlinks
    actor = f"{getuser()} (command line)"
    profiles = known_profiles()
    made = in_store(
        lambda connection: create_command(
            connection, profiles, downlinks, device, name, given, lasts=lasts, actor=actor, now=datetime.now(UTC)
        )
    )
    _show(made, as_json)


@app.command("list")
def list_(
    device: Annotated[str | None, typer.Option(help="of this device only")] = None,
    state: Annotated[str | None, typer.Option(help="queued, sent, acknowledged, done, failed or expired")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="how many at most")] = 50,
    as_json: Json = False,
) -> None:
    """Show commands and what became of them, the newest first.

    Example: `citywatch devices command list --device air-003`
    """
    for one in in_store(lambda connection: list_commands(connection, device_id=device, state=state, limit=limit)):
        _show(one, as_json)


def _show(one: Command, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(one), default=str))
        return
    at = f"{one.created_at:%Y-%m-%d %H:%M:%S}Z"
    print(f"{one.command_id}  {at}  {one.device_id:24}  {one.name:20}  {one.state}  {one.reason}")
