"""Rules: what is watched, at which limit and why, in plain words; one page for each."""

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.marks import SEVERITIES, severity_chip
from dashboard.components.parts import page_head, panel, right_cell, state, table
from dashboard.pages.rule import rule_page
from dashboard.pages.view import View
from dashboard.rule_words import condition_words
from dashboard.shapes import JsonObject
from dashboard.texts import plural, text
from dashboard.units import duration, number


async def page(view: View) -> Component:
    """Return all rules, or the one that the address names."""
    name = view.below("rules")
    rules = await view.api.rules()
    if name:
        return await rule_page(view, name, rules)
    note = plural("{n} rule in force", "{n} rules in force", sum(bool(rule["enabled"]) for rule in rules))
    if not rules:
        body: Component = state(
            text("No rule yet"), text("Rules come from files; see the documentation."), sign="rules"
        )
    else:
        body = rules_table(rules, linked=True)
    return html.Div(
        [page_head(text("Rules"), note), panel(text("Rules"), body, flush=True)], style={"display": "contents"}
    )


def by_severity(rules: list[JsonObject]) -> list[JsonObject]:
    """Return rules, the most severe first, then by title."""
    return sorted(
        rules,
        key=lambda rule: (
            SEVERITIES.index(rule["definition"].get("severity", "LOW")),
            rule["definition"].get("title", rule["rule_id"]),
        ),
    )


def rules_table(rules: list[JsonObject], *, linked: bool) -> Component:
    """Return the rules with their conditions in words; `linked` leads to each one's own page."""
    rows = []
    for rule in by_severity(rules):
        definition = rule["definition"]
        title = text(definition.get("title", rule["rule_id"]))
        delay = definition.get("on_delay_seconds")
        when = condition_words(str(definition.get("condition", "")), rule["units"])
        rows.append(
            html.Tr(
                [
                    html.Th(dcc.Link(title, href=f"/rules/{rule['rule_id']}") if linked else title, scope="row"),
                    html.Td(severity_chip(definition.get("severity", "LOW"))),
                    html.Td(text("{when}, for {time}", when=when, time=duration(delay)) if delay else when),
                    html.Td(text("in force") if rule["enabled"] else text("switched off"), className="one-line"),
                    right_cell(number(rule["version"], 0)),
                    right_cell(number(rule["open_alerts"], 0)),
                ]
            )
        )
    headings = [
        (text("Rule"), False),
        (text("Severity"), False),
        (text("Fires at"), False),
        (text("State"), False),
        (text("Version"), True),
        (text("Open alerts"), True),
    ]
    return table(headings, rows, caption=text("Rules with their conditions"))
