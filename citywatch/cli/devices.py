"""`citywatch devices`: what is registered, and how a payload reads."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from citywatch.cli.registering import register
from citywatch.errors import RegistryError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.decode_command import decode_hex
from devices.profiles import BUILTIN, load_profiles

app = typer.Typer(help="What is registered, and how a payload reads.", no_args_is_help=True)


@app.command("import")
def import_(path: Annotated[Path, typer.Argument(help="a registry file (JSON)", exists=True, dir_okay=False)]) -> None:
    """Register what a file describes: districts, sites, sources and devices. What is there is brought up to date.

    Example: `citywatch devices import bin.json`
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RegistryError(f"{path}: not JSON: {error}") from None

    print(f"{path}: {register(store_dsn(load_settings()), document)}")


@app.command()
def decode(
    payload: Annotated[str, typer.Argument(metavar="HEX", help="the payload in hexadecimal")],
    profile: Annotated[str, typer.Option(help="which device type, as VENDOR/MODEL")],
    port: Annotated[int | None, typer.Option(help="the LoRaWAN port, where the codec needs it")] = None,
) -> None:
    """Show what one binary payload says: the vendor's own fields, and the readings they become.

    Example: `citywatch devices decode --profile milesight/em300-th --port 85 0367F600`
    """
    profiles = load_profiles(BUILTIN, *load_settings().devices.folders)
    if profile not in profiles:
        raise RegistryError(f"no profile {profile}; there are {', '.join(sorted(profiles))}")
    print(json.dumps(decode_hex(profiles[profile], port, payload)))
