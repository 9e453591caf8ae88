"""Work orders: what departments have been asked to do, how far they are, and when it is due."""

from dash import html
from dash.development.base_component import Component

from dashboard.components.parts import choices, href, page_head, panel, part, state
from dashboard.components.work import work_table
from dashboard.pages.view import View
from dashboard.texts import plural, text


async def page(view: View) -> Component:
    """Return the work orders that are open, or all."""
    everything = view.query.get("show") == "all"
    orders = await view.api.work_orders(open=None if everything else True)
    late = sum(order["overdue"] for order in orders)
    options = [
        (text("Open"), href("/work"), not everything),
        (text("All"), href("/work", show="all"), everything),
    ]
    body = (
        work_table(orders)
        if orders
        else state(text("No work order"), text("Hand an alert over with W in the alert console."), sign="work")
    )
    note = plural("{n} is overdue", "{n} are overdue", late) if late else ""
    return html.Div(
        [
            page_head(text("Work orders"), part("note", note), [choices(text("State"), options)]),
            panel(text("Work orders"), part("orders", body), flush=True),
        ],
        style={"display": "contents"},
    )
