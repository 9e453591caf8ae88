"""`citywatch devices`: what is registered, and how a payload reads."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from citywatch.cli import commands, credentials
from citywatch.cli.adoption import adopt, quarantine
from citywatch.cli.learning import learn
from citywatch.cli.process import run_process
from citywatch.cli.registering import in_store, known_profiles, register
from citywatch.errors import RegistryError, SettingsError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.bulk import BulkReport, import_devices, read_devices
from devices.decode_command import decode_hex
from devices.device_file import write_lines
from devices.javascript import Sandbox
from devices.keeper import run_keeper
from devices.model import Domain
from devices.profiles import load_profiles
from devices.repository_import import import_repository
from sql.connection import Connection

app = typer.Typer(help="What is registered, and how a payload reads.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="for programs")]
OnlyDomain = Annotated[Domain | None, typer.Option("--domain", help="only of this domain")]
OnlyDistrict = Annotated[str | None, typer.Option("--district", help="only in this district")]
OnlyProfile = Annotated[str | None, typer.Option("--profile", help="only of this type, as VENDOR/MODEL")]


@app.command("list")
def list_(
    domain: OnlyDomain = None, district: OnlyDistrict = None, profile: OnlyProfile = None, as_json: Json = False
) -> None:
    """Show the registered devices.

    Example: `citywatch devices list --domain waste`
    """

    async def show(connection: Connection) -> None:
        async for device in read_devices(connection, domain=domain, district_id=district, profile=profile):
            if as_json:
                print(json.dumps(device))
                continue
            place = "" if device["latitude"] is None else f"{device['latitude']:.5f},{device['longitude']:.5f}"
            print(
                f"{device['device_id']:24}  {device['profile']:28}  {device['domain']:8}  "
                f"{device['district_id'] or '-':12}  {place:21}  {device['expected_interval']:>6}  {device['name']}"
            )

    in_store(show)


@app.command()
def export(
    path: Annotated[Path | None, typer.Argument(help="the CSV file to write; none: standard output")] = None,
    domain: OnlyDomain = None,
    district: OnlyDistrict = None,
    profile: OnlyProfile = None,
) -> None:
    """Write the registered devices as CSV. `devices import` reads it back, and refuses lines that are out of date.

    Example: `citywatch devices export bins.csv --domain waste`
    """

    async def collect(connection: Connection) -> list[dict[str, Any]]:
        found = read_devices(connection, domain=domain, district_id=district, profile=profile)
        return [{**one, "tags": json.dumps(one["tags"]) if one["tags"] else ""} async for one in found]

    devices = in_store(collect)
    text = "".join(write_lines(devices))
    if path is None:
        print(text, end="")
    else:
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(devices)} devices")


@app.command("import")
def import_(
    path: Annotated[
        Path, typer.Argument(help="a registry file (JSON), a device list (CSV) or a device repository", exists=True)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="a device list: only say what would happen")] = False,
    into: Annotated[
        Path | None, typer.Option(help="a repository: folder for the profiles (default: the first of your own)")
    ] = None,
    as_json: Json = False,
) -> None:
    """Register what a file describes, or make profiles of a device repository. What is there is brought up to date.

    A registry file holds districts, sites, sources and devices. A device list is CSV with a header line; it is
    imported whole or, where anything is wrong in it, not at all. A repository is a folder in the manner of
    `lorawan-devices` or of ChirpStack's device profiles.

    Example: `citywatch devices import bins.csv --dry-run`
    """
    if path.is_dir():
        _import_repository(path, into, as_json)
        return
    content = path.read_bytes()
    if path.suffix.lower() == ".json" or content.lstrip()[:1] == b"{":
        if dry_run:
            raise SettingsError("--dry-run is for device lists (CSV)")
        _import_registry(path, content, as_json)
    else:
        _import_list(path, content, dry_run, as_json)


def _import_registry(path: Path, content: bytes, as_json: bool) -> None:
    try:
        document: dict[str, Any] = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RegistryError(f"{path}: not JSON: {error}") from None
    counts = register(store_dsn(load_settings()), document)
    if as_json:
        print(json.dumps(asdict(counts)))
        return
    parts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in (
            (counts.districts, "district", "districts"),
            (counts.sites, "site", "sites"),
            (counts.sources, "source", "sources"),
            (counts.devices, "device", "devices"),
        )
        if number
    ]
    devices = f": {counts.devices_new} new, {counts.devices_changed} changed" if counts.devices else ""
    print(f"{path}: {', '.join(parts) or 'nothing in it'}{devices}")


def _import_list(path: Path, content: bytes, dry_run: bool, as_json: bool) -> None:
    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} devices", end="" if done < total else "\n", file=sys.stderr, flush=True)

    domains = {key: profile.domain for key, profile in known_profiles().items()}

    async def run(connection: Connection) -> BulkReport:
        return await import_devices(connection, content, domains, dry_run=dry_run, progress=progress)

    report = in_store(run)
    if as_json:
        print(json.dumps(asdict(report)))
    for fault in () if as_json else report.faults:
        print(f"{path}: {fault}")
    if report.faults:
        raise RegistryError(f"{path}: {len(report.faults)} faults in {report.devices} devices: nothing was changed")
    if not as_json:
        would = " (dry run: nothing was changed)" if dry_run else ""
        print(f"{path}: {report.new} new, {report.changed} changed, {report.unchanged} as they were{would}")


def _import_repository(path: Path, into: Path | None, as_json: bool) -> None:
    folders = load_settings().devices.folders
    target = into or (folders[0] if folders else None)
    if target is None:
        raise SettingsError("say where the profiles go: --into FOLDER, or set CITYWATCH_DEVICES__FOLDERS")
    sandbox = Sandbox()
    made = 0
    try:
        for one in import_repository(path, target, sandbox):
            made += one.profile is not None
            if as_json:
                print(json.dumps({**asdict(one), "profile": None if one.profile is None else str(one.profile)}))
            elif one.profile is None:
                print(f"{one.key}: not imported: {one.reason}")
            else:
                print(f"{one.key}: {one.passed} examples as published, {len(one.failed)} not: {one.profile}")
    finally:
        sandbox.close()
    if not made:
        raise RegistryError(f"{path}: no profile came out of it")
    load_profiles(target)  # a profile that cannot be loaded is better known now than when ingest starts


@app.command()
def decode(
    payload: Annotated[str, typer.Argument(metavar="HEX", help="the payload in hexadecimal")],
    profile: Annotated[str, typer.Option(help="which device type, as VENDOR/MODEL")],
    port: Annotated[int | None, typer.Option(help="the LoRaWAN port, where the codec needs it")] = None,
) -> None:
    """Show what one binary payload says: the vendor's own fields, and the readings they become.

    Example: `citywatch devices decode --profile milesight/em300-th --port 85 0367F600`
    """
    profiles = known_profiles()
    if profile not in profiles:
        raise RegistryError(f"no profile {profile}; there are {', '.join(sorted(profiles))}")
    print(json.dumps(decode_hex(profiles[profile], port, payload)))


app.command()(quarantine)
app.command()(adopt)
app.command()(learn)
app.command()(credentials.revoke)
app.add_typer(credentials.app, name="credential")
app.add_typer(commands.app, name="command")


@app.command()
def run() -> None:
    """Keep presence (births and wills), send commands to devices and take their answers.

    Example: `citywatch devices run`
    """
    run_process("devices", run_keeper, reports=True)
