"""Adding a device by a form, and its account at the broker: made, replaced, taken away; the password is shown once.

The forms are HTML text; assets/f-console.js sends what is in them, assets/i-devices.js does the rest.
"""

import json
from collections.abc import Sequence
from html import escape

import dash_leaflet as dl
from dash import html
from dash.development.base_component import Component

from dashboard.components.city_map import EVERYWHERE, plain_map, script
from dashboard.components.marks import instant
from dashboard.shapes import JsonObject, ProfileEntry
from dashboard.texts import domain_name, text


def _(words: str) -> str:
    return escape(text(words))


def _select(name: str, none: str, options: str, more: str = "") -> str:
    return f'<select name="{name}" {more}><option value="">{none}</option>{options}</select>'


def device_form(profiles: Sequence[ProfileEntry], sites: Sequence[JsonObject]) -> Component:
    """Return the form that registers one device; the API says what is wrong with what is filled in."""
    types = "".join(
        f'<option value="{escape(one["key"])}">{escape(one["label"])} ({escape(domain_name(one["domain"]))})</option>'
        for one in sorted(profiles, key=lambda each: each["label"])
    )
    places = "".join(f'<option value="{escape(one["site_id"])}">{escape(one["name"])}</option>' for one in sites)
    request = escape(json.dumps({"action": "register-device"}))
    account = (
        f'<option value="yes">{_("Make one, and show its password once")}</option>'
        f'<option value="">{_("None yet")}</option>'
    )
    fields = (
        f"<label>{_('Type')}{_select('profile', _('Choose a type'), types, 'required')}</label>"
        f'<label>{_("Id")}<input name="device_id" required maxlength="64" pattern="[A-Za-z0-9][A-Za-z0-9._:\\-]*"'
        ' autocomplete="off" spellcheck="false"></label>'
        f'<label>{_("Name")}<input name="name" maxlength="200" autocomplete="off"></label>'
        f'<label>{_("Latitude")}<input name="latitude" type="number" min="-90" max="90" step="any"></label>'
        f'<label>{_("Longitude")}<input name="longitude" type="number" min="-180" max="180" step="any"></label>'
        f"<label>{_('Site')}{_select('site_id', '–', places)}</label>"
        f'<label>{_("Account at the broker")}<select name="credential">{account}</select></label>'
    )
    form = (
        f'<form data-request-form="{request}" id="device-form"><fieldset><legend>{_("The new device")}</legend>{fields}'
        f'<button class="button primary">{_("Add device")}</button></fieldset></form>'
        f'<p class="soft">{_("The district follows from the place.")}</p>'
    )
    return html.Div(className="request-form", **{"data-html": form})


def list_form() -> Component:
    """Return the form that registers the devices of a CSV list; first it is tried, with every fault named."""
    form = (
        f"<form data-list-form><fieldset><legend>{_('Many devices')}</legend>"
        f'<label>{_("List (CSV)")}<input name="list" type="file" accept=".csv,text/csv" required></label>'
        f'<button class="button" value="try">{_("Try it")}</button>'
        f'<button class="button primary" value="import">{_("Import")}</button></fieldset></form>'
        '<div id="list-report" role="status"></div>'
        f'<p class="soft">{_("With a single fault nothing is changed.")}'
        f' <a href="/api/v1/device-list" download="devices.csv">{_("The list as it is now")}</a></p>'
    )
    return html.Div(className="request-form", **{"data-html": form})


def place_map(extent: list[float] | None) -> Component:
    """Return the map on which a click is the new device's place; the two fields take the same."""
    west, south, east, north = extent or EVERYWHERE
    mark = dl.GeoJSON(id="new-place", pointToLayer=script("chosenPoint"), interactive=False)
    bounds = [[south, west], [north, east]]
    container = plain_map([mark], "place-map", bounds, eventHandlers={"click": script("choosePlace")})
    label = text("Map: a click is the new device's place; the fields for latitude and longitude do the same")
    return html.Div(container, role="region", className="plan-map", **{"aria-label": label})


def account_panel(device_id: str, credential: JsonObject | None) -> list[Component]:
    """Return what is known of a device's account at the broker, with the steps that may be taken."""
    holds = credential is not None and credential["revoked_at"] is None
    said: list[Component | str] = [text("None yet")]
    if credential is not None and holds:
        said = [text("Since"), " ", instant(credential["created_at"]), ", ", credential["created_by"]]
    elif credential is not None:
        said = [text("Revoked"), " ", instant(credential["revoked_at"]), ", ", credential["revoked_by"] or ""]
    facts = html.Dl(
        [
            html.Dt(text("Account")),
            html.Dd(said),
            html.Dt(text("User name and client ID")),
            html.Dd(html.Code(device_id)),
        ],
        className="facts-list",
    )
    if not holds:
        return [facts, html.Div(_step("credential-create", device_id, text("Make an account")), className="steps")]
    warned = text("The device is cut off at once.")
    return [
        facts,
        html.Div(
            [
                _sure(text("Replace the password"), warned, _step("credential-rotate", device_id, text("Replace now"))),
                _sure(text("Revoke"), warned, _step("credential-revoke", device_id, text("Revoke now"))),
            ],
            className="steps",
        ),
    ]


def _step(action: str, device_id: str, words: str) -> Component:
    request = json.dumps({"action": action, "device_id": device_id})
    return html.Button(words, type="button", className="button", **{"data-request": request})


def _sure(words: str, warned: str, step: Component) -> Component:
    """Return a step behind a second one: a slip must not silence a device."""
    return html.Details([html.Summary(words), html.P(warned, className="soft"), step])
