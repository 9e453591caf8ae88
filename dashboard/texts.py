"""Every word on the screen goes through `text`, so that a catalogue file alone adds a language.

A language is there as soon as `locales/CODE/LC_MESSAGES/citywatch.po` is: it is compiled in memory when first read.
English is what stands in the code. `make messages` brings the template and every catalogue up to date.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"
ENGLISH = "en"
language: ContextVar[str] = ContextVar("dashboard_language", default=ENGLISH)


@cache
def languages() -> dict[str, str]:
    """Return code -> the language's own name for every language there is a catalogue of, English first."""
    codes = sorted(file.parents[1].name for file in LOCALES.glob("*/LC_MESSAGES/citywatch.po"))
    return {code: str(Locale.parse(code).get_display_name(code)).capitalize() for code in (ENGLISH, *codes)}


def html_language(code: str) -> str:
    """Return a language's code as HTML and browsers write it."""
    return code.replace("_", "-")


@cache
def _catalogue(code: str) -> NullTranslations:
    file = LOCALES / code / "LC_MESSAGES" / "citywatch.po"
    if code == ENGLISH or not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def separators(code: str) -> tuple[str, str]:
    """Return what stands between thousands and before decimals in a language."""
    symbols: Mapping[str, Any] = Locale.parse(code).number_symbols["latn"]
    return str(symbols["group"]), str(symbols["decimal"])


def mark(message: str) -> str:
    """Return `message`: it stands in a table, is found there by `make messages`, and is translated where shown."""
    return message


def text(message: str, **parameters: object) -> str:
    """Return `message` in the reader's language, with `{name}` places filled from `parameters`."""
    translated = _catalogue(language.get()).gettext(message) if message else message
    return translated.format(**parameters) if parameters else translated


def plural(one: str, many: str, n: int, **parameters: object) -> str:
    """Return the sentence for `n` things in the reader's language, with `{n}` and other places filled in."""
    return _catalogue(language.get()).ngettext(one, many, n).format(n=n, **parameters)


def sentence(key: str, parameters: Mapping[str, str], english: str) -> str:
    """Return the sentence that `key` stands for, in the reader's language; `english` where it has none.

    Alerts carry such keys (`rule.bin-fire`): their English is written by the rule, not by this code.
    """
    translated = _catalogue(language.get()).gettext(key) if key else key
    if translated == key:
        return english
    try:
        return translated.format_map(parameters)
    except (KeyError, IndexError, ValueError):
        # A rule may have changed its places since it was translated: right words in English beat wrong ones.
        return english


