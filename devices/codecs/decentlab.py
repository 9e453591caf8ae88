"""Decentlab sensors: a header, then 16-bit words of those sensors whose flag is set (data sheets, "Payload format")."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from devices.model import DecodeError

VERSION = 2
HEADER = 5


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a sensor, computed from the sensor's words `x`."""

    label: str
    unit: str | None
    of: Callable[[Sequence[int]], float]

    @property
    def name(self) -> str:
        """Return the key that stands for the label."""
        return self.label.lower().replace(": ", "_").replace(".", "_").replace(" ", "_")


# number of words, then what they say
Sensor = tuple[int, tuple[Value, ...]]

MIDDLE = 32768  # signed values are sent with this added
BATTERY: Sensor = (1, (Value("Battery voltage", "V", lambda x: x[0] / 1000),))
SHT21: Sensor = (
    2,
    (
        Value("Air temperature", "°C", lambda x: 175.72 * x[0] / 65536 - 46.85),
        Value("Air humidity", "%", lambda x: 125 * x[1] / 65536 - 6),
    ),
)
SHT35: Sensor = (
    2,
    (
        Value("Air temperature", "°C", lambda x: 175 * x[0] / 65535 - 45),
        Value("Air humidity", "%", lambda x: 100 * x[1] / 65535),
    ),
)
SPS30: Sensor = (
    10,
    (
        Value("PM1.0 mass concentration", "µg⋅m⁻³", lambda x: x[0] / 10),
        Value("PM2.5 mass concentration", "µg⋅m⁻³", lambda x: x[1] / 10),
        Value("PM4 mass concentration", "µg⋅m⁻³", lambda x: x[2] / 10),
        Value("PM10 mass concentration", "µg⋅m⁻³", lambda x: x[3] / 10),
        Value("Typical particle size", "nm", lambda x: x[4]),
        Value("PM0.5 number concentration", "1⋅cm⁻³", lambda x: x[5] / 10),
        Value("PM1.0 number concentration", "1⋅cm⁻³", lambda x: x[6] / 10),
        Value("PM2.5 number concentration", "1⋅cm⁻³", lambda x: x[7] / 10),
        Value("PM4 number concentration", "1⋅cm⁻³", lambda x: x[8] / 10),
        Value("PM10 number concentration", "1⋅cm⁻³", lambda x: x[9] / 10),
    ),
)
BAROMETER: Sensor = (1, (Value("Barometric pressure", "Pa", lambda x: x[0] * 2),))
BAROMETER_WITH_TEMPERATURE: Sensor = (
    2,
    (
        Value("Barometer temperature", "°C", lambda x: (x[0] - 5000) / 100),
        Value("Barometric pressure", "Pa", lambda x: x[1] * 2),
    ),
)
LP8: Sensor = (
    8,
    (
        Value("CO2 concentration", "ppm", lambda x: x[0] - MIDDLE),
        Value("CO2 concentration LPF", "ppm", lambda x: x[1] - MIDDLE),
        Value("CO2 sensor temperature", "°C", lambda x: (x[2] - MIDDLE) / 100),
        Value("Capacitor voltage 1", "V", lambda x: x[3] / 1000),
        Value("Capacitor voltage 2", "V", lambda x: x[4] / 1000),
        Value("CO2 sensor status", None, lambda x: x[5]),
        Value("Raw IR reading", None, lambda x: x[6]),
        Value("Raw IR reading LPF", None, lambda x: x[7]),
    ),
)
LIDAR: Sensor = (
    11,
    (
        Value("Distance: average", "mm", lambda x: x[0]),
        Value("Distance: minimum", "mm", lambda x: x[1]),
        Value("Distance: maximum", "mm", lambda x: x[2]),
        Value("Distance: median", "mm", lambda x: x[3]),
        Value("Distance: 10th percentile", "mm", lambda x: x[4]),
        Value("Distance: 25th percentile", "mm", lambda x: x[5]),
        Value("Distance: 75th percentile", "mm", lambda x: x[6]),
        Value("Distance: 90th percentile", "mm", lambda x: x[7]),
        Value("Distance: most frequent value", "mm", lambda x: x[8]),
        Value("Number of samples", None, lambda x: x[9]),
        Value("Total acquisition time", "ms", lambda x: x[10] / 1.024),
    ),
)
MAXBOTIX: Sensor = (
    2,
    (
        Value("Distance", "mm", lambda x: x[0]),
        Value("Number of valid samples", None, lambda x: x[1]),
    ),
)
ANEMOMETER: Sensor = (
    8,
    (
        Value("Wind speed", "m⋅s⁻¹", lambda x: (x[0] - MIDDLE) / 100),
        Value("Wind direction", "°", lambda x: (x[1] - MIDDLE) / 10),
        Value("Maximum wind speed", "m⋅s⁻¹", lambda x: (x[2] - MIDDLE) / 100),
        Value("Air temperature", "°C", lambda x: (x[3] - MIDDLE) / 10),
        Value("X orientation angle", "°", lambda x: (x[4] - MIDDLE) / 10),
        Value("Y orientation angle", "°", lambda x: (x[5] - MIDDLE) / 10),
        Value("North wind speed", "m⋅s⁻¹", lambda x: (x[6] - MIDDLE) / 100),
        Value("East wind speed", "m⋅s⁻¹", lambda x: (x[7] - MIDDLE) / 100),
    ),
)

# model -> its sensors, in the order of their flags
MODELS: dict[str, tuple[Sensor, ...]] = {
    "atm22": (ANEMOMETER, BATTERY),
    "lid": (LIDAR, BATTERY),
    "lp8p": (SHT21, BAROMETER_WITH_TEMPERATURE, LP8, BATTERY),
    "mbx": (MAXBOTIX, BATTERY),
    "pm": (BATTERY, SPS30, SHT21, BAROMETER),
    "sht35": (SHT35, BATTERY),
}


def decode(model: str, payload: bytes) -> Mapping[str, object]:
    """Return header and values of one message; each value keeps its label and unit, as the vendor's decoder has it."""
    if len(payload) < HEADER or len(payload) % 2 == 0:
        raise DecodeError(f"{len(payload)} bytes: not a header of {HEADER} and whole words")
    if payload[0] != VERSION:
        raise DecodeError(f"protocol version {payload[0]} at byte 0, {VERSION} is understood")
    sensors = MODELS[model]
    flags = int.from_bytes(payload[3:5], "big")
    if flags >> len(sensors):
        raise DecodeError(f"flags {flags:#06x} at byte 3 name sensors that a {model} does not have")
    words = [int.from_bytes(payload[at : at + 2], "big") for at in range(HEADER, len(payload), 2)]
    expected = sum(size for bit, (size, _) in enumerate(sensors) if flags >> bit & 1)
    if len(words) != expected:
        raise DecodeError(f"{len(words)} words after the header, its flags announce {expected}")
    decoded: dict[str, object] = {"protocol_version": VERSION, "device_id": int.from_bytes(payload[1:3], "big")}
    at = 0
    for bit, (size, values) in enumerate(sensors):
        if flags >> bit & 1:
            for value in values:
                shown: dict[str, object] = {"displayName": value.label, "value": value.of(words[at : at + size])}
                decoded[value.name] = shown if value.unit is None else shown | {"unit": value.unit}
            at += size
    return decoded
