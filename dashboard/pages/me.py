"""One's own account: who one is here, what one may do and see, and the way to another password."""

import asyncio

from dash import html
from dash.development.base_component import Component

from dashboard.components.parts import page_head, panel
from dashboard.components.roles import PERMISSION_NAMES, role_name, sight
from dashboard.pages.view import View
from dashboard.texts import text


async def page(view: View) -> Component:
    """Return the reader's own account."""
    me, districts = await asyncio.gather(view.api.me(), view.api.districts())
    demo = "demo" in me["roles"]
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
        ],
        style={"display": "contents"},
    )
