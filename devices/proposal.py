"""Which observed property a vendor's field is, judged by its name, its stated unit and its size."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from devices.model import Domain
from devices.properties import PROPERTIES
from devices.units import conversion

# words of a field name, in order -> (property, unit where none is stated); the first row whose words all occur wins
WORDS: tuple[tuple[str, str, str], ...] = (
    ("fill level", "fill_level", "%"),
    ("level percentage", "fill_level", "%"),
    ("fillinglvl", "fill_level", "%"),
    ("filling", "fill_level", "%"),
    ("pm2 5", "pm2_5", "ug/m3"),
    ("pm25", "pm2_5", "ug/m3"),
    ("pm10", "pm10", "ug/m3"),
    ("pm1 0", "pm1_0", "ug/m3"),
    ("pm4", "pm4_0", "ug/m3"),
    ("pm1", "pm1_0", "ug/m3"),
    ("co2", "co2", "[ppm]"),
    ("eco2", "co2", "[ppm]"),
    ("tvoc", "tvoc", "[ppb]"),
    ("no2", "no2", "[ppm]"),
    ("so2", "so2", "[ppm]"),
    ("o3", "o3", "[ppm]"),
    ("h2s", "h2s", "[ppm]"),
    ("nh3", "nh3", "[ppm]"),
    ("co", "co", "[ppm]"),
    ("no", "no", "[ppb]"),
    ("nox", "nox", "[ppb]"),
    ("hcho", "formaldehyde", "mg/m3"),
    ("ch2o", "formaldehyde", "mg/m3"),
    ("formaldehyde", "formaldehyde", "mg/m3"),
    ("voc", "tvoc", "[ppb]"),
    ("wind speed", "wind_speed", "m/s"),
    ("wind direction", "wind_direction", "deg"),
    ("solar radiation", "solar_radiation", "W/m2"),
    ("precipitation", "rainfall", "mm"),
    ("battery level in percentage", "battery", "%"),
    ("battery voltage", "battery_voltage", "V"),
    ("battery volt", "battery_voltage", "V"),
    ("battery vol", "battery_voltage", "V"),
    ("bat v", "battery_voltage", "V"),
    ("volt", "battery_voltage", "V"),
    ("voltage", "battery_voltage", "V"),
    ("bat m v", "battery_voltage", "mV"),
    ("vdd", "battery_voltage", "mV"),
    ("battery", "battery", "%"),
    ("bat", "battery_voltage", "V"),
    ("distance", "distance", ""),
    ("distance1", "distance", ""),
    ("dis1", "distance", "mm"),
    ("ultrasonic", "distance", ""),
    ("fullness", "fill_level", "%"),
    ("dew point", "dew_point", "Cel"),
    ("dewpoint", "dew_point", "Cel"),
    ("air quality index", "us_aqi", "1"),
    ("temp", "air_temperature", "Cel"),
    ("temperature", "air_temperature", "Cel"),
    ("humidity", "relative_humidity", "%"),
    ("humi", "relative_humidity", "%"),
    ("hum", "relative_humidity", "%"),
    ("rel hum", "relative_humidity", "%"),
    ("rh", "relative_humidity", "%"),
    ("barometric pressure", "air_pressure", "hPa"),
    ("barometer", "air_pressure", "hPa"),
    ("atmospheric pressure", "air_pressure", "hPa"),
    ("pressure", "air_pressure", "hPa"),
    ("rain", "rainfall", "mm"),
    ("rainfall", "rainfall", "mm"),
    ("lux", "illuminance", "lx"),
    ("light", "illuminance", "lx"),
    ("illuminance", "illuminance", "lx"),
    ("illumination", "illuminance", "lx"),
    ("sound", "sound_level", "dB[A]"),
    ("noise", "sound_level", "dB[A]"),
    ("occupied", "occupied", ""),
    ("occupancy", "occupied", ""),
    ("parked", "parking_occupied", ""),
    ("car present", "parking_occupied", ""),
    ("pax", "people_count", ""),
    ("people in", "people_in", ""),
    ("people out", "people_out", ""),
    ("people", "people_count", ""),
    ("persons", "people_count", ""),
    ("vehicles", "vehicle_count", ""),
    ("vehicle count", "vehicle_count", ""),
    ("speed", "vehicle_speed", "km/h"),
    ("laeq", "sound_level", "dB[A]"),
    ("leq", "sound_level", "dB[A]"),
    ("spl", "sound_level", "dB[A]"),
    ("weight", "container_weight", "kg"),
    ("tilt angle", "tilt", "deg"),
    ("rssi", "rssi", "dB[mW]"),
    ("snr", "snr", "dB"),
)
# A word of the name that is a unit: distance1_cm
UNIT_WORDS = {"mm": "mm", "cm": "cm", "mv": "mV", "pa": "Pa", "hpa": "hPa", "ppm": "[ppm]", "ppb": "[ppb]"}
# Words that turn a field into something else: a limit, a setting, a count of events
NOT_READINGS = re.compile(
    "threshold|changed?|alarm|status|interval|time|flag|count|version|index|raw|type|min|max|minimum|maximum|north|east|"
    "average|trigger|sensor|external|ext|board|resistance|ratio|level|position|configuration|vapor|vapour|internal|"
    "detected|good|soil|water|surface|lightning|electrical|cumulative|period|total|delta|calibration|orientation"
)
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One field of a sample: where it is, what it seems to be, in which unit, how it is written, and why so."""

    path: str
    property: str
    unit: str
    boolean: bool = False
    text: bool = False
    because: str = field(default="", compare=False)

    def as_field(self) -> dict[str, object]:
        """Return the proposal as it stands in a profile file."""
        entry: dict[str, object] = {"property": self.property}
        if self.unit:
            entry["unit"] = self.unit
        return entry | {name: True for name in ("boolean", "text") if getattr(self, name)}


