"""Run the vendors' published decoders, as they are, on the published vectors that no native codec covers.

    python -m docs.proof.vendor_decoders FOLDER SHARED_DATA

FOLDER holds checkouts of device repositories, each in a folder of its own: `ttn/` (TheThingsNetwork/lorawan-devices)
and `chirpstack/` (chirpstack/chirpstack-device-profiles). None of their code is part of this project.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from devices.javascript import JavaScriptDecoder, Sandbox
from devices.model import DecodeError
from devices.profiles import BUILTIN, load_profiles
from devices.repository_import import Decoder, find_decoders
from tests.unit.devices.vectors import Vector, agrees, read_vectors

SOURCES = {"tts_v3": "lorawan_ttn", "chirpstack_v4": "lorawan_chirpstack"}


def main(folder: Path, shared_data: Path) -> int:
    native = load_profiles(BUILTIN)
    decoders = {
        (SOURCES[one.envelope], f"{one.vendor}/{one.model}"): one
        for one in find_decoders(folder)
        if isinstance(one, Decoder)
    }
    vectors = read_vectors(shared_data)
    verdicts: Counter[str] = Counter(native=sum(vector.profile in native for vector in vectors))
    spent: list[float] = []
    sandbox = Sandbox()
    for vector in vectors:
        if vector.profile in native:
            continue
        decoder = decoders.get((vector.source, vector.profile))
        verdict = "no decoder" if decoder is None else judge(vector, decoder, sandbox, spent)
        verdicts["passed" if verdict == "passed" else "other"] += 1
        if verdict != "passed":
            print(f"{vector}: {verdict}")
    sandbox.close()
    spent.sort()
    figures = {
        "vectors": len(vectors),
        "native": verdicts["native"],
        "javascript": verdicts["passed"],
        "left": verdicts["other"],
        "javascript_us_median": round(spent[len(spent) // 2] * 1e6) if spent else None,
    }
    print(json.dumps(figures, indent=1))
    return 1 if verdicts["other"] else 0


def judge(vector: Vector, decoder: Decoder, sandbox: Sandbox, spent: list[float]) -> str:
    run = JavaScriptDecoder(decoder.script.read_text(encoding="utf-8", errors="replace"), sandbox)
    begun = time.perf_counter()
    try:
        given = run(vector.payload, vector.port)
    except DecodeError as reason:
        return "passed" if vector.data is None else f"failed: {reason}"
    finally:
        spent.append(time.perf_counter() - begun)
    if vector.data is None:
        return f"gave {given}, an error is expected"
    return "passed" if agrees(given, vector.data) else f"gave {given}, expected {vector.data}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
