"""The demo's simulator: each scenario with what it plants, when, and which alerts are expected to follow."""

import asyncio
from collections.abc import Mapping

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.client_simulator import Simulation
from dashboard.components.parts import href, page_head, panel, right_cell, state, table
from dashboard.components.simulation import now_facts, play_button, playing_chip, scoreboard, stop_button
from dashboard.pages.view import View
from dashboard.shapes import JsonObject
from dashboard.texts import domain_name, mark, plural, text
from dashboard.units import duration, number

KIND_NAMES = {
    "overflow": mark("Bin fills up"),
    "bin_fire": mark("Fire in a bin"),
    "pollution_episode": mark("Air pollution episode"),
    "crash": mark("Crash"),
    "congestion": mark("Congestion"),
    "festival": mark("Street festival"),
    "power_cut": mark("Power cut"),
    "gateway_down": mark("Gateway down"),
    "battery_decline": mark("Battery runs down"),
    "dropout": mark("Device falls silent"),
    "stuck": mark("Value stuck"),
    "spike": mark("Spikes"),
    "offset": mark("Constant offset"),
    "drift": mark("Slow drift"),
    "noise": mark("Too much noise"),
    "unit_slip": mark("Values in another unit"),
    "clock_offset": mark("Clock wrong"),
    "clock_zone": mark("Clock in another time zone"),
    "clock_1970": mark("Clock back at 1970"),
    "clock_milliseconds": mark("Time in milliseconds"),
    "duplicates": mark("Messages sent twice"),
    "out_of_order": mark("Messages out of order"),
    "burst_replay": mark("Backlog sent at once"),
    "malformed": mark("Malformed messages"),
    "flood": mark("Flood of messages"),
}


async def page(view: View) -> Component:
    """Return the scenarios, or why there are none to see."""
    head = page_head(text("Simulator"), text("what the demo's city can go through"))
    status, may = await asyncio.gather(view.api.status(), view.api.permissions())
    if not status["demo"] or "configure" not in may:
        why = (
            text("Your account may not configure the simulator.")
            if status["demo"]
            else text("The city here is a real one: only the demo has a simulator.")
        )
        return html.Div(
            [head, panel(text("Scenarios"), state(text("Nothing to see"), why))], style={"display": "contents"}
        )
    scenarios, rules, simulation, scores = await asyncio.gather(
        view.api.scenarios(), view.api.rules(), view.api.simulation(), view.api.scores()
    )
    titles = {str(rule["rule_id"]): text(rule_title(rule)) for rule in rules}
    command = html.P(
        [
            text("See how a scenario is answered, alert by alert, with") + " ",
            html.Code("citywatch score NAME"),
            ": " + text("recall, precision, delay and false alerts a day against what was planted."),
        ],
        className="method",
    )
    right = [stop_button()] if simulation["enabled"] and simulation["playing"] is not None else []
    above = [
        panel(text("Now"), now_facts(simulation), right=right),
        panel(text("Scoreboard"), [scoreboard(scores), command], flush=True),
    ]
    panels = html.Div(
        [_scenario(scenario, titles, simulation) for scenario in scenarios],
        className="scenarios",
        style={"display": "contents"},
    )
    return html.Div([head, *above, panels], style={"display": "contents"})


def _scenario(scenario: JsonObject, titles: Mapping[str, str], simulation: Simulation) -> Component:
    words = html.P(text(scenario["description"]), className="method")
    plants = scenario["plants"]
    note = plural("{n} thing planted", "{n} things planted", len(plants))
    body = [words] if not plants else [words, _plants(plants, titles)]
    playing = simulation["playing"] == scenario["name"]
    right = [play_button(scenario["name"], playing=playing)] if simulation["enabled"] else []
    return panel(scenario["name"], body, note=note, right=[playing_chip(), *right] if playing else right, flush=True)


def rule_title(rule: JsonObject) -> str:
    """Return the title of a rule in force, its id where it has none."""
    return str(rule["definition"].get("title", rule["rule_id"]))


def when_words(plant: JsonObject) -> str:
    """Return when something planted begins."""
    if plant["per_day"] is not None:
        return text("at random, {n} times a day", n=number(plant["per_day"], 0))
    if plant["clock"] is not None:
        return text("at {clock} by the city's clocks", clock=plant["clock"])
    seconds = plant["after_s"]
    if seconds == 0:
        return text("at the start")
    length = duration(abs(seconds))
    return (
        text("{length} after the start", length=length)
        if seconds > 0
        else text("{length} before the start", length=length)
    )


def lasts_words(plant: JsonObject) -> str:
    """Return how long something planted lasts."""
    shortest, longest = plant["lasts_s"]
    if shortest == longest:
        return duration(shortest)
    return text("{shortest} to {longest}", shortest=duration(shortest), longest=duration(longest))


def _plants(plants: list[JsonObject], titles: Mapping[str, str]) -> Component:
    rows = []
    for plant in plants:
        where = domain_name(plant["domain"]) if plant["domain"] else ""
        rows.append(
            html.Tr(
                [
                    html.Th(
                        [
                            text(KIND_NAMES.get(str(plant["kind"]), str(plant["kind"]))),
                            html.Div(where, className="soft"),
                        ],
                        scope="row",
                    ),
                    right_cell(number(plant["count"], 0)),
                    html.Td(when_words(plant), className="one-line"),
                    html.Td(lasts_words(plant), className="one-line"),
                    html.Td(_alerts(plant["alerts"], titles)),
                ]
            )
        )
    headings = [
        (text("Planted"), False),
        (text("Devices"), True),
        (text("When"), False),
        (text("Lasts"), False),
        (text("Alerts that may stand for it"), False),
    ]
    return table(headings, rows, caption=text("What is planted"))


def _alerts(names: list[str], titles: Mapping[str, str]) -> list[Component | str] | Component:
    if not names:
        return html.Span(text("none: quality flags or the data account show it"), className="soft")
    parts: list[Component | str] = []
    for name in names:
        parts += [", "] if parts else []
        parts.append(dcc.Link(titles[name], href=href(f"/rules/{name}")) if name in titles else name)
    return parts
