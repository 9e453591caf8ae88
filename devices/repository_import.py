"""Device repositories of others, made into profiles: The Things Network's `lorawan-devices` and ChirpStack's profiles.

The vendor's script is copied beside the profile and run as it is; the published examples go with it and are tried
before the profile is kept, so that a person sees what works and what was proposed.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from devices.javascript import JavaScriptDecoder, Sandbox
from devices.model import DecodeError
from devices.profile_files import load_plain
from devices.proposal import domain_of, propose

CODEC_SUFFIX = "-codec"
TEST_PREFIX = "test_decode_"
COMMENT = re.compile(r"(?m)\s//[^\"\n]*$")


@dataclass(frozen=True, slots=True)
class Published:
    """One published example: bytes in, `data` out, or None where the decoder is to report an error."""

    description: str
    port: int | None
    payload: bytes
    data: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Decoder:
    """One vendor's script, the models that use it, and its published examples."""

    vendor: str
    model: str
    also: tuple[str, ...]
    script: Path
    envelope: str
    examples: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one decoder: the profile written, or the reason why none was."""

    key: str
    profile: Path | None
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    reason: str = ""


def find_decoders(folder: Path) -> Iterator[Decoder | Imported]:
    """Yield every decoder under `folder`; what cannot be read is yielded as not imported, with the reason."""
    for path in sorted(folder.rglob(f"*{CODEC_SUFFIX}.yaml")):
        model, vendor = path.stem.removesuffix(CODEC_SUFFIX), path.parent.name
        try:
            yield _things_network(path, vendor, model)
        except (ValueError, OSError) as reason:
            yield Imported(f"{vendor}/{model}", None, reason=str(reason))
    for path in sorted(folder.rglob(f"{TEST_PREFIX}*.json")):
        model, vendor = path.stem.removeprefix(TEST_PREFIX), path.parent.parent.name
        try:
            yield _chirpstack(path, vendor, model)
        except (ValueError, OSError) as reason:
            yield Imported(f"{vendor}/{model}", None, reason=str(reason))


def import_repository(folder: Path, into: Path, sandbox: Sandbox) -> Iterator[Imported]:
    """Write a profile and its script under `into` for every decoder of `folder`; yield what became of each."""
    for found in find_decoders(folder):
        yield found if isinstance(found, Imported) else _import(found, into, sandbox)


def _import(decoder: Decoder, into: Path, sandbox: Sandbox) -> Imported:
    key = f"{decoder.vendor}/{decoder.model}"
    run = JavaScriptDecoder(decoder.script.read_text(encoding="utf-8", errors="replace"), sandbox)
    samples, failed = [], []
    for example in decoder.examples:
        try:
            given = run(example.payload, example.port)
        except DecodeError as reason:
            if example.data is not None:
                failed.append(f"{example.description}: {reason}")
            continue
        if example.data is None:
            failed.append(f"{example.description}: the vendor expects an error")
        samples.append(given)
    fields = propose(samples)
    if not fields:
        return Imported(key, None, len(decoder.examples) - len(failed), failed, "no field is known as a property")
    target = into / decoder.vendor
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(decoder.script, target / decoder.script.name)
    ports = sorted({e.port for e in decoder.examples if e.port is not None and e.data is not None})
    profile = {
        "vendor": decoder.vendor,
        "model": decoder.model,
        "also": list(decoder.also),
        "domain": domain_of([one.property for one in fields]).value,
        "envelope": decoder.envelope,
        "codec": f"js:{decoder.script.name}",
        "ports": ports,
        "fields": {one.path: one.as_field() for one in fields},
        "unmapped": "ignore",
        "expected_interval": "1h",
        "examples": [_as_example(example) for example in decoder.examples],
    }
    path = target / f"{decoder.model}.yaml"
    path.write_text(yaml.safe_dump(profile, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return Imported(key, path, len(decoder.examples) - len(failed), failed)


def _as_example(example: Published) -> dict[str, object]:
    one: dict[str, object] = {"description": example.description, "hex": example.payload.hex(), "port": example.port}
    return one | ({"error": ""} if example.data is None else {"decoded": dict(example.data)})


def _things_network(path: Path, vendor: str, model: str) -> Decoder:
    content = _mapping(load_plain(path.read_text(encoding="utf-8")))
    uplink = _mapping(content.get("uplinkDecoder"))
    used_by = []
    for device in sorted(path.parent.glob("*.yaml")):
        text = device.read_text(encoding="utf-8")
        if not device.stem.endswith((CODEC_SUFFIX, "-profile")) and f"codec: {path.stem}\n" in text:
            used_by.append(device.stem)
    also = tuple(f"{vendor}/{name}" for name in used_by if name != model)
    examples = tuple(_published(entry, "output") for entry in uplink.get("examples") or ())
    return Decoder(vendor, model, also, _script(path.parent, uplink.get("fileName")), "tts_v3", examples)


def _chirpstack(path: Path, vendor: str, model: str) -> Decoder:
    # Tabs, comments and hexadecimal numbers stand in these files: YAML reads the last, JSON none of it.
    entries = load_plain(COMMENT.sub("", path.read_text(encoding="utf-8").replace("\t", " ")))
    if not isinstance(entries, list):
        raise ValueError("a list of examples is expected")
    examples = tuple(_published(entry, "expected") for entry in entries)
    scripts = [f"{model}.js"] if (path.parent / f"{model}.js").is_file() else []
    scripts += sorted(other.name for other in path.parent.glob(f"{model}-[0-9]*.js"))
    return Decoder(vendor, model, (), _script(path.parent, scripts[0] if scripts else None), "chirpstack_v4", examples)


def _published(entry: object, output: str) -> Published:
    example = _mapping(entry)
    given, expected = _mapping(example.get("input")), _mapping(example.get(output))
    text = str(example.get("description") or example.get("name") or "")
    data = None if expected.get("errors") else _mapping(expected.get("data"))
    try:
        payload = bytes(given.get("bytes") or ())
    except TypeError:
        raise ValueError(f"the bytes of {text!r} are not numbers") from None
    port = given.get("fPort")
    if port is not None and type(port) is not int:
        raise ValueError(f"the port of {text!r} is not a number")
    return Published(text, port, payload, data)


def _script(folder: Path, name: object) -> Path:
    if not isinstance(name, str):
        raise ValueError("it has no decoder")
    script = (folder / name).resolve()
    if not script.is_relative_to(folder.resolve()) or not script.is_file():
        raise ValueError(f"its decoder {name} is not there")
    return script


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a mapping is expected")
    return value
