"""Elsys sensors: type-value records, big-endian (Elsys "Sensor payload", revision 14)."""

from devices.codecs.records import Table, number, record

TABLE: Table = {
    b"\x01": number(">h", "temperature", 10),  # Cel
    b"\x02": number(">B", "humidity"),  # %
    b"\x03": record(">3b", ("x", 1), ("y", 1), ("z", 1)),  # 63 is 1 g
    b"\x04": number(">H", "light"),  # lx
    b"\x05": number(">B", "motion"),
    b"\x06": number(">H", "co2"),  # [ppm]
    b"\x07": number(">H", "vdd"),  # mV
    b"\x08": number(">H", "analog1"),  # mV
    b"\x0a": number(">H", "pulse1"),
    b"\x0b": number(">I", "pulseAbs1"),
    b"\x0c": number(">h", "externalTemperature", 10),  # Cel
    b"\x0d": number(">B", "digital"),
    b"\x0e": number(">H", "distance"),  # mm
    b"\x0f": number(">B", "accMotion"),
    b"\x10": record(">2h", ("irInternalTemperature", 10), ("irExternalTemperature", 10)),  # Cel
    b"\x11": number(">B", "occupancy"),
    b"\x12": number(">B", "waterleak"),
    b"\x14": number(">I", "pressure", 1000),  # hPa
    b"\x15": record(">2B", ("soundPeak", 1), ("soundAvg", 1)),  # dB
    b"\x16": number(">H", "pulse2"),
    b"\x17": number(">I", "pulseAbs2"),
    b"\x18": number(">H", "analog2"),  # mV
    b"\x19": number(">h", "externalTemperature2", 10),  # Cel
    b"\x1a": number(">B", "digital2"),
    b"\x1b": number(">i", "analogUv"),  # uV
    b"\x1c": number(">H", "tvoc"),  # [ppb]
}
