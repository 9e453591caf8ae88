"""What the coverage-guided fuzzer runs: every envelope, every native codec and the whole decision on a delivery.

`python -m docs.proof.fuzz_target FOLDER [libFuzzer options]`; needs atheris: docs/proof/ingest_fuzz.py explains.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["devices", "ingest"]):
    from devices.envelopes import ENVELOPES
    from devices.model import DecodeError, Device, Domain, Uplink
    from devices.profile_store import ProfileStore
    from devices.profiles import BUILTIN, Profile
    from devices.registry import Registry, Source
    from ingest.decode import Decoder
    from ingest.directory import Directory
    from ingest.model import Accepted, Delivery, Rejected
    from ingest.routes import make_routes

NOW = datetime(2026, 3, 1, 7, 5, tzinfo=UTC)
PROFILES: list[Profile] = sorted(set(ProfileStore(BUILTIN).profiles.values()), key=lambda profile: profile.key)
# JavaScript codecs run in a child process, where coverage cannot guide: docs/proof/javascript_sandbox.py has those.
CODECS = [profile for profile in PROFILES if (profile.codec_name or "").startswith("native:")]
MAPPERS = [profile for profile in PROFILES if profile.codec is None]
NAMES = list(ENVELOPES)
PORTS = (None, 1, 2, 85)


def make_decoder() -> Decoder:
    """Return a decoder that knows one live and one replayed device of each profile without JavaScript."""
    devices = {}
    for number, profile in enumerate([*MAPPERS, *CODECS]):
        for source in ("live", "history"):
            name = f"{source}-{number}"
            devices[name] = Device(name, profile.key, Domain.AIR, source_id=source)
    sources = {"live": Source("live", "live", None), "history": Source("history", "replay", None)}
    directory = Directory()
    directory.renew(Registry(devices, sources, {}), ProfileStore(BUILTIN).profiles)
    return Decoder(
        directory,
        make_routes({}, ENVELOPES),
        lateness=timedelta(hours=48),
        equal_window=timedelta(seconds=30),
        max_payload=262_144,
    )


DECODER = make_decoder()
TOPICS = [f"city/v1/devices/{name}/telemetry" for name in DECODER.directory.speakers]


def one_input(data: bytes) -> None:
    """Run one input: two bytes choose what, the rest is the payload."""
    if len(data) < 2:
        return
    what, which, payload = data[0] % 3, data[1], data[2:]
    if what == 2:
        DECODER.directory.clock_faults.clear()
        verdict = DECODER.decode(Delivery(TOPICS[which % len(TOPICS)], payload, NOW, qos=1))
        if not isinstance(verdict, Accepted | Rejected):
            raise TypeError(f"no verdict: {verdict!r}")
        return
    try:
        if what == 1:
            CODECS[which % len(CODECS)].decode(Uplink(raw=payload, port=PORTS[data[0] // 3 % len(PORTS)]), NOW)
        else:
            uplink = ENVELOPES[NAMES[which % len(NAMES)]](payload)
            MAPPERS[data[0] // 3 % len(MAPPERS)].decode(uplink, NOW)
    except DecodeError as reason:
        # Somebody must be able to read why.
        if not 0 < len(str(reason)) < 2000:
            raise ValueError(f"a reason of {len(str(reason))} characters") from reason


def seed(folder: Path) -> None:
    """Put every example of every profile into the corpus, through each way in."""
    for number, profile in enumerate([*MAPPERS, *CODECS]):
        for at, example in enumerate(profile.examples):
            body = bytes.fromhex(example.hex) if example.hex else json.dumps(example.payload).encode()
            for what in range(3):
                which = number * 2 if what == 2 else NAMES.index("native") if what == 0 else number - len(MAPPERS)
                if 0 <= which < 256:
                    (folder / f"{number}-{at}-{what}").write_bytes(bytes([what, which]) + body)


if __name__ == "__main__":
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        seed(corpus)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
