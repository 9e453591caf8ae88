"""Rules: what is watched, at which limit and why, in plain words; one page for each."""

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.alerts import alert_list
from dashboard.components.icons import icon
from dashboard.components.marks import SEVERITIES, instant, severity_chip
from dashboard.components.parts import href, page_head, panel, right_cell, state, table
from dashboard.pages.view import View
from dashboard.rule_words import condition_words
from dashboard.shapes import JsonObject
from dashboard.texts import plural, text
from dashboard.units import duration, number


async def page(view: View) -> Component:
    """Return all rules, or the one that the address names."""
    name = view.path.removeprefix("/rules").strip("/")
    rules = await view.api.rules()
    if name:
        return await _one(view, name, rules)
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
        when = condition_words(str(definition.get("condition", "")))
        rows.append(
            html.Tr(
                [
                    html.Th(dcc.Link(title, href=f"/rules/{rule['rule_id']}") if linked else title, scope="row"),
                    html.Td(severity_chip(definition.get("severity", "LOW"))),
                    html.Td(text("{when}, for {time}", when=when, time=duration(delay)) if delay else when),
                    html.Td(text("in force") if rule["enabled"] else text("switched off")),
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


async def _one(view: View, name: str, rules: list[JsonObject]) -> Component:
    rule = next((one for one in rules if one["rule_id"] == name), None)
    if rule is None:
        missing = state(text("No such rule"), text("There is no rule {name}.", name=name), sign="rules")
        return html.Div([page_head(text("Rules")), panel(text("Address"), missing)], style={"display": "contents"})
    definition = rule["definition"]
    alerts = await view.api.alerts(rule_id=name, most=50)
    facts: list[tuple[str, object]] = [
        (text("Severity"), severity_chip(definition.get("severity", "LOW"))),
        (text("Fires at"), condition_words(str(definition.get("condition", "")))),
        (text("Once it has held for"), duration(definition.get("on_delay_seconds") or 0)),
        (text("Clears after"), duration(definition.get("off_delay_seconds") or 0)),
        (text("Latched"), text("yes, until it is reset") if definition.get("latched") else text("no")),
        (text("State"), text("in force") if rule["enabled"] else text("switched off")),
        (text("Version"), text("{n} by {author}", n=rule["version"], author=rule["author"])),
        (text("Since"), instant(rule["updated_at"])),
        (text("Next review"), definition.get("review_date") or "–"),
    ]
    why = [
        (text("Why this limit"), "threshold"),
        (text("Cause"), "cause"),
        (text("If nothing is done"), "consequence"),
        (text("Do"), "operator_action"),
        (text("Owner"), "owner"),
    ]
    reasons: list[Component] = []
    for words, key in why:
        if definition.get(key):
            reasons += [html.Dt(words), html.Dd(text(" ".join(str(definition[key]).split())))]
    if definition.get("time_to_respond"):
        reasons += [html.Dt(text("Within")), html.Dd(duration(definition["time_to_respond"]))]
    rows: list[Component] = []
    for words, value in facts:
        rows += [html.Dt(words), html.Dd(value)]
    back = dcc.Link([icon("back", size=14), text("All rules")], href=href("/rules"), className="button")
    return html.Div(
        [
            page_head(text(definition.get("title", name)), name, [back]),
            html.Div(
                [
                    html.Div(
                        [
                            panel(text("Rule"), html.Dl(rows, className="facts-list")),
                            panel(text("Reasons"), html.Dl(reasons, className="facts-list")),
                        ],
                        className="stack",
                    ),
                    panel(
                        text("Alerts of this rule"),
                        alert_list(alerts, source=view.source, path="/alerts"),
                        note=text("the newest {n}", n=50),
                        flush=True,
                        scroll="760px",
                    ),
                ],
                className="grid two",
            ),
        ],
        style={"display": "contents"},
    )
