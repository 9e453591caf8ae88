"""In how long a bin will be full: the band that its own past forecasts have earned, or that none is earned yet."""

from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.components.readings import find_latest, result_of
from dashboard.shapes import Device
from dashboard.texts import text
from dashboard.units import NOTHING, duration, duration_range, parse_time

FULL = 90.0  # %: from here on the sensor cannot tell more from full, so no hour is foretold
LAG = timedelta(minutes=5)  # a forecast is told a moment after the level it starts from
# A bin that reports more than once a minute has one each quarter of an hour, told two minutes after it.
QUICK, LAG_OF_QUICK = 60.0, timedelta(minutes=17)
SOON = 6.0  # hours: the shortest time in which a bin can still be put on a round


def full_in(device: Device) -> Component | str:
    """Return in how long the bin will be full, in a few words; soon stands out, and so does full."""
    hours = _hours(device)
    if _is_full(device, hours):
        return html.Span([icon("clock", size=13), text("full")], className="off-target")
    if hours is None:
        return NOTHING
    band = _band(device)
    words = band or duration(hours * 3600)
    likely = text("most likely {span}", span=duration(hours * 3600)) if band else text("not enough full cycles yet")
    if hours <= SOON:
        return html.Span([icon("clock", size=13), words], className="off-target", title=likely)
    return html.Span(words, title=likely)


def full_words(device: Device) -> Component:
    """Return a sentence on when the bin will be full and how sure that is."""
    hours = _hours(device)
    if _is_full(device, hours):
        words = text("The bin is full.")
    elif hours is None:
        words = text("No forecast of when it is full: too little is known since the last emptying, or it hardly fills.")
    elif band := _band(device):
        words = text("Full in {band} nine times in ten, most likely in {span}.", band=band, span=duration(hours * 3600))
    else:
        words = text(
            "Full in about {span}. How sure that is, is not known yet: not enough full cycles.",
            span=duration(hours * 3600),
        )
    return html.P(words, className="method")


def _at_once(device: Device, name: str) -> float | None:
    """Return an end of the band, if it is that of the forecast."""
    return result_of(device, name) if _time(device, name) == _time(device, "time_to_full") else None


def _time(device: Device, name: str) -> datetime | None:
    row = find_latest(device, name)
    return parse_time(row["phenomenon_time"]) if row is not None else None


def _is_full(device: Device, hours: float | None) -> bool:
    return (result_of(device, "fill_level") or 0) >= FULL or hours == 0


def _hours(device: Device) -> float | None:
    """Return the hours told of the newest level: where that has no forecast, an older one says nothing."""
    level, told = _time(device, "fill_level"), _time(device, "time_to_full")
    lag = LAG_OF_QUICK if device["expected_interval_seconds"] < QUICK else LAG
    return None if level is None or told is None or level - told > lag else result_of(device, "time_to_full")


def _band(device: Device) -> str | None:
    low, high = _at_once(device, "time_to_full_low"), _at_once(device, "time_to_full_high")
    if low is None:
        return None
    return duration_range(low * 3600, None if high is None else high * 3600)
