"""Units on the way in: UCUM codes and the spellings vendors use, turned into the catalogue's unit.

Gases that come as a mixing ratio become mass per volume at 20 C and 101.325 kPa, as EU law reports them
(Directive 2008/50/EC, annex VI); `MOLAR_VOLUME` names the other conventions.
"""

from dataclasses import dataclass

from devices.properties import PROPERTIES

# L/mol at 101.325 kPa: R * T / P
MOLAR_VOLUME = {"20 Cel": 8.314462618 * 293.15 / 101.325, "25 Cel": 8.314462618 * 298.15 / 101.325}
MOLAR_MASS = {  # g/mol
    "no2": 46.0055,
    "o3": 47.9982,
    "so2": 64.066,
    "co": 28.0101,
    "no": 30.0061,
    "h2s": 34.0809,
    "nh3": 17.0305,
    "formaldehyde": 30.026,
    "benzene": 78.1118,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """value in the catalogue's unit = value * scale + offset."""

    scale: float = 1.0
    offset: float = 0.0


# unit -> (kind of quantity, factor to the kind's first unit, offset); the first row of a kind is its base
UNITS: dict[str, tuple[str, float, float]] = {
    "Cel": ("temperature", 1.0, 0.0),
    "[degF]": ("temperature", 5 / 9, -160 / 9),
    "K": ("temperature", 1.0, -273.15),
    "m": ("length", 1.0, 0.0),
    "cm": ("length", 0.01, 0.0),
    "mm": ("length", 0.001, 0.0),
    "dm": ("length", 0.1, 0.0),
    "km": ("length", 1000.0, 0.0),
    "[in_i]": ("length", 0.0254, 0.0),
    "[ft_i]": ("length", 0.3048, 0.0),
    "Pa": ("pressure", 1.0, 0.0),
    "hPa": ("pressure", 100.0, 0.0),
    "kPa": ("pressure", 1000.0, 0.0),
    "bar": ("pressure", 1e5, 0.0),
    "[psi]": ("pressure", 6894.757293168, 0.0),
    "mm[Hg]": ("pressure", 133.322387415, 0.0),
    "m/s": ("speed", 1.0, 0.0),
    "km/h": ("speed", 1 / 3.6, 0.0),
    "[mi_i]/h": ("speed", 0.44704, 0.0),
    "[kn_i]": ("speed", 1852 / 3600, 0.0),
    "1": ("ratio", 1.0, 0.0),
    "%": ("ratio", 0.01, 0.0),
    "[ppm]": ("ratio", 1e-6, 0.0),
    "[ppb]": ("ratio", 1e-9, 0.0),
    "g/m3": ("concentration", 1.0, 0.0),
    "mg/m3": ("concentration", 1e-3, 0.0),
    "ug/m3": ("concentration", 1e-6, 0.0),
    "V": ("voltage", 1.0, 0.0),
    "mV": ("voltage", 1e-3, 0.0),
    "s": ("time", 1.0, 0.0),
    "ms": ("time", 1e-3, 0.0),
    "min": ("time", 60.0, 0.0),
    "h": ("time", 3600.0, 0.0),
    "d": ("time", 86400.0, 0.0),
    "kg": ("mass", 1.0, 0.0),
    "g": ("mass", 1e-3, 0.0),
    "t": ("mass", 1000.0, 0.0),
    "[lb_av]": ("mass", 0.45359237, 0.0),
    "deg": ("angle", 1.0, 0.0),
    "rad": ("angle", 57.29577951308232, 0.0),
    "lx": ("illuminance", 1.0, 0.0),
    "klx": ("illuminance", 1000.0, 0.0),
    "W/m2": ("irradiance", 1.0, 0.0),
    "dB[A]": ("sound", 1.0, 0.0),
    "dB": ("level", 1.0, 0.0),
    "dB[mW]": ("signal", 1.0, 0.0),
    "{vehicles}": ("vehicles", 1.0, 0.0),
    "{persons}": ("persons", 1.0, 0.0),
    "{vehicles}/h": ("vehicle flow", 1.0, 0.0),
    "{vehicles}/min": ("vehicle flow", 60.0, 0.0),
    "{bicycles}/h": ("bicycle flow", 1.0, 0.0),
    "{persons}/h": ("person flow", 1.0, 0.0),
    "{persons}/min": ("person flow", 60.0, 0.0),
}

# What vendors, SenML (RFC 8428, section 12.1) and people write -> UCUM
SPELLINGS: dict[str, str] = {
    spelling: unit
    for unit, spellings in {
        "Cel": "°C ℃ C degC deg_C celsius Celsius ºC",
        "[degF]": "°F ℉ F degF fahrenheit Fahrenheit",
        "K": "kelvin Kelvin",
        "m": "metre meter metres meters",
        "[in_i]": "in inch inches",
        "[ft_i]": "ft feet",
        "hPa": "mbar mb",
        "[psi]": "psi PSI",
        "mm[Hg]": "mmHg",
        "m/s": "mps m⋅s⁻¹",
        "km/h": "kmh kph km/hr",
        "[mi_i]/h": "mph",
        "[kn_i]": "kn kt knots",
        "1": "/ boolean bool",
        "%": "%RH %rh RH% %EL percent pct",
        "[ppm]": "ppm PPM",
        "[ppb]": "ppb PPB",
        "ug/m3": "µg/m³ μg/m³ µg⋅m⁻³ ug/m³ µg/m3 μg/m3 ug/m^3",  # both micro signs
        "mg/m3": "mg/m³ mg/m^3",
        "g/m3": "g/m³ g/m^3",
        "V": "volt volts Volt",
        "mV": "millivolt mv",
        "s": "sec second seconds",
        "min": "minutes",
        "[lb_av]": "lb lbs",
        "deg": "° degree degrees",
        "lx": "lux Lux Lx",
        "W/m2": "W/m² W/m^2 W⋅m⁻²",
        "dB[A]": "dBA dB(A)",
        "dB[mW]": "dBm",
        "{vehicles}": "vehicles veh",
        "{persons}": "persons people",
        "{vehicles}/h": "veh/h vph",
    }.items()
    for spelling in spellings.split()
}


def conversion(unit: str, property_name: str) -> Conversion:
    """Return how to turn `unit` into the catalogue's unit of `property_name`; raise ValueError otherwise."""
    wanted = PROPERTIES[property_name].unit
    given = SPELLINGS.get(unit, unit)
    if given == wanted:
        return Conversion()
    if given not in UNITS:
        raise ValueError(f"{unit} is not a unit known here; {property_name} is kept in {wanted}")
    kind, factor, offset = UNITS[given]
    to_kind, to_factor, to_offset = UNITS[wanted]
    if kind == "level" and to_kind in ("sound", "signal"):
        return Conversion()  # a bare dB: the property says which
    if kind == "ratio" and to_kind == "concentration" and property_name in MOLAR_MASS:
        # g/m3 per unit ratio: M g/mol over Vm L/mol, 1000 L in a m3
        per_ratio = 1000 * MOLAR_MASS[property_name] / MOLAR_VOLUME["20 Cel"]
        return Conversion(factor * per_ratio / to_factor)
    if kind != to_kind:
        raise ValueError(f"{unit} does not measure {property_name}, which is kept in {wanted}")
    return Conversion(_clean(factor / to_factor), _clean((offset - to_offset) / to_factor))


def _clean(number: float) -> float:
    """Return the short decimal a factor stands for: 0.01 / 0.001 is 10, not 10.000000000000002."""
    short = float(f"{number:.12g}")
    return short if abs(short - number) <= 1e-15 * abs(number) * 4 else number
