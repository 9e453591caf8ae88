"""Netvox sensors: eleven bytes, chosen by device type and report type (Netvox LoRaWAN application command, by device).

Port 6 carries reports: version, device type, report type, parts. Port 7 carries answers to configuration: command,
device type, parts. What follows the named parts is reserved.
"""

import struct
from collections.abc import Callable, Mapping

from devices.codecs.records import Record, Scale, read_parts, record
from devices.model import DecodeError

SIZE = 11
REPORT, CONFIGURATION = 6, 7
VERSION = 1
NO_SENSOR = "NoSensor"
STATUS = {0: "Success", 1: "Failure"}

Reports = Mapping[int, Record]


def _fitted(wire: str, divisor: float = 1) -> Callable[[bytes], object]:
    """Return the scale of a part that is all ones where no such sensor is fitted."""
    one = struct.Struct(wire)

    def scale(raw: bytes) -> object:
        if raw == b"\xff" * len(raw):
            return NO_SENSOR
        (number,) = one.unpack(raw)
        return number if divisor == 1 else number / divisor

    return scale


def _report(*parts: tuple[str, str, Scale]) -> Record:
    return record(">" + "".join(wire for _, wire, _ in parts), *((name, scale) for name, _, scale in parts))


def _station(*parts: tuple[str, str, float]) -> Record:
    fitted = [(name, f"{struct.calcsize('>' + wire)}s", _fitted(">" + wire, by)) for name, wire, by in parts]
    return _report(VOLTAGE, *fitted)


def _command(name: str, *parts: tuple[str, str, Scale]) -> Record:
    return _report(("", "0s", lambda _raw: {"Cmd": name}), *parts)


# The top bit of a battery voltage says that it is low.
BATTERY = ("Volt", "B", lambda raw: (raw & 0x7F) / 10)
VOLTAGE = ("Volt", "B", 10)
DONE = ("Status", "B", STATUS)
INTERVALS = (("MinTime", "H", 1), ("MaxTime", "H", 1))  # s
IDENTITY = _report(("SWver", "B", 10), ("HWver", "B", 1), ("Datecode", "4s", lambda raw: raw.hex()))
CONFIGURED = _command("ConfigReportRsp", DONE)

# Air and weather stations RA07, R726 and their variants: which report comes depends on the sensors fitted
STATION: Reports = {
    0x00: IDENTITY,
    0x01: _station(("PM1_0", "H", 1), ("PM2_5", "H", 1), ("PM10", "H", 1)),  # ug/m3
    0x03: _station(("um0_3", "H", 1), ("um0_5", "H", 1), ("um1_0", "H", 1)),  # particles
    0x04: _station(("um2_5", "H", 1), ("um5_0", "H", 1), ("um10", "H", 1)),
    0x06: _station(("NO2", "H", 10), ("SO2", "H", 10), ("H2S", "H", 10)),  # [ppm]
    0x07: _station(("CO2", "H", 10), ("NH3", "H", 10), ("Noise", "H", 10)),  # [ppm], [ppm], dB
    0x09: _station(("NTU", "H", 10), ("TempNTU", "h", 100), ("EC5SoildHumi", "H", 100)),
    0x0A: _station(("SoildHumi5TE", "H", 100), ("SoildTemp5TE", "h", 100), ("WaterLevel", "H", 1), ("EC5TE", "B", 10)),
    0x0C: _station(("Temperature", "h", 100), ("Humidity", "H", 100), ("WindSpeed", "H", 100)),  # Cel, %, m/s
    0x0D: _station(("WindDirection", "H", 1), ("Atomsphere", "I", 100)),  # deg, hPa
    0x81: CONFIGURED,
    0x82: _command("ReadConfigReportRsp", *INTERVALS),
}

