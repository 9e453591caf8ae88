"""The running simulation, the buttons that steer it, and the scoreboard."""

import json
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.client_simulator import Score, Simulation
from dashboard.components.icons import icon
from dashboard.components.marks import instant
from dashboard.components.parts import Children, right_cell, state, table
from dashboard.texts import text
from dashboard.units import number


def now_facts(simulation: Simulation) -> Component:
    """Return what the city goes through now."""
    if not simulation["enabled"]:
        return state(text("No simulator is listening"), text("citywatch up starts one."))
    playing, asked = simulation["playing"], simulation["asked"]
    words: list[Component | str] = (
        [html.Strong(playing), " ", text("since"), " ", instant(simulation["playing_since"])]
        if playing
        else [html.Strong(text("The city stands still: no device sends."))]
    )
    if asked != playing:
        words += [
            html.Span(text("Asked for: {name}; it begins in a moment", name=asked or text("nothing")), className="soft")
        ]
    return html.Dl(
        [
            html.Dt(text("Playing")),
            html.Dd(words),
            html.Dt(text("Asked for by")),
            html.Dd([simulation["asked_by"], " ", instant(simulation["asked_at"])]),
            html.Dt(text("City")),
            html.Dd(text("{n} devices, seed {seed}", n=number(simulation["devices"], 0), seed=simulation["seed"])),
        ],
        className="facts-list",
    )


def stop_button() -> Component:
    """Return the button that lets the city stand still."""
    return html.Button(text("Stop"), className="button", **{"data-request": json.dumps({"action": "simulator-stop"})})


def play_button(name: str, *, playing: bool) -> Component:
    """Return the button that has the city go through a scenario."""
    words = text("Begin anew") if playing else text("Begin")
    request = json.dumps({"action": "simulator-start", "scenario": name})
    return html.Button(words, className="button", **{"data-request": request, "aria-label": f"{words}: {name}"})


def playing_chip() -> Component:
    """Return the sign of the scenario that plays."""
    return html.Span([icon("replay", size=13), text("Playing")], className="chip freshness-fresh")


def scoreboard(scores: Sequence[Score]) -> Children:
    """Return the scores by scenario: sums over its runs, false alerts as their mean."""
    if not scores:
        how = text("citywatch score NAME runs a scenario through a system of its own and writes the score down here.")
        return state(text("No run yet"), how)
    rows = []
    for name in sorted({score["scenario"] for score in scores}):
        runs = [score for score in scores if score["scenario"] == name]
        false = sum(run["false_alerts_per_day"] for run in runs) / len(runs)
        rows.append(
            html.Tr(
                [
                    html.Th(name, scope="row"),
                    right_cell(number(len(runs), 0)),
                    right_cell(_share(sum(run["found"] for run in runs), sum(run["planted"] for run in runs))),
                    right_cell(_share(sum(run["right"] for run in runs), sum(run["said"] for run in runs))),
                    right_cell(number(false, 1)),
                ]
            )
        )
    headings = [
        (text("Scenario"), False),
        (text("Runs"), True),
        (text("Incidents told of"), True),
        (text("Alerts that were right"), True),
        (text("False alerts a day"), True),
    ]
    return table(headings, rows, caption=text("Scoreboard"))


def _share(part: int, whole: int) -> str:
    return text("{part} of {whole}", part=number(part, 0), whole=number(whole, 0)) if whole else "–"
