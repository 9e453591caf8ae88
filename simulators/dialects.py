"""How simulated devices speak: native JSON, packs, SenML, The Things Stack, ChirpStack, vendors' bytes.

Encoded here from the public formats alone: no codec, envelope or mapping of the system under test is used, so that a
mistake in one of those cannot hide behind the same mistake here.
"""

import base64
import math
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from simulators.city import SimulatedDevice
from simulators.randomness import choose, mix, normal, uniform

Record = dict[str, Any]
APPLICATION, TENANT = "veldhaven", "citywatch"
EMPTY_CM, FULL_CM = 150.0, 20.0  # distance from sensor to content


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to speak. `records` is how many readings of the device's own `interval` (seconds) go in a message.

    `encode` gets them oldest first. `network` dialects reach the broker on a LoRaWAN server's topic.
    """

    profile: str
    encode: Callable[[SimulatedDevice, list[Record]], bytes]
    interval: int
    records: int = 1
    network: str = ""


def _native(_device: SimulatedDevice, records: list[Record]) -> bytes:
    return orjson.dumps(records[0])


def _pack(_device: SimulatedDevice, records: list[Record]) -> bytes:
    return orjson.dumps(records)


SENML_UNITS = {"relative_humidity": "%RH", "air_temperature": "Cel"}  # RFC 8428, 12.1; others as UCUM writes them


def _senml(device: SimulatedDevice, records: list[Record]) -> bytes:
    """One base record with name and time, then one record a property (RFC 8428, section 5.1.3)."""
    record = records[0]
    pack: list[Record] = []
    for name, value in record.items():
        if name not in ("time", "seq", "now") and value is not None:
            pack.append({"n": name, "u": SENML_UNITS.get(name, "ug/m3"), "v": value})
    pack[0] = {
        "bn": f"urn:dev:citywatch:{device.device_id}:",
        "bt": datetime.fromisoformat(record["time"]).timestamp(),
        **pack[0],
    }
    return orjson.dumps(pack)


def _distance_mm(device: SimulatedDevice, record: Record) -> int:
    """Return what an ultrasonic sensor in the lid measures, with a few millimetres of scatter."""
    share = float(record["fill_level"]) / 100
    scatter = 3 * normal(device.key + 90, int(record["seq"]))
    return max(1, round(10 * (EMPTY_CM - share * (EMPTY_CM - FULL_CM)) + scatter))


def milesight_em310_udl(device: SimulatedDevice, record: Record) -> bytes:
    """Milesight channel-type-value records: 01 75 battery %, 03 82 distance mm (LE), 04 00 position (0 normal)."""
    return struct.pack("<2sB2sH2sB", b"\x01\x75", round(record["battery"]), b"\x03\x82",
                       _distance_mm(device, record), b"\x04\x00", 0)  # fmt: skip


def decentlab_mbx(device: SimulatedDevice, record: Record) -> bytes:
    """Decentlab protocol 2, big endian: version, device, flags, distance mm, samples, battery mV."""
    volts = 2.1 + 0.9 * record["battery"] / 100
    distance = _distance_mm(device, record)
    return struct.pack(">BHHHHH", 2, device.key & 0xFFFF, 3, distance, 5, round(volts * 1000))


def _things_stack(device: SimulatedDevice, records: list[Record], frame: bytes, port: int) -> bytes:
    """An uplink as The Things Stack v3 forwards it; fields that are zero are left out, as it does."""
    record = records[0]
    counter = int(record["seq"]) & 0xFFFF_FFFF
    uplink: dict[str, Any] = {
        "session_key_id": base64.b64encode(device.key.to_bytes(8, "big")).decode(),
        "f_port": port,
        "frm_payload": base64.b64encode(frame).decode(),
        "rx_metadata": [
            {
                "gateway_ids": {"gateway_id": device.gateway_id},
                "rssi": -70 - mix(device.key, counter) % 45,
                "snr": 9.5 - mix(device.key, counter + 1) % 12,
            }
        ],
        "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}}, "frequency": "868300000"},
        "received_at": record["time"],
    }
    if counter:
        uplink["f_cnt"] = counter
    ids = {
        "device_id": device.device_id,
        "application_ids": {"application_id": APPLICATION},
        "dev_eui": f"{device.key:016X}",
    }
    return orjson.dumps({"end_device_ids": ids, "received_at": record["time"], "uplink_message": uplink})


def _chirpstack(device: SimulatedDevice, records: list[Record], frame: bytes, port: int) -> bytes:
    """An uplink event as ChirpStack v4 publishes it."""
    record = records[0]
    counter = int(record["seq"]) & 0xFFFF_FFFF
    return orjson.dumps(
        {
            "deduplicationId": str(uuid.UUID(int=device.key << 64 | mix(device.key, counter))),
            "time": record["time"],
            "deviceInfo": {
                "tenantName": TENANT,
                "applicationName": APPLICATION,
                "deviceName": device.name,
                "devEui": device.device_id,
            },
            "devAddr": f"{device.key & 0xFFFFFFFF:08x}",
            "adr": True,
            "dr": 5,
            "fCnt": counter,
            "fPort": port,
            "confirmed": False,
            "data": base64.b64encode(frame).decode(),
            "rxInfo": [{"gatewayId": device.gateway_id, "rssi": -80 - mix(device.key, counter) % 30}],
        }
    )


DIALECTS: dict[str, Dialect] = {
    "native": Dialect("", _native, 0),
    "pack": Dialect("citywatch/road-pack", _pack, 600, records=10),
    "senml": Dialect("citywatch/air-senml", _senml, 60),
    "things-stack": Dialect(
        "milesight/em310-udl",
        lambda device, records: _things_stack(device, records, milesight_em310_udl(device, records[0]), 85),
        900,
        network="tts",
    ),
    "chirpstack": Dialect(
        "decentlab/dl-mbx",
        lambda device, records: _chirpstack(device, records, decentlab_mbx(device, records[0]), 1),
        900,
        network="chirpstack",
    ),
}
# Of the devices of a domain, which share speaks what, where a city is to speak more than native JSON.
SPOKEN = {
    "traffic": {"native": 0.8, "pack": 0.2},
    "air": {"native": 0.7, "senml": 0.3},
    "waste": {"native": 0.6, "things-stack": 0.25, "chirpstack": 0.15},
    "health": {"native": 1.0},
}
# What ingest must be told to hear all of them: topic and envelope.
ROUTES = {
    f"v3/{APPLICATION}@{TENANT}/devices/{{device_id}}/up": "tts_v3",
    "application/+/device/{device_id}/event/up": "chirpstack_v4",
}


def speaking(device: SimulatedDevice) -> SimulatedDevice:
    """Return the device with a dialect of its domain, named and paced as that dialect's profile is."""
    return in_dialect(device, choose(device.key, 97, SPOKEN[device.domain]))


def in_dialect(device: SimulatedDevice, name: str) -> SimulatedDevice:
    """Return the device speaking as told, named and paced as that dialect's profile is."""
    dialect = DIALECTS[name]
    if name == "native":
        return device
    # A LoRaWAN server knows a device by its EUI.
    return replace(
        device,
        device_id=f"{device.key:016x}" if dialect.network == "chirpstack" else device.device_id,
        dialect=name,
        profile=dialect.profile,
        interval=timedelta(seconds=dialect.interval),
        phase=math.floor(uniform(device.key, 99) * dialect.interval * 1000) / 1000,
    )


def topic_of(device: SimulatedDevice) -> str:
    """Return where a device's messages appear on the broker."""
    match DIALECTS[device.dialect].network:
        case "tts":
            return f"v3/{APPLICATION}@{TENANT}/devices/{device.device_id}/up"
        case "chirpstack":
            return f"application/{APPLICATION}/device/{device.device_id}/event/up"
        case _:
            return f"city/v1/devices/{device.device_id}/telemetry"
