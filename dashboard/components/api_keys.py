"""API keys on screen: those there are with a way to end each, and the form that makes one."""

import json
from collections.abc import Mapping, Sequence
from html import escape

from dash import html
from dash.development.base_component import Component

from dashboard.client_people import ApiKey
from dashboard.components.marks import instant
from dashboard.components.parts import table
from dashboard.components.roles import ROLE_NAMES, role_name, sight
from dashboard.texts import mark, text

DAYS = ((7, mark("7 days")), (30, mark("30 days")), (90, mark("90 days")), (366, mark("1 year")))


def form_place(form: str) -> Component:
    """Return where a form that is HTML stands."""
    return html.Div(className="request-form", **{"data-html": form})


def request_button(words: str, about: str, request: Mapping[str, str], confirm: str | None = None) -> Component:
    """Return a button that sends a request, asking first where `confirm` is what to ask."""
    more = {} if confirm is None else {"data-confirm": confirm}
    label = {"aria-label": f"{words}: {about}"}
    return html.Button(words, className="button", **{"data-request": json.dumps(dict(request))}, **label, **more)


def keys_table(keys: Sequence[ApiKey], districts: Mapping[str, str], *, own: bool = False) -> Component:
    """Return the keys with a way to end each; `own`: they are the reader's, which need not be said of each."""
    if not keys:
        return html.P(text("No key yet"), className="method")
    rows = [
        html.Tr(
            [
                html.Th([key["label"], html.Div(html.Code(key["key_id"]), className="soft")], scope="row"),
                *([] if own else [html.Td(key["name"])]),
                html.Td(role_name(key["role"])),
                html.Td(sight(key["districts"], key["domains"], districts)),
                html.Td(instant(key["expires_at"], seconds=False), className="one-line"),
                html.Td(
                    request_button(
                        text("Revoke"),
                        key["label"],
                        {
                            "action": "own-key-revoke" if own else "key-revoke",
                            "key_id": key["key_id"],
                            "label": key["label"],
                        },
                        text("Revoke {label}? Whoever uses it is refused from now on.", label=key["label"]),
                    )
                ),
            ]
        )
        for key in keys
    ]
    headings = [
        (text("Key"), False),
        *([] if own else [(text("Owner"), False)]),
        (text("Role"), False),
        (text("Sees"), False),
        (text("Ends"), False),
        (text("Next"), False),
    ]
    return table(headings, rows, caption=text("API keys"))


def options_html(options: Sequence[tuple[str, str]], chosen: str) -> str:
    """Return the options of a choice as HTML."""
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(words)}</option>'
        for value, words in options
    )


def key_form(owners: Sequence[str] | None, roles: Sequence[str] = tuple(ROLE_NAMES)) -> str:
    """Return the form that makes a key of one of `roles`, for one of `owners` or with None for the reader, as HTML."""
    request = {"action": "own-key-add" if owners is None else "key-add"}
    whose = "" if owners is None else _choice(text("Owner"), "name", [(name, name) for name in owners], "")
    as_owner = text("as I am") if owners is None else text("as its owner")
    days = [(str(number), text(words)) for number, words in DAYS]
    return (
        f'<form data-request-form="{escape(json.dumps(request))}"><fieldset>'
        f"<legend>{escape(text('Make a key'))}</legend>"
        f'<label>{escape(text("What for"))}<input name="label" required maxlength="80" autocomplete="off"></label>'
        f"{whose}{_choice(text('Role'), 'role', [('', as_owner), *((role, role_name(role)) for role in roles)], '')}"
        f"{_choice(text('Lives for'), 'days', days, '90')}"
        f'<button class="button">{escape(text("Make"))}</button></fieldset></form>'
    )


def _choice(words: str, name: str, options: Sequence[tuple[str, str]], chosen: str) -> str:
    return f'<label>{escape(words)}<select name="{name}">{options_html(options, chosen)}</select></label>'
