"""Milesight EM, AM, VS and GS series: channel-type-value records (user guides of the models, chapter "Payload").

The field names are those that Milesight's own decoders return, so that the profiles fit either.
"""

from devices.codecs.records import Record, Table, choice, dotted, hexadecimal, number, record

TRIGGER = {0: "idle", 1: "trigger"}
ANGLE = {0: "normal", 1: "trigger"}
POSITION = {0: "normal", 1: "tilt"}
OCCUPANCY = {0: "vacant", 1: "occupied"}
TEMPERATURE_ALARM = {
    0: "threshold alarm release",
    1: "threshold alarm",
    3: "high temperature alarm",
    4: "high temperature alarm release",
}

# Sent once after joining, by every model
INFORMATION: dict[bytes, Record] = {
    b"\xff\x01": number("<B", "protocol_version"),
    b"\xff\x09": record("<2s", ("hardware_version", dotted)),
    b"\xff\x0a": record("<2s", ("firmware_version", dotted)),
    b"\xff\x0b": choice("device_status", {0xFF: "on"}),
    b"\xff\x0f": choice("lorawan_class", {0: "Class A", 1: "Class B", 2: "Class C"}),
    b"\xff\x16": record("<8s", ("sn", hexadecimal)),
}
BATTERY = {b"\x01\x75": number("<B", "battery")}  # %
TEMPERATURE = {b"\x03\x67": number("<h", "temperature", 10)}  # Cel
HUMIDITY = {b"\x04\x68": number("<B", "humidity", 2)}  # %
CLIMATE: dict[bytes, Record] = INFORMATION | BATTERY | TEMPERATURE | HUMIDITY

AM100: Table = CLIMATE | {
    b"\x05\x6a": number("<H", "activity"),
    b"\x06\x65": record("<3H", ("illumination", 1), ("infrared_and_visible", 1), ("infrared", 1)),  # lx
    b"\x07\x7d": number("<H", "co2"),  # [ppm]
    b"\x08\x7d": number("<H", "tvoc"),  # [ppb]
    b"\x09\x73": number("<H", "pressure", 10),  # hPa
}

AM300: Table = CLIMATE | {
    b"\x05\x00": choice("pir", TRIGGER),
    b"\x06\xcb": number("<B", "light_level"),
    b"\x07\x7d": number("<H", "co2"),  # [ppm]
    b"\x08\x7d": number("<H", "tvoc", 100),  # the vendor's index, 1.00 to 5.00
    b"\x09\x73": number("<H", "pressure", 10),  # hPa
    b"\x0a\x7d": number("<H", "hcho", 100),  # mg/m3
    b"\x0b\x7d": number("<H", "pm2_5"),  # ug/m3
    b"\x0c\x7d": number("<H", "pm10"),  # ug/m3
    b"\x0d\x7d": number("<H", "o3", 100),  # [ppm]
}

EM300: Table = CLIMATE | {
    b"\x20\xce": record("<IhB", ("timestamp", 1), ("temperature", 10), ("humidity", 2), nested="history"),
}

EM310_TILT: Table = (
    INFORMATION
    | BATTERY
    | {
        b"\x03\xcf": record(
            "<3hB",
            ("angle_x", 100),  # deg
            ("angle_y", 100),
            ("angle_z", 100),
            ("thresholds", lambda bits: {f"threshold_{axis}": ANGLE[bits >> at & 1] for at, axis in enumerate("xyz")}),
        ),
    }
)

EM310_UDL: Table = (
    INFORMATION
    | BATTERY
    | {
        b"\x03\x82": number("<H", "distance"),  # mm
        b"\x04\x00": choice("position", POSITION),
    }
)

EM400: Table = (
    INFORMATION
    | BATTERY
    | TEMPERATURE
    | {
        b"\x04\x82": number("<H", "distance"),  # mm
        b"\x05\x00": choice("position", POSITION),
    }
)

EM500_SWL: Table = (
    INFORMATION
    | BATTERY
    | {
        b"\x03\x77": number("<H", "depth"),  # cm
    }
)

GS301: Table = (
    INFORMATION
    | BATTERY
    | {
        b"\x02\x67": number("<h", "temperature", 10),  # Cel
        b"\x03\x68": number("<B", "humidity", 2),  # %
        b"\x04\x7d": number("<H", "nh3", 100),  # [ppm]
        b"\x05\x7d": number("<H", "h2s", 100),  # [ppm]
    }
)

CAMERA: dict[bytes, Record] = INFORMATION | {
    b"\xff\x08": record("<6s", ("sn", hexadecimal)),
    b"\xff\x1f": record("<4s", ("firmware_version", dotted)),
}


def _moves(start: str) -> Record:
    return record("<4H", *((f"{start}_to_{end}", 1) for end in "abcd"))


VS121: Table = CAMERA | {
    b"\x04\xc9": record(
        ">BBH",
        ("people_count_all", 1),
        ("region_count", 1),
        ("regions", lambda bits: {f"region_{n + 1}": bits >> n & 1 for n in range(max(8, bits.bit_length()))}),
    ),
    b"\x05\xcc": record("<2H", ("people_in", 1), ("people_out", 1)),
    b"\x06\xcd": number("<B", "people_count_max"),
    b"\x09\xda": _moves("a"),
    b"\x0a\xda": _moves("b"),
    b"\x0b\xda": _moves("c"),
    b"\x0c\xda": _moves("d"),
}

VS132: Table = CAMERA | {
    b"\x03\xd2": number("<I", "total_counter_in"),
    b"\x04\xd2": number("<I", "total_counter_out"),
    b"\x05\xcc": record("<2H", ("periodic_counter_in", 1), ("periodic_counter_out", 1)),
}


def _lines() -> dict[bytes, Record]:
    table: dict[bytes, Record] = {}
    for line in range(1, 5):
        channel = 3 * line
        table[bytes((channel, 0xD2))] = number("<I", f"line_{line}_total_in")
        table[bytes((channel + 1, 0xD2))] = number("<I", f"line_{line}_total_out")
        counts = record("<2H", (f"line_{line}_period_in", 1), (f"line_{line}_period_out", 1))
        table[bytes((channel + 2, 0xCC))] = counts
    return table


VS135: Table = (
    CAMERA
    | _lines()
    | {
        bytes((0x10, 0xE4, region)): record(
            "<2H", (f"region_{region}_avg_dwell", 1), (f"region_{region}_max_dwell", 1)
        )  # s
        for region in range(1, 5)
    }
)

VS34X: Table = INFORMATION | BATTERY | {b"\x03\x00": choice("occupancy", OCCUPANCY)}

VS351: Table = (
    INFORMATION
    | BATTERY
    | TEMPERATURE
    | {
        b"\x04\xcc": record("<2H", ("total_in", 1), ("total_out", 1)),
        b"\x05\xcc": record("<2H", ("period_in", 1), ("period_out", 1)),
        b"\x83\x67": record("<hB", ("temperature", 10), ("temperature_alarm", TEMPERATURE_ALARM)),
        b"\x20\xce": record(
            "<IBHH", ("timestamp", 1), ("", {0: 0}), ("period_in", 1), ("period_out", 1), nested="history"
        ),
    }
)

VS370: Table = (
    INFORMATION
    | BATTERY
    | {
        b"\x03\x00": choice("occupancy", OCCUPANCY),
        b"\x04\x00": choice("illuminance", {0: "dim", 1: "bright"}),
    }
)
