"""A new device by a form, its place by a click on the map; or many by a list."""

import asyncio

from dash import html
from dash.development.base_component import Component

from dashboard.components.city_map import city_extent
from dashboard.components.device_forms import device_form, list_form, place_map
from dashboard.components.parts import page_head, panel, state
from dashboard.pages.view import View
from dashboard.texts import text


async def page(view: View) -> Component:
    """Return the page that adds devices; who may not finds the reason."""
    may, profiles, sites, whole, districts = await asyncio.gather(
        view.api.permissions(), view.api.profiles(), view.api.sites(), view.whole(), view.api.districts()
    )
    head = page_head(text("Add a device"), text("one by a form, many by a list"))
    if "configure" not in may:
        sentence = text("Your account may look at devices, and not add any.")
        body: Component = panel(text("Not allowed"), state(text("Not allowed"), sentence, sign="devices"))
    else:
        forms = [
            panel(text("One device"), device_form(profiles, sites), flush=True),
            panel(text("From a list"), list_form(), flush=True),
        ]
        body = html.Div(
            [
                html.Div(forms, className="stack"),
                panel(
                    text("Place"),
                    place_map(city_extent(whole["extent"], districts)),
                    note=text("a click chooses it"),
                    flush=True,
                ),
            ],
            className="grid wide-right",
        )
    return html.Div([head, body], style={"display": "contents"})
