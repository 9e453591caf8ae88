"""The collection plan: which truck empties which bins, what stays full and why, and what more or fewer trucks do."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.client import ApiError
from dashboard.components.fullness import full_in
from dashboard.components.marks import replay_chip
from dashboard.components.parts import choices, href, page_head, panel, right_cell, state, table
from dashboard.components.route_map import route_map, truck_look
from dashboard.pages.view import View
from dashboard.shapes import Device, Plan, TruckRoute
from dashboard.texts import mark, plural, text
from dashboard.units import NOTHING, number, quantity

TRUCKS, MOST_TRUCKS = 2, 50
LEVEL = 60
LEVELS = (50, 60, 70, 80, 90)
WITHIN = (0, 12, 24, 48)  # hours: bins that may be full by then are emptied as well; 0 for none of them
WHAT_IF_BINS = 40  # a plan of more bins takes several seconds, and the comparison makes two more
NO_PLAN = (409, 503)  # too many bins for one plan, or other plans are being made: other choices may have one
# What the API says of a bin that is left out, or where there is no plan -> the same in the reader's words.
REASONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"no truck has room or time left \(priority (?P<n>\d+)\)"), mark("no truck has room or time left")),
    (
        re.compile(r"its (?P<n>\d+) fit into no truck \(the largest holds (?P<most>\d+)\)"),
        mark("its {n} l fit into no truck, the largest holds {most} l"),
    ),
    (re.compile(r"no shift reaches it between .*"), mark("no shift reaches it in time and gets back")),
    (
        re.compile(r"more than (?P<n>\d+) bins: .*"),
        mark("More than {n} bins are to be emptied, and no more are planned at once. Choose a higher level."),
    ),
    (
        re.compile(r"other plans are being made: .*"),
        mark("Other plans are being made. Try again in a few seconds."),
    ),
)


def reason_words(reason: str) -> str:
    """Return why a bin, or the plan, is missing in the reader's language; as the API says it where we have no words."""
    for pattern, words in REASONS:
        if found := pattern.fullmatch(reason):
            return text(words, **found.groupdict())
    return reason


def served(plan: Plan) -> int:
    """Return how many bins are emptied."""
    return sum(len(route["visits"]) for route in plan["routes"])