BIN: Reports = {
    0x00: IDENTITY,
    0x01: _report(BATTERY, ("Status", "B", {0: "OFF", 1: "ON"}), ("Distance", "H", 1), ("FillLevel", "B", 1)),  # mm, %
    0x81: CONFIGURED,
    0x82: _command("ReadConfigReportRsp", *INTERVALS, ("BatteryChange", "B", 10), ("DistanceChange", "H", 1)),
    0x83: _command("SetOnDistanceThresholdRsp", DONE),
    0x85: _command("SetFillMaxDistanceRsp", DONE),
    0x86: _command("GetFillMaxDistanceRsp", ("FillMaxDistance", "H", 1)),
    0x8B: _command("SetDeadZoneDistanceRsp", DONE),
    0x8C: _command("GetDeadZoneDistanceRsp", ("DeadZoneDistance", "H", 1)),
}

TVOC: Reports = {
    0x00: IDENTITY,
    0x01: _report(
        BATTERY,
        ("TVOC_VOC", "H", 1),
        ("Temp", "h", 100),  # Cel
        ("Humi", "H", 100),  # %
        ("SensorUnit", "B", {0: "ppb"}),
    ),
    0x81: CONFIGURED,
    0x82: _command(
        "ReadConfigReportRsp",
        *INTERVALS,
        ("BatteryChange", "B", 10),
        ("TVOC_VOCChange", "H", 1),
        ("TempChange", "B", 10),
        ("HumiChange", "B", 10),
    ),
    0x83: _command("ResetTVOCBaseLineRsp", DONE),
}

OCCUPANCY: Reports = {
    0x00: IDENTITY,
    0x01: _report(
        BATTERY,
        ("Temp", "h", 100),  # Cel
        ("Illuminance", "H", 1),  # lx
        ("Occupy", "B", {0: 0, 1: 1}),
        ("DisassembledAlarm", "B", {0: 0, 1: 1}),
    ),
    0x81: CONFIGURED,
    0x82: _command(
        "ReadConfigReportRsp",
        *INTERVALS,
        ("BatteryChange", "B", 10),
        ("TempChange", "H", 100),
        ("IlluminanceChange", "H", 1),
    ),
    0x83: _command("SetIRDisableTimeRsp", DONE),
}

SMOKE: Reports = {
    0x00: IDENTITY,
    0x01: _report(
        BATTERY,
        ("FireAlarm", "B", {0: "NoAlarm", 1: "Alarm"}),
        ("HighTempAlarm", "B", {0: "NoAlarm", 1: "Alarm"}),
        ("Temp", "h", 10),  # Cel
    ),
    0x81: CONFIGURED,
    0x82: _command("ReadConfigReportRsp", *INTERVALS, ("BatteryChange", "B", 10)),
}

# device type byte -> (name as reported, its reports)
DEVICES: dict[int, tuple[str, Reports]] = {
    0x03: ("RB11E", OCCUPANCY),
    0x05: ("RA07Series", STATION),
    0x09: ("R726Series", STATION),
    0x0A: ("RA02A", SMOKE),
    0x0D: ("RA07**YSeries", STATION),
    0xA5: ("R720E", TVOC),
    0xB1: ("R718PE", BIN),
}


def decode(payload: bytes, port: int | None) -> Mapping[str, object]:
    """Return what one report (port 6) or answer (port 7) says."""
    if port not in (REPORT, CONFIGURATION):
        raise DecodeError(f"port {port}: reports come on {REPORT}, answers on {CONFIGURATION}")
    if len(payload) != SIZE:
        raise DecodeError(f"{len(payload)} bytes, a Netvox message has {SIZE}")
    if payload[1] not in DEVICES:
        raise DecodeError(f"device type {payload[1]} at byte 1 is not known")
    name, reports = DEVICES[payload[1]]
    if port == REPORT and payload[0] != VERSION:
        raise DecodeError(f"version {payload[0]} at byte 0, {VERSION} is understood")
    at, which = (3, payload[2]) if port == REPORT else (2, payload[0])
    if which not in reports or (which >= 0x80) != (port == CONFIGURATION):
        raise DecodeError(f"{name} has no report {which:#04x} on port {port}")
    layout = reports[which]
    return {"Device": name} | read_parts(layout, payload[at : at + layout.wire.size], at)
