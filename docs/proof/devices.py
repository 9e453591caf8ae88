"""Devices: vectors, packs, sandbox, network servers, accounts, proposals and lists.

    PROOF_DECODERS=/var/tmp/decoders make prove ARGS=devices

PROOF_DECODERS is a folder with checkouts of the vendors' published decoders: `ttn/` (TheThingsNetwork/lorawan-devices,
or a fork of it) and `chirpstack/` (chirpstack/chirpstack-device-profiles). Without it only native codecs are tried.
PROOF_PARTS names the parts to run, PROOF_FULL=1 makes the fleet ten thousand devices.
"""

import os

from docs.proof.device_parts.credentials import prove_credentials
from docs.proof.device_parts.lists import prove_lists
from docs.proof.device_parts.network_servers import prove_network_servers
from docs.proof.device_parts.proposals import prove_proposals
from docs.proof.device_parts.sandbox import prove_sandbox
from docs.proof.device_parts.vectors import prove_senml, prove_vectors

PARTS = {
    "vectors": prove_vectors,
    "senml": prove_senml,
    "network_servers": prove_network_servers,
    "sandbox": prove_sandbox,
    "credentials": prove_credentials,
    "proposals": prove_proposals,
    "lists": prove_lists,
}


def prove() -> dict[str, object]:
    """Run every part, or those that PROOF_PARTS names, and return their figures."""
    named = os.environ.get("PROOF_PARTS", "").replace(",", " ").split() or list(PARTS)
    unknown = set(named) - PARTS.keys()
    assert not unknown, f"no part named {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}"
    figures: dict[str, object] = {}
    for name in named:
        print(f"  {name} ...", flush=True)
        figures[name] = PARTS[name]()
    return figures
