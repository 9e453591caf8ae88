"""One rule: what it watches and why, its versions, its alerts, and what it would have raised over stored history."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.alerts import alert_list
from dashboard.components.icons import icon
from dashboard.components.marks import instant, severity_chip
from dashboard.components.parts import href, page_head, panel, state
from dashboard.dates import day_words
from dashboard.pages.view import View
from dashboard.rule_words import condition_words, watched_words
from dashboard.shapes import JsonObject
from dashboard.texts import mark, text
from dashboard.units import duration, number, plain_units

ALERTS_SHOWN = 50
LOOK_BACK_DAYS = 7
JOB_STATES = {
    "waiting": mark("Waiting"),
    "running": mark("Running"),
    "done": mark("Done"),
    "failed": mark("Failed"),
    "cancelled": mark("Cancelled"),
    "lost": mark("Lost with the server that ran it"),
}


async def list_body(view: View) -> Component:
    """Return the newest alerts of the rule that the address names."""
    alerts = await view.api.alerts(rule_id=view.below("rules"), most=ALERTS_SHOWN)
    return alert_list(alerts, source=view.source, path="/alerts")


async def rule_page(view: View, name: str, rules: list[JsonObject]) -> Component:
    """Return the page of the rule `name`, or the sentence that there is none."""
    rule = next((one for one in rules if one["rule_id"] == name), None)
    if rule is None:
        missing = state(text("No such rule"), text("There is no rule {name}.", name=name), sign="rules")
        return html.Div([page_head(text("Rules")), panel(text("Address"), missing)], style={"display": "contents"})
    number_of_job = view.query.number("backtest")
    alerts, versions, job = await asyncio.gather(
        list_body(view), view.api.rule_versions(name), _job(view, number_of_job)
    )
    definition = rule["definition"]
    back = dcc.Link([icon("back", size=14), text("All rules")], href=href("/rules"), className="button")
    return html.Div(
        [
            page_head(text(definition.get("title", name)), name, [back]),
            html.Div(
                [
                    html.Div(
                        [
                            panel(text("Rule"), _facts(rule)),
                            panel(text("Reasons"), _reasons(definition)),
                            panel(text("Versions"), _versions(versions)),
                        ],
                        className="stack",
                    ),
                    html.Div(
                        [
                            panel(
                                text("Looking back"),
                                _look_back(name, job),
                                note=text("what it would have raised over the last {n} days", n=LOOK_BACK_DAYS),
                            ),
                            panel(
                                text("Alerts of this rule"),
                                alerts,
                                note=text("the newest {n}", n=ALERTS_SHOWN),
                                flush=True,
                                body_id="alert-list",
                                scroll="760px",
                            ),
                        ],
                        className="stack",
                    ),
                ],
                className="grid two",
            ),
        ],
        style={"display": "contents"},
    )


async def _job(view: View, number_of_job: int | None) -> JsonObject | None:
    return None if number_of_job is None else await view.api.backtest(number_of_job)


def _list(entries: Sequence[tuple[str, Any]]) -> Component:
    rows: list[Component] = []
    for words, value in entries:
        rows += [html.Dt(words), html.Dd(value)]
    return html.Dl(rows, className="facts-list")


def _or_at_once(seconds: float | None) -> str:
    return duration(seconds) if seconds else text("at once")


def _facts(rule: JsonObject) -> Component:
    definition = rule["definition"]
    return _list(
        [
            (text("Severity"), severity_chip(definition.get("severity", "LOW"))),
            (text("Fires at"), condition_words(str(definition.get("condition", "")), rule["units"])),
            (text("Watches"), watched_words(definition.get("select") or {})),
            (text("Once it has held for"), _or_at_once(definition.get("on_delay_seconds"))),
            (text("Clears after"), _or_at_once(definition.get("off_delay_seconds"))),
            (text("Latched"), text("yes, until it is reset") if definition.get("latched") else text("no")),
            (text("State"), text("in force") if rule["enabled"] else text("switched off")),
            (text("Version"), text("{n} by {author}", n=rule["version"], author=rule["author"])),
            (text("Since"), instant(rule["updated_at"])),
            (text("Next review"), day_words(definition.get("review_date"))),
        ]
    )


def _reasons(definition: JsonObject) -> Component:
    why = [
        (text("Why this limit"), "threshold"),
        (text("Cause"), "cause"),
        (text("If nothing is done"), "consequence"),
        (text("Do"), "operator_action"),
        (text("Owner"), "owner"),
    ]
    said = [
        (words, plain_units(text(" ".join(str(definition[key]).split())))) for words, key in why if definition.get(key)
    ]
    if definition.get("time_to_respond"):
        said.append((text("Within"), duration(definition["time_to_respond"])))
    return _list(said)


def _versions(versions: Sequence[JsonObject]) -> Component:
    """Return each version with who made it and why; its text and its tests open below it."""
    items = []
    for version in versions:
        reason = version["reason"]
        inside: list[Component] = [html.Pre(version["text"], className="rule-text", tabIndex="0")]
        if version["tests"]:
            inside += [html.H3(text("Its tests")), html.Pre(version["tests"], className="rule-text", tabIndex="0")]
        who = text("version {n}", n=version["version"]) + f", {version['author']}" + (f": {reason}" if reason else "")
        items.append(
            html.Details(
                [html.Summary([who, " · ", instant(version["created_at"])]), *inside], className="as-table version"
            )
        )
    return html.Div(items)


def _look_back(rule_id: str, job: JsonObject | None) -> Component:
    asked = json.dumps({"action": "backtest", "rule_id": rule_id, "days": LOOK_BACK_DAYS})
    begin = html.Button(
        [icon("replay", size=15), text("Look back")], className="button primary", **{"data-request": asked}
    )
    if job is None or job["rule_id"] != rule_id:
        return html.Div([html.P(text("The rule is run over stored readings as it runs now; nobody is told.")), begin])
    words = text(JOB_STATES[job["state"]])
    if job["state"] in ("waiting", "running"):
        stop = json.dumps({"action": "cancel-backtest", "backtest_id": job["backtest_id"]})
        of = {"max": str(job["of"]), "value": str(job["done"])} if job["of"] else {}
        bar = html.Progress(**of, **{"aria-label": text("Progress of the look-back")})
        count = text("{n} of {all} devices", n=job["done"], all=job["of"]) if job["of"] else words
        button = html.Button(text("Stop"), className="button", **{"data-request": stop})
        return html.Div([html.P(f"{words}: {count}"), bar, html.P(button)], **{"data-again": "1"})
    if job["state"] != "done":
        return html.Div([html.P(f"{words}. {job['error'] or ''}"), begin])
    return html.Div([_result(job), html.P(begin)])


def _result(job: JsonObject) -> Component:
    result: JsonObject = job["result"] or {}
    load: JsonObject = result.get("load") or {}
    return _list(
        [
            (text("Span"), [instant(job["since"], seconds=False), " – ", instant(job["until"], seconds=False)]),
            (text("Devices"), number(result.get("devices"), 0)),
            (text("Readings"), number(result.get("readings"), 0)),
            (text("Alerts"), number(result.get("alerts"), 0)),
            (text("Alerts per day"), number(result.get("alerts_per_day"), 1)),
            (text("On the busiest day"), number(result.get("busiest_day"), 0)),
            (text("Most in ten minutes"), number(load.get("most_in_period"), 0)),
            (text("Still open at the end"), number(result.get("standing_at_end"), 0)),
        ]
    )
