"""Whether a device is there, in words: what the API judges, told apart by whether it keeps a connection."""

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.components.readings import result_of
from dashboard.shapes import Device
from dashboard.texts import mark, text
from dashboard.units import NOTHING, duration, quantity

OTHER_RHYTHM = 1.5  # times as long or as short: no jitter, another rhythm
TELLING = 5.0  # points between the two completenesses
SLEEPS = 300.0  # s between reports from which on a device without a connection is taken to sleep in between
PRESENCE_NAMES = {
    "online": mark("Online"),
    "asleep": mark("Asleep"),
    "silent": mark("Silent"),
    "offline": mark("Offline"),
    "flapping": mark("Flapping"),
    "never": mark("Never heard"),
}
PRESENCE_WORDS = {
    "online": mark("reports on time"),
    "asleep": mark("reports on time, with no connection in between"),
    "silent": mark("nothing for three intervals, whatever its connection says"),
    "offline": mark("its connection ended, and nothing came since"),
    "flapping": mark("its connection came and went six times within ten minutes"),
    "never": mark("registered, and not heard yet"),
}
SIGNS = {"asleep": "moon", "silent": "silent", "offline": "close", "flapping": "replay", "never": "silent"}
# Asleep is as it should be: it looks as plain as online.
LOOKS = {"online": "fresh", "asleep": "fresh", "never": "never"}


def presence_of(device: Device) -> str:
    """Return online, asleep, silent, offline, flapping or never; what the API calls present is online or asleep."""
    if device["presence"] != "present":
        return device["presence"]
    every = device["learned_interval_seconds"] or device["expected_interval_seconds"]
    return "asleep" if device["link"] != "online" and every >= SLEEPS else "online"


def rhythm_words(device: Device) -> str:
    """Return how often a device is registered to report, and, where that differs, how often it does."""
    expected, learned = device["expected_interval_seconds"], device["learned_interval_seconds"]
    if learned is None or 1 / OTHER_RHYTHM < learned / expected < OTHER_RHYTHM:
        return duration(expected)
    return text(
        "{expected} by its registration, in fact {learned}", expected=duration(expected), learned=duration(learned)
    )


def completeness_words(device: Device) -> str:
    """Return how much of yesterday's reports came, by its registration, and by its own rhythm where that differs."""
    share, own = result_of(device, "completeness"), result_of(device, "completeness_by_rhythm")
    if share is None or own is None or abs(share - own) < TELLING:
        known = share if share is not None else own
        return NOTHING if known is None else quantity(known, "%")
    return text(
        "{share} of what it is registered for, {own} of its own rhythm",
        share=quantity(share, "%"),
        own=quantity(own, "%"),
    )


def presence_class(presence: str) -> str:
    """Return the look of a chip: plain where all is well, a dashed edge where not."""
    return f"freshness-{LOOKS.get(presence, 'silent')}"


def presence_chip(device: Device) -> Component:
    """Return a device's presence as sign and word; hovering says what it means."""
    presence = presence_of(device)
    sign = [icon(SIGNS[presence], size=13)] if presence in SIGNS else []
    return html.Span(
        [*sign, text(PRESENCE_NAMES[presence])],
        className=f"chip {presence_class(presence)}",
        title=text(PRESENCE_WORDS[presence]),
    )
