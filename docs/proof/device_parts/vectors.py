"""The published decode vectors, their prefixes and wrong ports; the packs of RFC 8428."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from devices.envelopes.senml import resolve
from devices.javascript import JavaScriptDecoder, Sandbox
from devices.model import DecodeError, Uplink
from devices.profiles import BUILTIN, Profile, load_profiles
from devices.proposal import propose
from devices.repository_import import Decoder, find_decoders
from docs.proof.shared_data import data_folder
from tests.unit.devices.vectors import Vector, agrees, read_vectors

CHECKOUTS = "PROOF_DECODERS"  # a folder with `ttn/` and `chirpstack/`, the vendors' published decoders
SOURCES = {"tts_v3": "lorawan_ttn", "chirpstack_v4": "lorawan_chirpstack"}
PAIRS = ("ex1", "ex3", "ex5", "ex7", "ex9", "ex11")
Decode = Callable[[bytes, int | None], Mapping[str, object]]
# A prefix that is a whole message of its own: this decoder knows four bytes (two counters) and two (one of them).
WHOLE = {("opensource/esp32-paxcounter", "0700")}
PORTS = {0, 1, 2, 42, 85, 100, 223, 255}


@cache
def load_builtin() -> dict[str, Profile]:
    """Return the profiles that the project ships."""
    return load_profiles(BUILTIN)


def checkouts() -> Path | None:
    """Return where the vendors' decoders were checked out, None where they were not."""
    folder = os.environ.get(CHECKOUTS)
    return None if folder is None else Path(folder)


def prove_vectors() -> dict[str, object]:
    """Every vector through a native codec or the vendor's own decoder; then cut short, and on other ports."""
    vectors = read_vectors(data_folder())
    sandbox = Sandbox()
    decoders, spent = decoders_of(vectors, sandbox), Counter[str]()
    through: Counter[str] = Counter()
    categories: set[str] = set()
    invented: Counter[str] = Counter()
    cut = whole = ports = 0
    for vector, decoder in zip(vectors, decoders, strict=True):
        if decoder is None:
            through["not tried"] += 1
            continue
        kind, decode = decoder
        begun = time.perf_counter()
        verdict = judge(vector, decode)
        spent[kind] += round((time.perf_counter() - begun) * 1e6)
        assert verdict is None, f"{vector}: {verdict}"
        through[kind] += 1
        categories |= {vector.category} if kind == "native" else set()
        for end in range(len(vector.payload)):
            cut += 1
            if (vector.profile, vector.payload[:end].hex()) in WHOLE:
                whole += 1
            elif says_more(vector, decode, vector.payload[:end], vector.port):
                invented[f"{kind}, cut"] += 1
                print(f"  {vector} cut to {end} bytes says more than the whole")
        for port in PORTS - {other.port for other in vectors if other.profile == vector.profile}:
            ports += 1
            invented[f"{kind}, wrong port"] += says_more(vector, decode, vector.payload, port)
    sandbox.close()
    assert through["native"] >= 60, through
    assert len(categories) == 3, categories
    assert not invented.total(), invented
    if checkouts() is not None:
        assert through["not tried"] == 0, through
    return {
        "vectors": len(vectors),
        "expecting_an_error": sum(vector.data is None for vector in vectors),
        "as_expected": dict(through),
        "revisions": revisions(),
        "prefixes_tried": cut,
        "prefixes_that_are_a_message_of_their_own": whole,
        "wrong_ports_tried": ports,
        "readings_that_the_whole_does_not_hold": {kind: invented[kind] for kind in sorted(invented)},
        "crashes": 0,
        "microseconds_in_all": dict(spent),
    }


def decoders_of(vectors: list[Vector], sandbox: Sandbox) -> list[tuple[str, Decode] | None]:
    """Return how each vector is decoded: by a codec of ours, else by the vendor's script; None where there is none."""
    profiles = load_builtin()
    folder = checkouts()
    scripts = {} if folder is None else {
        (SOURCES[one.envelope], f"{one.vendor}/{one.model}"): one
        for one in find_decoders(folder)
        if isinstance(one, Decoder)
    }  # fmt: skip
    found: list[tuple[str, Decode] | None] = []
    for vector in vectors:
        profile, script = profiles.get(vector.profile), scripts.get((vector.source, vector.profile))
        if profile is not None:
            found.append(("native", partial(_native, profile)))
        elif script is not None:
            source = script.script.read_text(encoding="utf-8", errors="replace")
            ports = {v.port for v in vectors if v.profile == vector.profile and v.data is not None}
            found.append(("vendor's script", partial(_script, JavaScriptDecoder(source, sandbox), ports)))
        else:
            found.append(None)
    return found


