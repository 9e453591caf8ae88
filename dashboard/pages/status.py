"""The system's own state: processes and how far behind they are, the flow, and what this set-up cannot do."""

import re

from dash import html
from dash.development.base_component import Component

from dashboard.components.figures import key_figures
from dashboard.components.icons import icon
from dashboard.components.parts import page_head, panel, part, right_cell, table
from dashboard.pages.view import View
from dashboard.status_shapes import KeyFigure, ProcessState, Status
from dashboard.texts import mark, plural, text
from dashboard.units import duration, number

# What a process says of itself, as the API words it (api/overview.py).
_REPORTED = re.compile(
    r"(?:(?P<n>\d+) instances, )?up (?P<minutes>[\d,]+) min, (?P<memory>[\d,]+) MB, reported (?P<ago>\d+) s ago"
    r"(?P<parts> \[.+\])?"
)
_OTHERWISE = (mark("holds no connection to the store"), mark("holds a connection to the store"))
PROCESS_STATES = {"running": mark("Running"), "stopped": mark("Stopped"), "unknown": mark("Unknown")}


def status_figures(status: Status) -> list[KeyFigure]:
    """Return the counts of the system as key figures."""
    lags = [p["lag_seconds"] for p in status["processes"] if p["lag_seconds"] is not None]
    values: list[tuple[str, str, float | None, str]] = [
        ("observations", mark("Observations stored"), status["observations"], "1"),
        ("messages", mark("Messages, last minute"), status["messages_last_minute"], "1"),
        ("readings", mark("Readings, last minute"), status["readings_last_minute"], "1"),
        ("lag", mark("Largest lag"), max(lags, default=None), "s"),
    ]
    return [
        {
            "name": f"status_{name}",
            "label": label,
            "value": value,
            "unit": unit,
            "before": None,
            "target": None,
            "trend": [],
        }
        for name, label, value, unit in values
    ]


def detail_words(detail: str) -> str:
    """Return what a process says of itself in the reader's language; what has no words stays as it is."""
    if found := _REPORTED.fullmatch(detail):
        return text(
            "{count}up {up}, {memory} MB, reported {ago} ago",
            count=plural("{n} instance, ", "{n} instances, ", int(found["n"])) if found["n"] else "",
            up=duration(60 * float(found["minutes"].replace(",", ""))),
            memory=found["memory"],
            ago=duration(float(found["ago"])),
        ) + (found["parts"] or "")
    return text(detail) if detail in _OTHERWISE else detail


async def page(view: View) -> Component:
    """Return the status page."""
    status = await view.api.status()
    note = text(
        "version {version}, store {engine}, broker {broker}",
        version=status["version"],
        engine=status["engine"],
        broker=status["broker"],
    )
    limits = [html.Li(text(limit)) for limit in status["limits"]]
    return html.Div(
        [
            page_head(text("Status"), note),
            part("figures", key_figures(status_figures(status))),
            html.Div(
                [
                    panel(text("Processes"), part("processes", _processes(status["processes"])), flush=True),
                    panel(
                        text("What this set-up cannot do"),
                        html.Ul(limits, className="plain-list") if limits else html.P(text("No limit is known.")),
                    ),
                ],
                className="grid two",
            ),
        ],
        style={"display": "contents"},
    )


def _processes(processes: list[ProcessState]) -> Component:
    rows = []
    for process in processes:
        running = process["state"] == "running"
        mark = html.Span(
            [icon("check" if running else "error", size=14), text(PROCESS_STATES[process["state"]])],
            className="chip freshness-fresh" if running else "chip severity-high",
        )
        rows.append(
            html.Tr(
                [
                    html.Th(html.Code(process["name"]), scope="row"),
                    html.Td(mark),
                    right_cell("–" if process["lag_rows"] is None else number(process["lag_rows"], 0)),
                    right_cell("–" if process["lag_seconds"] is None else f"{number(process['lag_seconds'], 1)} s"),
                    html.Td(detail_words(process["detail"]), className="soft one-line"),
                ]
            )
        )
    headings = [
        (text("Process"), False),
        (text("State"), False),
        (text("Rows behind"), True),
        (text("Behind by"), True),
        (text("Detail"), False),
    ]
    return table(headings, rows, caption=text("Processes"))
