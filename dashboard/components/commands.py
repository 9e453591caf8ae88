"""Commands to one device: those sent, with what became of them, and the form that sends another."""

import json
from collections.abc import Sequence
from html import escape

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.components.marks import instant
from dashboard.components.parts import part, table
from dashboard.shapes import Command
from dashboard.texts import mark, text

COMMAND_STATES = {
    "queued": mark("Queued"),
    "sent": mark("Sent"),
    "acknowledged": mark("Received by the device"),
    "done": mark("Done"),
    "failed": mark("Failed"),
    "expired": mark("Expired"),
}
USUAL = ("identify", "interval", "self-test")  # names that many devices know; any other may be typed
LIFETIMES = ((600, mark("10 minutes")), (3600, mark("1 hour")), (86400, mark("1 day")))


def commands_panel(device_id: str, commands: Sequence[Command], *, allowed: bool) -> list[Component]:
    """Return what was sent and the form for more; who may not send finds it disabled, with the reason."""
    shown = _table(commands) if commands else html.P(text("No command yet"), className="method")
    return [
        part("commands", shown),
        html.Div(className="request-form", **{"data-html": _form(device_id, commands, allowed=allowed)}),
    ]


def _state(command: Command) -> Component:
    words = text(COMMAND_STATES.get(command["state"], command["state"]))
    if command["state"] in ("failed", "expired"):
        return html.Span([icon("error", size=13), words], className="off-target", title=command["reason"])
    return html.Span([icon("check", size=13), words] if command["state"] == "done" else words)


def _outcome(command: Command) -> str:
    if command["reason"]:
        return command["reason"]
    return "" if command["result"] is None else json.dumps(command["result"], ensure_ascii=False)[:300]


def _table(commands: Sequence[Command]) -> Component:
    rows = [
        html.Tr(
            [
                html.Th(
                    [
                        command["name"],
                        html.Div(html.Code(json.dumps(command["arguments"], ensure_ascii=False)), className="soft")
                        if command["arguments"]
                        else None,
                    ],
                    scope="row",
                ),
                html.Td([_state(command), html.Div(_outcome(command), className="soft")]),
                html.Td(instant(command["created_at"], seconds=False)),
                html.Td(command["created_by"]),
            ]
        )
        for command in commands
    ]
    headings = [(text("Command"), False), (text("State"), False), (text("Asked for"), False), (text("By"), False)]
    return table(headings, rows, caption=text("Commands"))


def _form(device_id: str, commands: Sequence[Command], *, allowed: bool) -> str:
    """Return the form as HTML; assets/f-console.js sends what is in it."""
    names = dict.fromkeys([*USUAL, *(command["name"] for command in commands)])
    known = "".join(f"<option>{escape(name)}</option>" for name in names)
    waits = "".join(
        f'<option value="{seconds}"{" selected" if seconds == 3600 else ""}>{escape(text(words))}</option>'
        for seconds, words in LIFETIMES
    )
    request = escape(json.dumps({"action": "command", "device_id": device_id}))
    off = "" if allowed else " disabled"
    reason = "" if allowed else f'<p class="soft">{escape(text("Your account may look, and not send commands."))}</p>'
    return (
        f'<form data-request-form="{request}"><fieldset{off}><legend>{escape(text("Send a command"))}</legend>'
        f'<label>{escape(text("Command"))}<input name="name" required maxlength="64" pattern="[a-z][a-z0-9_\\-]*"'
        f' list="command-names" autocomplete="off"></label><datalist id="command-names">{known}</datalist>'
        f'<label>{escape(text("Arguments (JSON)"))}<input name="arguments" maxlength="2000" placeholder="{{}}"'
        ' autocomplete="off"></label>'
        f'<label>{escape(text("May wait for"))}<select name="seconds">{waits}</select></label>'
        f'<button class="button">{escape(text("Send"))}</button></fieldset></form>{reason}'
    )
