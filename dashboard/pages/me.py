"""One's own account: who one is here, what one may do and see, one's keys, and the way to another password."""

import asyncio
from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.client_people import Me
from dashboard.components.api_keys import form_place, key_form, keys_table
from dashboard.components.parts import page_head, panel
from dashboard.components.roles import PERMISSION_NAMES, ROLE_NAMES, role_name, sight
from dashboard.pages.view import View
from dashboard.texts import text

LADDER = ("viewer", "operator", "engineer")  # each may what those before it may


async def page(view: View) -> Component:
    """Return the reader's own account."""
    me, districts = await asyncio.gather(view.api.me(), view.api.districts())
    demo = "demo" in me["roles"]
    own = [] if demo else [await _keys(view, me, {each["district_id"]: each["name"] for each in districts})]
    names = {district["district_id"]: district["name"] for district in districts}
    may = [text(words) for name, words in PERMISSION_NAMES.items() if name in me["permissions"]]
    roles = text("Demo: everybody on this machine") if demo else ", ".join(role_name(role) for role in me["roles"])
    facts = html.Dl(
        [
            html.Dt(text("Name")),
            html.Dd(text("nobody signs in here") if demo else me["name"]),
            html.Dt(text("Role")),
            html.Dd(roles),
            html.Dt(text("Sees")),
            html.Dd(sight(me["districts"], me["domains"], names)),
            html.Dt(text("May")),
            html.Dd(html.Ul([html.Li(words) for words in may], className="plain-list")),
        ],
        className="facts-list",
    )
    more = (
        text("In demo mode nobody signs in. Set CITYWATCH_SERVE__DEMO=false to have accounts.")
        if demo
        else text("Role and limits are changed by an administrator. What you do is journalled under your name.")
    )
    leave = [] if demo else [html.A(text("Change password"), href="/password", className="button")]
    return html.Div(
        [
            page_head(text("Your account"), me["name"] if not demo else "", leave),
            panel(text("Who you are here"), [facts, html.P(more, className="soft")]),
            *own,
        ],
        style={"display": "contents"},
    )


async def _keys(view: View, me: Me, districts: Mapping[str, str]) -> Component:
    keys = await view.api.own_keys()
    return panel(
        text("API keys"),
        [keys_table(keys, districts, own=True), form_place(key_form(None, weaker_roles(me["roles"])))],
        note=text("for your programs; never more than you may"),
        flush=True,
    )


def weaker_roles(roles: Sequence[str]) -> list[str]:
    """Return what a key may be that is less than its owner."""
    if "admin" in roles:
        return [role for role in ROLE_NAMES if role != "admin"]
    own = max((LADDER.index(role) for role in roles if role in LADDER), default=1)
    return list(LADDER[:own])