def _native(profile: Profile, payload: bytes, port: int | None) -> Mapping[str, object]:
    return profile.decode_bytes(payload, port)


def _script(run: JavaScriptDecoder, ports: set[int | None], payload: bytes, port: int | None) -> Mapping[str, object]:
    """Decode as an imported profile does: only on the ports of the published examples that hold data."""
    given = run(payload, port)
    if port not in ports:
        raise DecodeError(f"port {port} is none of {ports}")
    return given


def judge(vector: Vector, decode: Decode) -> str | None:
    """Return what is wrong with a decoder's answer, None where it is the expected one."""
    try:
        given = decode(vector.payload, vector.port)
    except DecodeError as reason:
        return None if vector.data is None and str(reason) else f"refused: {reason}"
    if vector.data is None:
        return f"gave {given}, an error is expected"
    return None if agrees(given, vector.data) else f"gave {given}, expected {vector.data}"


def says_more(vector: Vector, decode: Decode, payload: bytes, port: int | None) -> bool:
    """Return whether a damaged message yields a reading that the whole one does not; DecodeError: it yields none."""
    try:
        given = decode(payload, port)
    except DecodeError:
        return False
    return not readings(vector, given) <= readings(vector, vector.data)


def readings(vector: Vector, fields: object) -> set[tuple[str, float | None]]:
    """Return the readings in a vendor's fields: as our profile maps them, else as one that is proposed."""
    if not isinstance(fields, Mapping):
        return set()
    profile = load_builtin().get(vector.profile)
    if profile is not None:
        return {(one.property, one.value) for one in profile.map([fields]).readings}
    found = set()
    for one in propose([fields]):
        value: object = fields
        for key in one.path.split("."):
            assert isinstance(value, dict)
            value = value[key]
        found.add((one.property, float(value) if isinstance(value, int | float) else None))
    return found


def revisions() -> dict[str, str]:
    """Return which revision of each repository was tried."""
    folder = checkouts()
    if folder is None:
        return {}
    git = ["git", "log", "-1", "--format=%H of %cs"]
    return {
        one.name: subprocess.run(git, cwd=one, check=True, capture_output=True, text=True).stdout.strip()
        for one in sorted(folder.iterdir())
        if (one / ".git").exists()
    }


def prove_senml() -> dict[str, object]:
    """The paired packs, record for record; `now` from the pair."""
    folder = data_folder() / "payloads" / "senml"
    records = 0
    for name in PAIRS:
        expected = json.loads((folder / f"{name}.gen.resolved.json").read_text(encoding="utf-8"))
        now = datetime.fromtimestamp(expected[0]["t"], UTC)
        pack = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        resolved = [record for record in resolve(pack, now) if "vd" not in record]
        assert len(resolved) == len(expected), name
        for record, wanted in zip(resolved, expected, strict=True):
            assert _same(record, wanted), (name, record, wanted)
            records += 1
    return {"packs": len(PAIRS), "records": records}


def _same(record: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    return record.keys() == wanted.keys() and all(
        abs(float(str(record[key])) - value) <= 1e-12 * abs(value) if isinstance(value, float) else record[key] == value
        for key, value in wanted.items()
    )


def cost_of_native() -> float:
    """Return what a decode by a native codec costs, mapped to readings, in microseconds."""
    profile = load_builtin()["milesight/am319-hcho"]
    payload = bytes.fromhex("0367ee0004687c05000106cb02077da803087d2500097366270a7d07000b7d20000c7d3000")
    return cost(lambda: profile.decode(Uplink(raw=payload, port=85)), 3000)


def cost(action: Callable[[], object], times: int) -> float:
    """Return the best mean of five rounds, in microseconds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(times):
            action()
        rounds.append((time.perf_counter() - begun) / times * 1e6)
    return min(rounds)
