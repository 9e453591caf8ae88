"""Small marks that say state by shape and words, with colour only as a third sign."""

from dash import html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.components.icons import icon, severity_shape
from dashboard.dates import instant_words
from dashboard.shapes import Source
from dashboard.texts import mark, text

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
SEVERITY_NAMES = {"CRITICAL": mark("Critical"), "HIGH": mark("High"), "MEDIUM": mark("Medium"), "LOW": mark("Low")}
FRESHNESS_NAMES = {
    "fresh": mark("Fresh"),
    "stale": mark("Stale"),
    "silent": mark("Silent"),
    "never": mark("Never heard"),
}
STATE_NAMES = {
    "unacknowledged": mark("Active, unacknowledged"),
    "acknowledged": mark("Active, acknowledged"),
    "returned_unacknowledged": mark("Returned to normal, unacknowledged"),
    "normal": mark("Closed"),
    "latched_unacknowledged": mark("Latched, unacknowledged"),
    "latched_acknowledged": mark("Latched, acknowledged"),
    "shelved": mark("Shelved"),
    "suppressed": mark("Suppressed by design"),
    "out_of_service": mark("Out of service"),
}
UNANSWERED = frozenset({"unacknowledged", "returned_unacknowledged", "latched_unacknowledged"})
# QARTOD flag -> words; 1 (good) needs none.
QUALITY_NAMES = {2: mark("not evaluated"), 3: mark("suspect"), 4: mark("failed a check"), 9: mark("missing")}


def severity_chip(severity: str) -> Component:
    """Return a severity as shape and word."""
    return html.Span(
        [severity_shape(severity, size=12), text(SEVERITY_NAMES[severity])],
        className=f"chip severity-{severity.lower()}",
    )


def freshness_chip(freshness: str) -> Component:
    """Return how fresh a device is; fresh is plain text, everything else stands out by its dashed edge and sign."""
    signs = {"stale": "clock", "silent": "silent", "never": "silent"}
    mark = [icon(signs[freshness], size=13)] if freshness in signs else []
    return html.Span([*mark, text(FRESHNESS_NAMES[freshness])], className=f"chip freshness-{freshness}")


def age(at: str) -> Component:
    """Return a place where the browser keeps `12 s ago` current; hovering shows the local time to the second."""
    return html.Time(className="age", **{"data-at": at})


def instant(at: str | None, *, seconds: bool = True) -> Component:
    """Return a place where the browser writes an instant in the reader's time zone."""
    if at is None:
        return html.Span("–", className="soft")
    return html.Time(className="instant", dateTime=at, **{"data-at": at, "data-seconds": "1" if seconds else "0"})


def unanswered(alert: Alert) -> bool:
    """Return whether an alert still waits for an operator's acknowledgement."""
    return alert["state"] in UNANSWERED


def replay_chip(source: Source) -> Component:
    """Return the sign that what is shown is recorded history, with the history's own now."""
    return html.Span(
        [
            icon("replay", size=13),
            text(
                "Replay: {name} at {at}",
                name=source["source_id"].removeprefix("replay:"),
                at=instant_words(source["clock"]),
            ),
        ],
        className="chip replay",
        title=text("Recorded data with a clock of its own; never mixed with live figures"),
    )
