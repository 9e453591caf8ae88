"""Every word on the screen goes through `text`, so that a catalogue file alone adds a language."""

from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

LOCALES = Path(__file__).parent / "locales"
language: ContextVar[str] = ContextVar("dashboard_language", default="en")


@cache
def _catalogue(code: str) -> NullTranslations:
    return translation("citywatch", LOCALES, [code], fallback=True)


def text(message: str, **parameters: object) -> str:
    """Return `message` in the reader's language, with `{name}` places filled from `parameters`."""
    translated = _catalogue(language.get()).gettext(message)
    return translated.format(**parameters) if parameters else translated


def plural(one: str, many: str, n: int) -> str:
    """Return the sentence for `n` things in the reader's language, with `{n}` filled in."""
    return _catalogue(language.get()).ngettext(one, many, n).format(n=n)


# Observed property -> (full name, short name). The API speaks in property names; people do not.
PROPERTY_NAMES: dict[str, tuple[str, str]] = {
    "vehicle_flow": ("Vehicle flow", "Flow"),
    "vehicle_count": ("Vehicle count", "Vehicles"),
    "vehicle_speed": ("Mean speed", "Speed"),
    "vehicle_speed_p85": ("85th percentile speed", "Speed p85"),
    "occupancy": ("Detector occupancy", "Occupancy"),
    "travel_time": ("Travel time", "Travel time"),
    "heavy_flow": ("Heavy vehicle flow", "Heavy"),
    "car_flow": ("Car flow", "Cars"),
    "bicycle_flow": ("Bicycle flow", "Bicycles"),
    "pedestrian_flow": ("Pedestrian flow", "Pedestrians"),
    "fill_level": ("Fill level", "Fill"),
    "bin_temperature": ("Temperature in the bin", "Temperature"),
    "tilt": ("Tilt from upright", "Tilt"),
    "pm1_0": ("Fine particles PM1", "PM1"),
    "pm2_5": ("Fine particles PM2.5", "PM2.5"),
    "pm10": ("Particles PM10", "PM10"),
    "o3": ("Ozone", "O₃"),
    "no2": ("Nitrogen dioxide", "NO₂"),
    "no": ("Nitrogen monoxide", "NO"),
    "so2": ("Sulphur dioxide", "SO₂"),
    "co": ("Carbon monoxide", "CO"),
    "co2": ("Carbon dioxide", "CO₂"),
    "air_temperature": ("Air temperature", "Temperature"),
    "relative_humidity": ("Relative humidity", "Humidity"),
    "air_pressure": ("Air pressure", "Pressure"),
    "wind_speed": ("Wind speed", "Wind"),
    "wind_direction": ("Wind direction", "Wind from"),
    "rainfall": ("Rain", "Rain"),
    "sound_level": ("Sound level", "Sound"),
    "battery": ("Battery", "Battery"),
    "battery_voltage": ("Battery voltage", "Battery"),
    "rssi": ("Signal strength", "Signal"),
}

DOMAIN_NAMES = {
    "traffic": "Traffic",
    "waste": "Waste",
    "air": "Air",
    "weather": "Weather",
    "noise": "Noise",
    "health": "Device health",
}


def property_name(name: str, *, short: bool = False) -> str:
    """Return the words for an observed property; one we have no words for is shown as it is called."""
    full = PROPERTY_NAMES.get(name)
    return text(full[short]) if full else name.replace("_", " ")


def domain_name(name: str) -> str:
    """Return the words for a domain."""
    return text(DOMAIN_NAMES.get(name, name.capitalize()))
