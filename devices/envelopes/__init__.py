"""Envelopes by name: how a message is wrapped on its way here, before anything device-specific."""

from collections.abc import Callable

from devices.codecs import cayenne_lpp
from devices.envelopes import native, network_server, senml
from devices.envelopes.json_text import check_size, load_object
from devices.instants import shown
from devices.model import DecodeError, RejectReason, Uplink


def read_airgradient(payload: bytes) -> Uplink:
    """Return one measurement message of an AirGradient monitor; it knows itself by `serialno` and has no clock."""
    record = load_object(payload, "an AirGradient message")
    serial = record.get("serialno")
    if serial is not None and not (isinstance(serial, str) and 0 < len(serial) <= 128):
        raise DecodeError(f"serialno is {shown(serial)}, not a name", RejectReason.BAD_ENVELOPE)
    return Uplink(records=(record,), device_id=serial)


def read_cayenne_lpp(payload: bytes) -> Uplink:
    """Return a bare Cayenne LPP payload as one record, keys `{name}_{channel}`."""
    check_size(payload)
    record = cayenne_lpp.decode(payload)
    if not record:
        raise DecodeError("no Cayenne LPP record", RejectReason.BAD_ENVELOPE)
    return Uplink(records=(record,), raw=payload)


ENVELOPES: dict[str, Callable[[bytes], Uplink]] = {
    "native": native.read,
    "senml_json": senml.read_json,
    "senml_cbor": senml.read_cbor,
    "tts_v3": network_server.read_tts_v3,
    "chirpstack_v4": network_server.read_chirpstack_v4,
    "airgradient": read_airgradient,
    "cayenne_lpp": read_cayenne_lpp,
}
