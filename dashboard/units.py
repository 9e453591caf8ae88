"""Numbers, units and instants as people read them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from dashboard.texts import language, mark, separators, text

# UCUM code -> what is printed after a number
UNIT_LABELS = {
    "ug/m3": "µg/m³",
    "mg/m3": "mg/m³",
    "g/m3": "g/m³",
    "Cel": "°C",
    "{vehicles}/h": mark("veh/h"),
    "{vehicles}": mark("vehicles"),
    "{bicycles}/h": mark("bicycles/h"),
    "{persons}/h": mark("persons/h"),
    "{persons}": mark("persons"),
    "{bins}": mark("bins"),
    "{devices}": mark("devices"),
    "{alerts}": mark("alerts"),
    "[ppm]": "ppm",
    "[ppb]": "ppb",
    "deg": "°",
    "dB[A]": "dB(A)",
    "dB[mW]": "dBm",
    "1": "",
}
NOTHING = "–"
_UCUM = re.compile(r"(\d) (ug/m3|mg/m3|Cel)\b")


def unit_label(unit: str) -> str:
    """Return the printed form of a UCUM unit; an unknown curly annotation loses its braces."""
    return text(UNIT_LABELS[unit]) if unit in UNIT_LABELS else unit.replace("{", "").replace("}", "")


def plain_units(words: str) -> str:
    """Return a sentence of a rule's author with the UCUM codes that stand after its numbers printed as units are."""
    return _UCUM.sub(lambda found: f"{found[1]}\u00a0{UNIT_LABELS[found[2]]}", words)


def digits_for(unit: str) -> int:
    """Return how many decimals a reading in `unit` is worth on screen."""
    return 0 if unit in {"%", "km/h", "hPa", "dB[mW]", "1"} or unit.startswith("{") else 1


def number(value: float | None, digits: int = 1) -> str:
    """Return `value` as the reader's language writes it; a true minus sign, and a dash where there is none."""
    if value is None:
        return NOTHING
    # -0.0 and values that round to it are zero to a reader.
    rounded = round(value, digits) + 0.0
    whole, _, part = f"{rounded:,.{digits}f}".replace("-", "−").partition(".")
    group, decimal = separators(language.get())
    return whole.replace(",", group) + (decimal + part if part else "")


def quantity(value: float | None, unit: str, digits: int | None = None) -> str:
    """Return a number with its unit."""
    label = unit_label(unit)
    shown = number(value, digits_for(unit) if digits is None else digits)
    if value is None or not label:
        return shown
    return f"{shown}{label}" if label == "°" else f"{shown}\u00a0{label}"


def duration(seconds: float) -> str:
    """Return a length of time in the largest unit that it fills, with one decimal where it does not do so evenly."""
    words, unit = _unit_of(seconds)
    return words.format(n=_of(seconds / unit))


def duration_range(low: float, high: float | None) -> str:
    """Return a span of lengths of time (seconds), the unit said once where both fill the same; `high` may be open."""
    low_words, low_unit = _unit_of(low)
    first = _about(low / low_unit)
    if high is None:
        return text("{span} or more", span=low_words.format(n=first))
    high_words, high_unit = _unit_of(high)
    last = _about(high / high_unit)
    if low_words != high_words:
        return text("{low} to {high}", low=low_words.format(n=first), high=high_words.format(n=last))
    return high_words.format(n=last if first == last else text("{low} to {high}", low=first, high=last))


def _unit_of(seconds: float) -> tuple[str, int]:
    if seconds >= 2 * 86400:
        return text("{n} days"), 86400
    if seconds >= 3600:
        return text("{n} h"), 3600
    if seconds >= 60:
        return text("{n} min"), 60
    return text("{n} s"), 1


def _about(value: float) -> str:
    """Return a number of a range: from ten on its decimals say nothing."""
    return number(value, 0) if value >= 10 else _of(value)


def _of(value: float) -> str:
    return number(value, 0 if abs(value - round(value)) < 0.05 else 1)


def parse_time(value: str | None) -> datetime | None:
    """Return an RFC 3339 instant as aware UTC."""
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def counted(count: int, *, cut: bool) -> str:
    """Return a count in words; where it was `cut`, as the floor that it is."""
    return text("{n} or more", n=number(count, 0)) if cut else number(count, 0)


def present(values: Iterable[float | None]) -> list[float]:
    """Return the values that are there."""
    return [value for value in values if value is not None]