def propose(samples: list[Mapping[str, object]]) -> list[Proposal]:
    """Return the fields of the samples that are surely readings, the first one for each property."""
    proposed: dict[str, Proposal] = {}
    for sample in samples:
        for path, name, value, unit in _leaves(sample, "", 0):
            one = _judge(path, name, value, unit)
            if one is not None:
                proposed.setdefault(one.property, one)
    # What measures how full a bin is sits in it, so its temperature is the bin's.
    if {"distance", "fill_level"} & proposed.keys() and "air_temperature" in proposed:
        inside = proposed.pop("air_temperature")
        because = f"{inside.because}; of the bin, as the same device measures how full it is"
        proposed["bin_temperature"] = replace(inside, property="bin_temperature", because=because)
    return list(proposed.values())


def scalars(sample: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield path and value of every scalar of a sample."""
    for path, _name, value, _unit in _leaves(sample, "", 0):
        yield path, value


def domain_of(properties: list[str]) -> Domain:
    """Return the domain that a device with these properties serves: its most specific one."""
    domains = {PROPERTIES[name].domain for name in properties}
    order = (Domain.WASTE, Domain.TRAFFIC, Domain.AIR, Domain.NOISE, Domain.WEATHER)
    return next((domain for domain in order if domain in domains), Domain.HEALTH)


def _leaves(value: object, path: str, depth: int) -> Iterator[tuple[str, str, object, str]]:
    """Yield path, name, value and stated unit of every scalar; `{value, unit}` is one scalar under its own name."""
    if not isinstance(value, dict) or depth > 4:
        return
    for key, inner in value.items():
        inner_path = f"{path}.{key}" if path else str(key)
        if isinstance(inner, dict) and isinstance(inner.get("value"), int | float):
            yield f"{inner_path}.value", str(key), inner["value"], str(inner.get("unit", ""))
        elif isinstance(inner, dict):
            yield from _leaves(inner, inner_path, depth + 1)
        else:
            yield inner_path, str(key), inner, ""


def _judge(path: str, name: str, value: object, unit: str) -> Proposal | None:
    words = [part.lower() for part in _PART.findall(name)]
    joined = f" {' '.join(words)} "
    found = next((row for row in WORDS if f" {row[0]} " in joined), None)
    if found is None:
        return None
    spoken, named, usual = found
    others = [word for word in words if word not in spoken.split()]
    if any(NOT_READINGS.fullmatch(word) for word in others):
        return None
    if named == "no" and any(word not in UNIT_WORDS for word in others):
        return None  # the gas is called so, and half of all flags are
    text = False
    if isinstance(value, str):
        written = re.fullmatch(r"\s*[+-]?\d+(?:\.\d+)?\s*(\S*)\s*", value)
        if written is None:
            return None
        text, unit = True, unit or written[1]
    in_name = next((UNIT_WORDS[word] for word in words if word in UNIT_WORDS), "")
    source = "the message states it" if unit else "its name says so" if in_name else "usual for it, as none is stated"
    unit = unit or in_name or usual
    if isinstance(value, bool):
        flag = PROPERTIES[named].unit == "1" and PROPERTIES[named].high == 1
        because = f"its name has {spoken!r}; yes or no"
        return Proposal(path, named, "", boolean=True, because=because) if flag else None
    if not isinstance(value, int | float) and not text:
        return None
    before = named, unit
    if named in ("battery", "battery_voltage") and isinstance(value, int | float):
        named, unit = _battery(float(value), named, unit)
    if named == "air_pressure" and unit == "hPa" and isinstance(value, int | float) and value > 10000:
        unit = "Pa"
    if named == "distance" and not unit:
        # No bin is ten metres deep, and no sensor counts whole metres: beyond 1000 these are millimetres. Below that
        # nothing says whether they are centimetres.
        if not isinstance(value, int | float) or not 1000 <= value <= 10_000:
            return None
        unit = "mm"
    try:
        if unit:
            conversion(unit, named)
    except ValueError:
        return None
    if (named, unit) != before:
        source = f"by its size, {value:g}" if isinstance(value, int | float) else source
    because = f"its name has {spoken!r}" + (f"; unit {unit}: {source}" if unit else "; it has no unit")
    return Proposal(path, named, unit, text=text, because=because)


def _battery(value: float, named: str, unit: str) -> tuple[str, str]:
    """Return whether a battery's number is percent, volt or millivolt: its size tells."""
    if named == "battery" and value < 5:
        return "battery_voltage", "V"
    if named == "battery_voltage" and value > 100:
        return "battery_voltage", "mV"
    return named, unit
