"""What comes and what was at one air station: the next day's forecast, WHO guidelines, a calendar of the index."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.air_days import Hours, daily_highest_eight, daily_means, hours_of, worst_levels
from dashboard.bands import EAQI_BOUNDS, EAQI_EDITION
from dashboard.components.charts import chart
from dashboard.components.forecast import forecast_figure, score_facts
from dashboard.components.icons import icon
from dashboard.components.index_calendar import index_calendar
from dashboard.components.marks import replay_chip
from dashboard.components.parts import choices, href, page_head, panel, right_cell, state, table
from dashboard.pages.view import View
from dashboard.shapes import Device, Forecast, JsonObject
from dashboard.texts import plural, property_name, text
from dashboard.units import NOTHING, number, quantity

WEEKS = 6
# What the WHO guidelines are about -> pollutant; 8h stands for the day's highest eight hours.
WHO_QUANTITIES = {"pm2_5_24h": "pm2_5", "pm10_24h": "pm10", "no2_24h": "no2", "o3_8h": "o3"}


async def page(view: View) -> Component:
    """Return the outlook of the station in the address, else of the first by name.

    A page of its own: a forecast and its score take the server a second, for which Air itself should not wait.
    """
    devices = sorted((d for d in await view.devices("air") if _pollutants(d)), key=lambda d: d["name"])
    chips: list[Component] = [] if view.clock.live else [replay_chip(view.clock.source)]
    if not devices:
        empty = state(text("No air station reports here"), text("Values appear once one does."), sign="air")
        head = page_head(text("Air outlook"), "", chips)
        return html.Div([head, panel(text("Stations"), empty)], style={"display": "contents"})
    wanted = view.query.get("device")
    device = next((d for d in devices if d["device_id"] == wanted), devices[0])
    back = href("/air", source=view.source, device=device["device_id"])
    head = page_head(
        text("Air outlook"), device["name"], [*chips, dcc.Link(text("Stations"), href=back, className="button")]
    )
    return html.Div([head, *await _panels(view, device)], style={"display": "contents"})


def _pollutants(device: Device) -> list[str]:
    return [name for name in EAQI_BOUNDS if any(row["property"] == name for row in device["latest"])]


async def _panels(view: View, device: Device) -> list[Component]:
    streams = {row["property"]: row["datastream_id"] for row in device["latest"]}
    names = _pollutants(device)
    wanted = view.query.get("forecast")
    name = wanted if wanted in names else names[0]
    today = view.clock.now.astimezone(view.zone).date()
    since = view.clock.now - timedelta(weeks=WEEKS, days=1)
    series, forecast = await asyncio.gather(
        view.api.observations([streams[each] for each in names], since, view.clock.now, "hour"),
        view.api.forecast(streams[name]),
    )
    hours = {one["property"]: hours_of(one["points"]) for one in series}
    days = guideline_days(view, hours, today)
    newest = {each: found[max(found)] for each, found in days.items() if found}
    verdict = await view.api.indicator("who", newest) if newest else None
    return [
        panel(
            text("Next 24 hours"),
            _forecast(view, forecast, hours.get(name, {})),
            note=property_name(name),
            right=[_choice(view, device, names, name)],
        ),
        html.Div(
            [
                panel(text("WHO guidelines"), _who(days, verdict), flush=True),
                panel(
                    text("Index calendar"),
                    [
                        index_calendar(worst_levels(hours, view.zone), today, WEEKS),
                        html.P(text("Worst hour of each day.") + " " + text(EAQI_EDITION), className="method"),
                    ],
                    flush=True,
                ),
            ],
            className="grid two",
        ),
    ]


def guideline_days(view: View, hours: Mapping[str, Hours], today: date) -> dict[str, dict[date, float]]:
    """Return for each WHO quantity its value on every full day before today."""
    found = {}
    for name, pollutant in WHO_QUANTITIES.items():
        of_day = daily_highest_eight if name.endswith("_8h") else daily_means
        if pollutant in hours:
            found[name] = {day: v for day, v in of_day(hours[pollutant], view.zone).items() if day < today}
    return found


def _choice(view: View, device: Device, names: list[str], chosen: str) -> Component:
    kept = {"source": view.source, "device": device["device_id"]}
    options = [(property_name(n, short=True), href("/air/outlook", **kept, forecast=n), n == chosen) for n in names]
    return choices(text("Pollutant"), options)


def _forecast(view: View, forecast: Forecast, hours: Hours) -> Component:
    if not forecast["points"]:
        words = text("It needs three weeks of hourly values, six tenths of them there.")
        return state(text("No forecast yet"), words, sign="clock")
    label = text("{property} of the next 24 hours with its band", property=property_name(forecast["property"]))
    score = forecast["score"]
    judged = (
        score_facts(score, forecast["unit"], forecast["share"])
        if score is not None
        else html.P(text("Too little history to say how good such forecasts were."), className="method")
    )
    picture = chart(forecast_figure(forecast, hours, view.zone), key="air-forecast", label=label)
    return html.Div([picture, judged], className="grid wide-left forecast")


def _who(days: Mapping[str, Mapping[date, float]], verdict: JsonObject | None) -> list[Component] | Component:
    if verdict is None:
        return state(text("No full day yet"), text("A day needs 18 hours of values."), sign="clock")
    rows = []
    for name, level in verdict["levels"].items():
        found, guideline, unit = days[name], level["guideline"], level["unit"]
        above = sum(value > guideline for value in found.values())
        newest = quantity(found[max(found)], unit)
        told: list[Component | str] = [newest]
        if level["exceeded"]:
            told = [
                html.Span([icon("error", size=13, label=text("above the guideline")), newest], className="off-target")
            ]
        rows.append(
            html.Tr(
                [
                    html.Th(property_name(WHO_QUANTITIES[name], short=True), scope="row"),
                    html.Td(text("8 hours") if name.endswith("_8h") else text("24 hours"), className="one-line"),
                    right_cell(told),
                    right_cell(quantity(guideline, unit, 0)),
                    right_cell(f"{number(level['ratio'], 1)} ×" if level["ratio"] is not None else NOTHING),
                    right_cell(plural("{above} of {n} day", "{above} of {n} days", len(found), above=above)),
                ]
            )
        )
    headings = [
        (text("Pollutant"), False),
        (text("Over"), False),
        (text("Last full day"), True),
        (text("Guideline"), True),
        (text("Ratio"), True),
        (text("Days above"), True),
    ]
    note = plural(
        "{n} guideline exceeded on the last full day.",
        "{n} guidelines exceeded on the last full day.",
        verdict["value"],
    )
    return [
        table(headings, rows, caption=text("WHO guidelines")),
        html.P(
            f"{note} {verdict['edition']}. " + text("Three to four days a year above a guideline are allowed."),
            className="method",
        ),
    ]
