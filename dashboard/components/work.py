"""Work orders on screen: how far each is, when it is due, and the buttons that move it on."""

import json
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alert_shapes import WorkOrder
from dashboard.components.icons import icon
from dashboard.components.marks import instant, severity_chip
from dashboard.components.parts import href, right_cell, table
from dashboard.texts import mark, text

WORK_STATES = {
    "waiting": mark("Waiting"),
    "accepted": mark("Accepted by the crew"),
    "en_route": mark("En route"),
    "done": mark("Done"),
    "cancelled": mark("Cancelled"),
}
# state -> the steps that may follow it
STEPS = {
    "waiting": ("accepted", "cancelled"),
    "accepted": ("en_route", "done", "cancelled"),
    "en_route": ("done", "cancelled"),
}
STEP_NAMES = {
    "accepted": mark("Accept"),
    "en_route": mark("On the way"),
    "done": mark("Finish"),
    "cancelled": mark("Call off"),
}


def _state(order: WorkOrder) -> Component:
    words = text(WORK_STATES.get(order["state"], order["state"]))
    if order["overdue"]:
        return html.Span([icon("error", size=13), f"{words}, ", text("overdue")], className="off-target")
    return html.Span(words)


def work_notes(orders: Sequence[WorkOrder]) -> list[Component]:
    """Return the work orders of one alert as sentences."""
    return [
        html.P(
            [
                html.Strong(text("Work order {n}", n=order["work_order_id"])),
                " ",
                text("at {queue}", queue=order["queue"]),
                ": ",
                _state(order),
                ", ",
                text("due"),
                " ",
                instant(order["due_at"], seconds=False),
            ],
            className="work-note",
        )
        for order in orders
    ]


def work_table(orders: Sequence[WorkOrder]) -> Component:
    """Return work orders with the steps that may follow."""
    rows = []
    for order in orders:
        steps = [
            html.Button(
                text(STEP_NAMES[step]),
                className="button",
                **{
                    "data-request": json.dumps(
                        {"action": "proceed", "work_order_id": order["work_order_id"], "step": step}
                    ),
                    "aria-label": f"{text(STEP_NAMES[step])}: {text('Work order {n}', n=order['work_order_id'])}",
                },
            )
            for step in STEPS.get(order["state"], ())
        ]
        about = order["text"] or order["device_name"] or order["task"]
        rows.append(
            html.Tr(
                [
                    right_cell(str(order["work_order_id"])),
                    html.Td(severity_chip(order["severity"])),
                    html.Td(
                        [
                            dcc.Link(about, href=href("/alerts", alert=order["alert_id"])),
                            html.Div(text(" ".join(order["task"].split())), className="soft"),
                        ]
                    ),
                    html.Td(order["queue"]),
                    html.Td(_state(order)),
                    html.Td(instant(order["due_at"], seconds=False)),
                    html.Td(html.Div(steps, className="steps")),
                ]
            )
        )
    headings = [
        (text("Number"), True),
        (text("Severity"), False),
        (text("About"), False),
        (text("Department"), False),
        (text("State"), False),
        (text("Due"), False),
        (text("Next"), False),
    ]
    return table(headings, rows, caption=text("Work orders"))