def trucks_beside(trucks: int) -> list[int]:
    """Return the numbers of trucks that a plan is compared with: one less and one more, where there can be."""
    return [other for other in (trucks - 1, trucks + 1) if 1 <= other <= MOST_TRUCKS]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the plan is asked for: trucks, and which bins."""

    view: View
    trucks: int
    level: int
    within: int

    async def plan(self, trucks: int) -> Plan:
        """Return the plan with so many trucks."""
        return await self.view.api.plan(
            trucks=trucks, level=self.level, within=self.within, source_id=self.view.source_id
        )

    async def plan_or_none(self, trucks: int) -> Plan | None:
        """Return the plan with so many trucks; None where none can be made now."""
        try:
            return await self.plan(trucks)
        except ApiError as error:
            if error.status not in NO_PLAN:
                raise
            return None

    def address(self, **other: int) -> str:
        """Return where the same with other choices is shown."""
        chosen = {"trucks": self.trucks, "level": self.level, "within": self.within, **other}
        return href("/waste/plan", source=self.view.source, **{**chosen, "within": chosen["within"] or None})


async def page(view: View) -> Component:
    """Return the plan for the number of trucks and the level in the address."""
    trucks = min(MOST_TRUCKS, max(1, view.query.number("trucks") or TRUCKS))
    wanted = view.query.number("level")
    level = wanted if wanted in LEVELS else LEVEL
    hours = view.query.number("within")
    asked = Asked(view, trucks, level, hours if hours in WITHIN else 0)
    try:
        plan, bins = await asyncio.gather(asked.plan(trucks), view.devices("waste"))
    except ApiError as error:
        if error.status not in NO_PLAN:
            raise
        # The choices stay: by them the reader finds a plan that can be made.
        return _without_plan(asked, str(error))
    by_id = {bin_["device_id"]: bin_ for bin_ in bins}
    names = {bin_["device_id"]: bin_["name"] or bin_["device_id"] for bin_ in bins}
    places = {
        bin_["device_id"]: (bin_["latitude"], bin_["longitude"])
        for bin_ in bins
        if bin_["latitude"] is not None and bin_["longitude"] is not None
    }
    head = page_head(text("Collection plan"), _note(plan, asked), _actions(asked))
    if not plan["bins"]:
        words = text("No bin is filled to {level} %. Choose a lower level to plan ahead.", level=level)
        empty = panel(text("Routes"), state(text("Nothing to collect"), words, sign="check"))
        return html.Div([head, empty], style={"display": "contents"})
    others: list[tuple[int, Plan]] = []
    if plan["bins"] <= WHAT_IF_BINS:
        beside = trucks_beside(trucks)
        plans = await asyncio.gather(*(asked.plan_or_none(other) for other in beside))
        others = [(other, found) for other, found in zip(beside, plans, strict=True) if found is not None]
    right = [
        panel(text("What if"), _what_if(asked, [*others, (trucks, plan)]), flush=True),
        panel(text("Trucks"), _trucks(asked, plan), flush=True),
        panel(text("Left out"), _left_out(view, plan, names), flush=True, scroll="300px"),
    ]
    return html.Div(
        [
            head,
            html.Div(
                [
                    panel(text("Routes"), route_map(plan, places, names), right=[_legend(plan)], flush=True),
                    html.Div(right, className="stack"),
                ],
                className="grid wide-left",
            ),
            panel(text("Stops"), _stops(view, plan, names, by_id), flush=True, scroll="560px"),
        ],
        style={"display": "contents"},
    )


def _without_plan(asked: Asked, sentence: str) -> Component:
    again = html.Button(text("Try again"), className="button", **{"data-action": "reload"})
    told = state(text("There is no plan"), reason_words(sentence), again, sign="error")
    head = page_head(text("Collection plan"), _which(asked), _actions(asked))
    return html.Div([head, panel(text("Routes"), told)], style={"display": "contents"})


def _which(asked: Asked) -> str:
    which = text("at {level} % or more", level=asked.level)
    if asked.within:
        which = text("{which} or full within {n} h", which=which, n=asked.within)
    return which


def _note(plan: Plan, asked: Asked) -> str:
    return f"{plural('{n} bin to empty', '{n} bins to empty', plan['bins'])}, {_which(asked)}"


def _actions(asked: Asked) -> list[Component]:
    view = asked.view
    chips: list[Component] = [] if view.clock.live else [replay_chip(view.clock.source)]
    levels = [(f"{each} %", asked.address(level=each), each == asked.level) for each in LEVELS]
    ahead = [
        (text("{n} h", n=each) if each else text("none"), asked.address(within=each), each == asked.within)
        for each in WITHIN
    ]
    numbers = sorted({1, 2, 3, 4, 5, 6, asked.trucks})
    fleets = [(str(each), asked.address(trucks=each), each == asked.trucks) for each in numbers]
    return [
        *chips,
        html.Span(text("Trucks"), className="soft"),
        choices(text("Trucks"), fleets),
        html.Span(text("Filled to"), className="soft"),
        choices(text("Filled to"), levels),
        html.Span(text("or full within"), className="soft"),
        choices(text("or full within"), ahead),
        dcc.Link(text("Bins"), href=href("/waste", source=view.source), className="button"),
    ]


def _legend(plan: Plan) -> Component:
    signs: list[Component] = []
    for at, route in enumerate(plan["routes"]):
        colour, _ = truck_look(at)
        swatch = html.Span(className="swatch", style={"background": colour})
        signs.append(html.Span([swatch, text("Truck {n}", n=route["truck"])]))
    if plan["left_out"]:
        signs.append(html.Span([html.Span(className="ring"), text("Left out")]))
    return html.Div(signs, className="legend")


def _kilometres(metres: int) -> str:
    return quantity(metres / 1000, "km", 1)


def _what_if(asked: Asked, plans: Sequence[tuple[int, Plan]]) -> Component:
    rows = []
    for count, plan in sorted(plans, key=lambda each: each[0]):
        words = plural("{n} truck", "{n} trucks", count)
        name = html.Strong(words) if count == asked.trucks else dcc.Link(words, href=asked.address(trucks=count))
        rows.append(
            html.Tr(
                [
                    html.Th(name, scope="row"),
                    right_cell(f"{served(plan)} / {plan['bins']}"),
                    right_cell(number(len(plan["left_out"]), 0)),
                    right_cell(_kilometres(plan["distance"])),
                    right_cell(max((route["end"] for route in plan["routes"]), default=NOTHING)),
                ],
                **{"data-selected": "true" if count == asked.trucks else "false"},
            )
        )
    headings = [
        (text("Trucks"), False),
        (text("Emptied"), True),
        (text("Left out"), True),
        (text("Distance"), True),
        (text("Back at"), True),
    ]
    return table(headings, rows, caption=text("What more or fewer trucks do"))


def _trucks(chosen: Asked, plan: Plan) -> list[Component]:
    asked: dict[str, str | int] = {
        "trucks": chosen.trucks,
        "least_level": chosen.level,
        "source_id": chosen.view.source_id,
        **({"full_within": chosen.within} if chosen.within else {}),
    }
    rows = [
        html.Tr(
            [
                html.Th(text("Truck {n}", n=route["truck"]), scope="row"),
                right_cell(number(len(route["visits"]), 0)),
                right_cell(quantity(route["load"], "l", 0)),
                right_cell(_kilometres(route["distance"])),
                right_cell(f"{route['start']}–{route['end']}"),
                html.Td(html.A("CSV", href=_file(asked, format="csv", truck=route["truck"]), **_named(route))),
            ]
        )
        for route in plan["routes"]
    ]
    headings = [
        (text("Truck"), False),
        (text("Stops"), True),
        (text("Load"), True),
        (text("Distance"), True),
        (text("Under way"), True),
        (text("File"), False),
    ]
    note = text(
        "{distance} in all, against {order} in the order of the bins' numbers. Distances are beeline times 1.3.",
        distance=_kilometres(plan["distance"]),
        order=_kilometres(plan["distance_in_bin_order"]),
    )
    whole = html.A(text("Plan as GeoJSON"), href=_file(asked, format="geojson"), download="collection-plan.geojson")
    return [table(headings, rows, caption=text("Trucks")), html.P([note, " ", whole], className="method")]


def _named(route: TruckRoute) -> dict[str, str]:
    return {"aria-label": f"CSV: {text('Truck {n}', n=route['truck'])}"}


def _file(asked: Mapping[str, str | int], **more: str) -> str:
    return href("/api/v1/routes", **asked, **more)


def _bin_link(view: View, bin_id: str, names: Mapping[str, str]) -> Component:
    return dcc.Link(names.get(bin_id, bin_id), href=href(f"/devices/{bin_id}", source=view.source))


def _left_out(view: View, plan: Plan, names: Mapping[str, str]) -> Component:
    if not plan["left_out"]:
        return state(text("None"), text("Every bin that is due is on a round."), sign="check")
    rows = [
        html.Tr(
            [
                html.Th(_bin_link(view, left["bin_id"], names), scope="row"),
                html.Td(reason_words(left["reason"])),
            ]
        )
        for left in plan["left_out"]
    ]
    return table([(text("Bin"), False), (text("Reason"), False)], rows, caption=text("Bins left out"))


def _stops(view: View, plan: Plan, names: Mapping[str, str], bins: Mapping[str, Device]) -> Component:
    rows = [
        html.Tr(
            [
                html.Td(text("Truck {n}", n=route["truck"])),
                right_cell(str(order)),
                html.Th(_bin_link(view, visit["bin_id"], names), scope="row"),
                right_cell(full_in(bins[visit["bin_id"]]) if visit["bin_id"] in bins else NOTHING),
                right_cell(visit["arrival"]),
                right_cell(quantity(visit["load"], "l", 0)),
            ]
        )
        for route in plan["routes"]
        for order, visit in enumerate(route["visits"], start=1)
    ]
    headings = [
        (text("Truck"), False),
        (text("Stop"), True),
        (text("Bin"), False),
        (text("Full in"), True),
        (text("Arrival"), True),
        (text("On board after it"), True),
    ]
    return table(headings, rows, caption=text("Stops in the order of each truck"))
