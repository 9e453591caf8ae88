"""Devices that send and that nobody registered: what they say, and taking one in by one action."""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.marks import age
from dashboard.components.parts import right_cell, state, table
from dashboard.shapes import ProfileEntry, Stranger
from dashboard.texts import domain_name, text
from dashboard.units import number


def _names_in(value: object) -> set[str]:
    """Return every field name in a decoded JSON message, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*(_names_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_names_in(inner) for inner in value))
    return set()


def likely_profile(one: Stranger, profiles: Sequence[ProfileEntry]) -> str | None:
    """Return the key of the type whose properties the message names most of; None where it names none.

    Of equals one that reads messages as they are, on our own topics, comes first, then the one with the fewest other
    properties. It is a proposal: the reader chooses.
    """
    try:
        names = _names_in(json.loads(one["payload_text"]))
    except (ValueError, RecursionError):
        return None
    ours = one["topic"].startswith("city/")

    def fit(profile: ProfileEntry) -> tuple[int, bool, int]:
        plain = ours and profile["envelope"] == "native" and profile["codec"] is None
        return len(names.intersection(profile["properties"])), plain, -len(profile["properties"])

    best = max(profiles, key=fit, default=None)
    return best["key"] if best is not None and fit(best)[0] > 0 else None


def quarantine(strangers: Sequence[Stranger], profiles: Sequence[ProfileEntry], *, allowed: bool) -> Component:
    """Return who waits, with the button that takes each in as a device of the chosen type."""
    if not strangers:
        return state(text("Nobody waits"), text("Every device that sends is registered."), sign="check")
    rows = [
        html.Tr(
            [
                html.Th(one["device_id"], scope="row"),
                right_cell(number(one["messages"], 0)),
                html.Td(age(one["last_at"]), className="one-line"),
                html.Td(
                    [
                        html.Code(one["payload_text"][:300], className="message"),
                        html.Div(one["topic"], className="soft"),
                    ]
                ),
                html.Td(_adopt(one, profiles, allowed=allowed)),
            ]
        )
        for one in strangers
    ]
    headings = [
        (text("Id"), False),
        (text("Messages"), True),
        (text("Heard"), False),
        (text("Last message"), False),
        (text("Adopt as"), False),
    ]
    return table(headings, rows, caption=text("Devices in quarantine"))


def _adopt(one: Stranger, profiles: Sequence[ProfileEntry], *, allowed: bool) -> Component:
    if not allowed:
        return html.Span(text("Your account may look, and not adopt."), className="soft")
    proposed = likely_profile(one, profiles)
    options: list[Component] = [html.Option(text("Choose a type"), value="")] if proposed is None else []
    for profile in sorted(profiles, key=lambda each: (each["key"] != proposed, each["key"])):
        words = f"{profile['label']} ({domain_name(profile['domain'])})"
        options.append(html.Option(words, value=profile["key"]))
    button_words = text("Adopt")
    return html.Form(
        [
            # The page library's own select takes no name: the script reads `data-name`.
            html.Select(options, **{"data-name": "profile", "aria-label": text("Type of {id}", id=one["device_id"])}),
            html.Button(button_words, className="button", **{"aria-label": f"{button_words}: {one['device_id']}"}),
        ],
        className="steps",
        **{"data-request-form": json.dumps({"action": "adopt", "device_id": one["device_id"]})},
    )
