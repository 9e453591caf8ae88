"""Devices: vectors, packs, sandbox, network servers, accounts, proposals and lists.

    PROOF_DECODERS=/var/tmp/decoders make prove ARGS=devices

PROOF_DECODERS is a folder with checkouts of the vendors' published decoders: `ttn/` (TheThingsNetwork/lorawan-devices,
or a fork of it) and `chirpstack/` (chirpstack/chirpstack-device-profiles). Without it only native codecs are tried.
PROOF_PARTS names the parts to run (docs/proof/report.py), PROOF_FULL=1 makes the fleet ten thousand devices.
"""

from docs.proof.device_parts.credentials import prove_credentials
from docs.proof.device_parts.lists import prove_lists
from docs.proof.device_parts.network_servers import prove_network_servers
from docs.proof.device_parts.proposals import prove_proposals
from docs.proof.device_parts.sandbox import prove_sandbox
from docs.proof.device_parts.vectors import prove_senml, prove_vectors
from docs.proof.report import Figures, run_parts

PARTS = {
    "vectors": prove_vectors,
    "senml": prove_senml,
    "network_servers": prove_network_servers,
    "sandbox": prove_sandbox,
    "credentials": prove_credentials,
    "proposals": prove_proposals,
    "lists": prove_lists,
}


def prove() -> Figures:
    """Run every part, or those that PROOF_PARTS names."""
    return run_parts("devices", PARTS)
