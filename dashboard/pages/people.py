"""Accounts and API keys, for administrators: who may sign in, as what, and which programs may ask."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from html import escape

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.client_people import Person
from dashboard.components.api_keys import form_place, key_form, keys_table, options_html, request_button
from dashboard.components.marks import instant
from dashboard.components.parts import href, page_head, panel, right_cell, state, table
from dashboard.components.roles import ROLE_NAMES, role_name, sight
from dashboard.pages.view import View
from dashboard.people import DISTRICT, DOMAIN
from dashboard.texts import DOMAIN_NAMES, domain_name, text


async def page(view: View) -> Component:
    """Return the accounts and keys, or why they are not to be seen."""
    head = page_head(text("Accounts and keys"), text("who may sign in, and which programs may ask"))
    me = await view.api.me()
    if "administer" not in me["permissions"] or me["districts"] is not None or me["domains"] is not None:
        why = (
            text("In demo mode nobody signs in. Set CITYWATCH_SERVE__DEMO=false to have accounts.")
            if "demo" in me["roles"]
            else text("Accounts are looked after by administrators of the whole city.")
        )
        return _page([head, panel(text("Accounts"), state(text("Nothing to see"), why, sign="person"))])
    people, keys, districts = await asyncio.gather(view.api.people(), view.api.keys(), view.api.districts())
    names = {district["district_id"]: district["name"] for district in districts}
    chosen = next((one for one in people if one["name"] == view.query.get("name")), None)
    parts = [head]
    if chosen is not None and chosen["name"] != me["name"]:
        title = text("Change {name}", name=chosen["name"])
        parts.append(panel(title, form_place(_person_form(names, chosen)), flush=True))
    parts += [
        panel(
            text("Accounts"),
            [_people(people, names, me["name"]), form_place(_person_form(names))],
            note=text("your own is changed by another administrator"),
            flush=True,
        ),
        panel(
            text("API keys"),
            [keys_table(keys, names), form_place(key_form(owners(people)))],
            note=text("for programs; never more than their owner may"),
            flush=True,
        ),
    ]
    return _page(parts)


def _page(parts: Sequence[Component]) -> Component:
    return html.Div(list(parts), style={"display": "contents"})


def _standing(person: Person) -> Component | str:
    if person["disabled_at"] is not None:
        return html.Span([text("Shut out since") + " ", instant(person["disabled_at"], seconds=False)])
    if person["must_change"]:
        return text("Has yet to choose a password")
    return text("Signs in at {issuer}", issuer=person["issuer"]) if person["issuer"] else text("May sign in")


def _steps(person: Person) -> Component:
    name = person["name"]
    steps = [
        dcc.Link(
            [text("Change"), html.Span(f": {name}", className="unseen")],
            href=href("/people", name=name),
            className="button",
        )
    ]
    if person["issuer"] is None:
        ask = text("Give {name} a new password? Their sessions end.", name=name)
        steps.append(request_button(text("New password"), name, {"action": "person-reset", "name": name}, ask))
    if person["disabled_at"] is None:
        ask = text("Shut {name} out? Sessions and keys end now.", name=name)
        steps.append(request_button(text("Shut out"), name, {"action": "person-disable", "name": name}, ask))
    else:
        steps.append(request_button(text("Let in again"), name, {"action": "person-enable", "name": name}))
    return html.Div(steps, className="steps")


def _people(people: Sequence[Person], districts: Mapping[str, str], me: str) -> Component:
    rows = [
        html.Tr(
            [
                html.Th(person["name"], scope="row"),
                html.Td(role_name(person["role"])),
                html.Td(sight(person["districts"], person["domains"], districts)),
                html.Td(_standing(person)),
                right_cell(str(person["keys"])),
                html.Td(instant(person["created_at"], seconds=False), className="one-line"),
                html.Td(text("You") if person["name"] == me else _steps(person)),
            ]
        )
        for person in people
    ]
    headings = [
        (text("Name"), False),
        (text("Role"), False),
        (text("Sees"), False),
        (text("State"), False),
        (text("Keys"), True),
        (text("Since"), False),
        (text("Next"), False),
    ]
    return table(headings, rows, caption=text("Accounts"))


def _boxes(legend: str, kind: str, options: Sequence[tuple[str, str]], held: Sequence[str] | None) -> str:
    boxes = "".join(
        f'<label class="box"><input type="checkbox" name="{escape(kind + value)}"'
        f"{' checked' if value in (held or ()) else ''}> {escape(words)}</label>"
        for value, words in options
    )
    return f'<fieldset class="boxes"><legend>{escape(legend)}</legend>{boxes}</fieldset>' if options else ""


def _person_form(districts: Mapping[str, str], person: Person | None = None) -> str:
    """Return the form that adds an account, or the one that changes `person`, as HTML."""
    request = {"action": "person-add"} if person is None else {"action": "person-change", "name": person["name"]}
    named = (
        f"<label>{escape(text('Name'))}"
        '<input name="name" required maxlength="80" pattern="[a-zA-Z0-9][a-zA-Z0-9@._+\\-]*" autocomplete="off">'
        "</label>"
        if person is None
        else ""
    )
    roles = [(role, role_name(role)) for role in ROLE_NAMES]
    role = "operator" if person is None else person["role"]
    legend = text("Add an account") if person is None else text("Role and limits")
    domains = [(name, domain_name(name)) for name in DOMAIN_NAMES]
    held = (None, None) if person is None else (person["districts"], person["domains"])
    return (
        f'<form data-request-form="{escape(json.dumps(request))}"><fieldset><legend>{escape(legend)}</legend>{named}'
        f'<label>{escape(text("Role"))}<select name="role">{options_html(roles, role)}</select></label>'
        f'<button class="button">{escape(text("Add") if person is None else text("Change"))}</button></fieldset>'
        f"{_boxes(text('Districts they see; none ticked: all'), DISTRICT, list(districts.items()), held[0])}"
        f"{_boxes(text('Domains they see; none ticked: all'), DOMAIN, domains, held[1])}</form>"
    )


def owners(people: Sequence[Person]) -> list[str]:
    """Return whom a key can be made for."""
    return [one["name"] for one in people if one["disabled_at"] is None and not one["must_change"]]
