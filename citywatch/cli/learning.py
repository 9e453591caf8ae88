"""`citywatch devices learn`: a profile proposed from a message."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.registering import in_store
from citywatch.errors import RegistryError, SettingsError
from citywatch.settings import load_settings
from devices.javascript import Sandbox
from devices.learning import learn as learn_from
from devices.profiles import load_profile
from devices.quarantine import kept_messages


def learn(
    sample: Annotated[Path | None, typer.Argument(help="a file with one message, `-` for a pasted one")] = None,
    device: Annotated[str | None, typer.Option(help="a device in quarantine: from what is kept of it")] = None,
    name: Annotated[str, typer.Option("--as", help="what the type is to be called, as VENDOR/MODEL")] = "own/new-type",
    into: Annotated[Path | None, typer.Option(help="folder to write the profile into (default: print it)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Propose a profile from a sample message: envelope, properties, units, limits. Look it over before you use it.

    Example: `citywatch devices learn --device bin-17 --as acme/bin-1 --into profiles`
    """
    if (sample is None) == (device is None):
        raise SettingsError("give a file with a message, or --device ID")
    vendor, _, model = name.partition("/")
    if device is not None:
        samples = in_store(lambda connection: kept_messages(connection, device))
        if not samples:
            raise RegistryError(f"nothing is kept of {device}: see `citywatch devices quarantine`")
    else:
        assert sample is not None
        samples = [sys.stdin.buffer.read() if str(sample) == "-" else sample.read_bytes()]
    learned = learn_from(samples, vendor, model)
    if as_json:
        print(json.dumps({"profile": learned.document, "reasons": learned.reasons, "left_out": learned.left_out}))
    else:
        print(learned.as_yaml(), end="")
        for path, reason in learned.reasons.items():
            print(f"# {path}: {learned.document['fields'][path]['property']}: {reason}")
        for path, value in learned.left_out.items():
            print(f"# left out: {path}: {value}")
    if into is not None:
        target = into / vendor / f"{model}.yaml"
        if target.exists():
            raise SettingsError(f"{target} is there already")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(learned.as_yaml(), encoding="utf-8")
        load_profile(target, Sandbox())
        print(f"# written to {target}. {_next_step(into, device or 'ID', name)}", file=sys.stderr)


def _next_step(folder: Path, device_id: str, profile: str) -> str:
    folders = load_settings().devices.folders
    adopt = f"citywatch devices adopt {device_id} --profile {profile}"
    if folder.resolve() in [each.resolve() for each in folders]:
        return f"Next: {adopt}"
    setting = ",".join(str(each) for each in [*folders, folder])
    return f"Next: start Citywatch anew with CITYWATCH_DEVICES__FOLDERS={setting}, and with that setting: {adopt}"
