"""The data account: both sums for every device, and each message that was turned away, with its reason."""

import asyncio
from datetime import timedelta

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.account import account_facts, count
from dashboard.components.grid import column, grid
from dashboard.components.marks import instant
from dashboard.components.parts import href, page_head, panel, part, state
from dashboard.pages.view import View
from dashboard.query import wall_clock
from dashboard.shapes import JsonObject
from dashboard.status_shapes import AccountRow, ReasonCounts, RejectedMessage
from dashboard.texts import mark, text

# Under this name the account counts what devices sent that nobody registered: such a device has no page.
UNKNOWN = "(unknown)"

SHOWN = 100  # messages
COUNTED = timedelta(days=1)
# Why a message is rejected or a reading refused -> the same in words; a test compares them with what ingest says.
REASONS = {
    "unroutable_topic": mark("no route for its topic"),
    "too_large": mark("too large"),
    "bad_json": mark("bad JSON"),
    "bad_envelope": mark("bad envelope"),
    "unknown_device": mark("unknown device"),
    "unknown_profile": mark("unknown profile"),
    "decode_failed": mark("cannot be decoded"),
    "no_readings": mark("no readings in it"),
    "identity_mismatch": mark("says it is another device"),
    "store_refused": mark("refused by the store"),
    "rate_limited": mark("too many at once"),
    "unknown_property": mark("unknown property"),
    "unknown_unit": mark("unknown unit"),
    "not_a_number": mark("not a number"),
    "bad_time": mark("bad time"),
    "too_old": mark("too old"),
    "forbidden_property": mark("personal data, not kept"),
}
FATES = {"rejected": mark("rejected"), "refused": mark("refused")}


def reason_words(reason: str) -> str:
    """Return a reason in the reader's words; one that has none is shown as it is."""
    return text(REASONS[reason]) if reason in REASONS else reason.replace("_", " ")


def account_row(row: AccountRow) -> JsonObject:
    """Return one device's sums as a row of the table."""
    return {
        **{key: value for key, value in row.items() if key != "hour"},
        "device_id_href": None if row["device_id"] == UNKNOWN else href(f"/devices/{row['device_id']}"),
        "closes": text("close") if row["closes"] else text("do not close"),
        "closes_class": "freshness-fresh" if row["closes"] else "severity-high",
    }


async def page(view: View) -> Component:
    """Return the data account; what was turned away is shown to those who may look into raw messages."""
    rows, total, may = await asyncio.gather(view.api.account(), view.api.account_total(), view.api.permissions())
    sums = panel(text("The city's sums"), part("sums", account_facts(total)))
    devices = panel(text("By device"), _by_device(rows), flush=True)
    if "inspect" in may:
        reasons, messages = await _turned_away(view)
        panels = [html.Div([sums, reasons], className="grid two"), devices, messages]
    else:
        panels = [sums, devices]
    head = page_head(text("Data account"), text("every message has one fate, every reading too"))
    return html.Div([head, *panels], style={"display": "contents"})


def _by_device(rows: list[AccountRow]) -> Component:
    numbers = (
        ("received", text("Messages")),
        ("accepted", text("Accepted")),
        ("rejected", text("Rejected")),
        ("readings", text("Readings")),
        ("stored", text("Stored")),
        ("duplicate", text("Duplicate")),
        ("refused", text("Refused")),
    )
    columns = [
        column("device_id", text("Device"), width=140, cellRenderer="PageLink"),
        *(
            column(
                field,
                words,
                width=95,
                type="rightAligned",
                filter="agNumberColumnFilter",
                valueFormatter={"function": "wholeNumber(params)"},
            )
            for field, words in numbers
        ),
        column("closes", text("Sums"), width=120, cellRenderer="Chip"),
    ]
    return grid(
        "account",
        columns,
        [account_row(row) for row in rows],
        label=text("Sums by device"),
        height="420px",
        empty=text("Nothing has arrived yet"),
    )


async def _turned_away(view: View) -> tuple[Component, Component]:
    """Return how many messages were turned away why, and the newest, of one reason where the address says so."""
    reason = view.query.get("reason")
    counts, newest = await asyncio.gather(
        view.api.rejected_reasons(wall_clock() - COUNTED), view.api.rejected(reason=reason, most=SHOWN)
    )
    shown = text("the newest {n}, with the payload as it came", n=SHOWN)
    return (
        panel(
            text("Turned away, by reason"),
            part("reasons", _reasons(counts)),
            note=text("in the last 24 hours"),
        ),
        panel(
            text("Messages turned away"),
            part("messages", _messages(newest)),
            note=f"{reason_words(reason)}: {shown}" if reason else shown,
            right=[dcc.Link(text("All reasons"), href="/account")] if reason else [],
            flush=True,
            scroll="560px",
        ),
    )


def _reasons(counts: ReasonCounts) -> Component:
    if not counts["items"]:
        return state(
            text("Nothing was turned away"), text("Every message of the last 24 hours was understood."), sign="check"
        )
    rows: list[Component] = []
    for row in counts["items"]:
        fate = text(FATES.get(row["fate"], row["fate"]))
        words = dcc.Link(reason_words(row["reason"]), href=href("/account", reason=row["reason"]))
        rows += [html.Dt([words, f" ({fate})"]), html.Dd(count(row["messages"]), className="number")]
    listed = html.Dl(rows, className="facts-list")
    if counts["complete"]:
        return listed
    counted = sum(row["messages"] for row in counts["items"])
    return html.Div([html.P(text("Only the newest {n} are counted.", n=count(counted)), className="soft"), listed])


def _messages(messages: list[RejectedMessage]) -> Component:
    if not messages:
        return state(text("Nothing was turned away"), text("Every message so far was understood."), sign="check")
    return html.Ul([_message(message) for message in messages], className="turned-away")


def _message(message: RejectedMessage) -> Component:
    device = message["device_id"]
    who: Component = (
        dcc.Link(device, href=href(f"/devices/{device}"))
        if device and device != UNKNOWN
        else html.Span(text("no known device"), className="soft")
    )
    return html.Li(
        [
            html.Div(
                [
                    html.Strong(reason_words(message["reason"])),
                    html.Span(text(FATES.get(message["fate"], message["fate"])), className="chip"),
                    instant(message["received_at"]),
                    who,
                    html.Code(message["topic"]),
                    html.Span(text("{n} bytes", n=count(message["payload_size"])), className="soft"),
                ],
                className="facts",
            ),
            html.P(message["detail"]),
            html.Pre(message["payload_text"] or " ", className="raw", tabIndex="0"),
        ]
    )