# Observed property -> (full name, short name). The API speaks in property names; people do not.
PROPERTY_NAMES: dict[str, tuple[str, str]] = {
    "vehicle_flow": (mark("Vehicle flow"), mark("Flow")),
    "vehicle_count": (mark("Vehicle count"), mark("Vehicles")),
    "vehicle_speed": (mark("Mean speed"), mark("Speed")),
    "vehicle_speed_p85": (mark("85th percentile speed"), mark("Speed p85")),
    "occupancy": (mark("Detector occupancy"), mark("Occupancy")),
    "travel_time": (mark("Travel time"), mark("Travel time")),
    "heavy_flow": (mark("Heavy vehicle flow"), mark("Heavy")),
    "car_flow": (mark("Car flow"), mark("Cars")),
    "bicycle_flow": (mark("Bicycle flow"), mark("Bicycles")),
    "pedestrian_flow": (mark("Pedestrian flow"), mark("Pedestrians")),
    "fill_level": (mark("Fill level"), mark("Fill")),
    "bin_temperature": (mark("Temperature in the bin"), mark("Temperature")),
    "tilt": (mark("Tilt from upright"), mark("Tilt")),
    "pm1_0": (mark("Fine particles PM1"), mark("PM1")),
    "pm2_5": (mark("Fine particles PM2.5"), mark("PM2.5")),
    "pm10": (mark("Particles PM10"), mark("PM10")),
    "o3": (mark("Ozone"), mark("O₃")),
    "no2": (mark("Nitrogen dioxide"), mark("NO₂")),
    "no": (mark("Nitrogen monoxide"), mark("NO")),
    "so2": (mark("Sulphur dioxide"), mark("SO₂")),
    "co": (mark("Carbon monoxide"), mark("CO")),
    "co2": (mark("Carbon dioxide"), mark("CO₂")),
    "air_temperature": (mark("Air temperature"), mark("Temperature")),
    "relative_humidity": (mark("Relative humidity"), mark("Humidity")),
    "air_pressure": (mark("Air pressure"), mark("Pressure")),
    "wind_speed": (mark("Wind speed"), mark("Wind")),
    "wind_direction": (mark("Wind direction"), mark("Wind from")),
    "rainfall": (mark("Rain"), mark("Rain")),
    "sound_level": (mark("Sound level"), mark("Sound")),
    "battery": (mark("Battery"), mark("Battery")),
    "battery_voltage": (mark("Battery voltage"), mark("Battery")),
    "us_aqi": (mark("US air quality index"), mark("US AQI")),
    "european_aqi": (mark("European air quality index"), mark("European AQI")),
    "nowcast_pm2_5": (mark("NowCast of PM2.5"), mark("NowCast PM2.5")),
    "level_of_service": (mark("Level of service, 1 is free"), mark("Level of service")),
    "travel_time_index": (mark("Travel time against free flow"), mark("Travel time index")),
    "fill_rate": (mark("Fill rate"), mark("Fill rate")),
    "time_to_full": (mark("Time until full"), mark("Time to full")),
    "time_to_full_low": (mark("Time until full, at least"), mark("Full at the earliest")),
    "time_to_full_high": (mark("Time until full, at most"), mark("Full at the latest")),
    "incident_ahead": (mark("Incident before the next detector"), mark("Incident ahead")),
    "emptied_from": (mark("Level before the emptying"), mark("Emptied from")),
    "rarity": (mark("How rare this value is"), mark("Rarity")),
    "pm2_5_next_day": (mark("PM2.5, highest hour in the next 24 h"), mark("PM2.5 next day")),
    "pm10_next_day": (mark("PM10, highest hour in the next 24 h"), mark("PM10 next day")),
    "o3_next_day": (mark("Ozone, highest hour in the next 24 h"), mark("O₃ next day")),
    "no2_next_day": (mark("Nitrogen dioxide, highest hour in the next 24 h"), mark("NO₂ next day")),
    "vehicle_flow_next_day": (mark("Vehicle flow, highest hour in the next 24 h"), mark("Flow next day")),
    "vehicle_flow_usual": (mark("Vehicle flow usual at this hour"), mark("Usual flow")),
    "vehicle_flow_deviation": (mark("Vehicle flow against the usual, in deviations"), mark("Flow deviation")),
    "vehicle_speed_usual": (mark("Mean speed usual at this hour"), mark("Usual speed")),
    "vehicle_speed_deviation": (mark("Mean speed against the usual, in deviations"), mark("Speed deviation")),
    "pm2_5_offset": (mark("PM2.5, daily offset from the stations around"), mark("PM2.5 offset")),
    "pm2_5_drift": (mark("PM2.5, drift from the stations around"), mark("PM2.5 drift")),
    "pm10_offset": (mark("PM10, daily offset from the stations around"), mark("PM10 offset")),
    "pm10_drift": (mark("PM10, drift from the stations around"), mark("PM10 drift")),
    "o3_offset": (mark("O₃, daily offset from the stations around"), mark("O₃ offset")),
    "o3_drift": (mark("O₃, drift from the stations around"), mark("O₃ drift")),
    "no2_offset": (mark("NO₂, daily offset from the stations around"), mark("NO₂ offset")),
    "no2_drift": (mark("NO₂, drift from the stations around"), mark("NO₂ drift")),
    "completeness": (mark("Completeness of the data"), mark("Completeness")),
    "completeness_by_rhythm": (mark("Completeness by its own rhythm"), mark("By its rhythm")),
    "battery_days_left": (mark("Battery days left"), mark("Battery left")),
    "sound_level_max": (mark("Highest sound level"), mark("Sound max")),
    "people_count": (mark("People"), mark("People")),
    "container_weight": (mark("Weight of the container"), mark("Weight")),
    "distance": (mark("Distance to the content"), mark("Distance")),
    "dew_point": (mark("Dew point"), mark("Dew point")),
    "illuminance": (mark("Illuminance"), mark("Light")),
    "solar_radiation": (mark("Solar radiation"), mark("Sun")),
    "snr": (mark("Signal to noise"), mark("SNR")),
    "rssi": (mark("Signal strength"), mark("Signal")),
    "publish_to_visible": (mark("Time from sending to showing"), mark("Delay")),
}

DOMAIN_NAMES = {
    "traffic": mark("Traffic"),
    "waste": mark("Waste"),
    "air": mark("Air"),
    "weather": mark("Weather"),
    "noise": mark("Noise"),
    "health": mark("Device health"),
}


def property_name(name: str, *, short: bool = False) -> str:
    """Return the words for an observed property; one we have no words for is shown as it is called."""
    full = PROPERTY_NAMES.get(name)
    return text(full[short]) if full else name.replace("_", " ")


def domain_name(name: str) -> str:
    """Return the words for a domain."""
    return text(DOMAIN_NAMES.get(name, name.capitalize()))
