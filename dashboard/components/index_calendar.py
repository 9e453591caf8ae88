"""A calendar of index levels: a row for each week, a cell for each day, each level as number and look."""

from collections.abc import Mapping
from datetime import date, timedelta

from babel import Locale
from dash import html
from dash.development.base_component import Component

from dashboard.bands import Band
from dashboard.dates import day_words
from dashboard.texts import language, property_name, text


def calendar_weeks(today: date, weeks: int) -> list[list[date]]:
    """Return the days of the last `weeks` weeks, Mondays first, the one that holds `today` last."""
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=weeks - 1)
    return [[first + timedelta(days=7 * week + day) for day in range(7)] for week in range(weeks)]


def level_class(band: Band) -> str:
    """Return the look of a level: plain up to moderate, standing out from poor on."""
    return "level bad" if band.level >= 5 else "level poor" if band.level == 4 else "level"


def index_calendar(levels: Mapping[date, Band], today: date, weeks: int) -> Component:
    """Return the calendar as a table."""
    code = language.get()
    names = Locale.parse(code).days["format"]["abbreviated"]
    head = html.Tr(
        [html.Th(text("Week from"), scope="col"), *(html.Th(str(names[day]), scope="col") for day in range(7))]
    )
    rows = [
        html.Tr([html.Th(day_words(week[0], year=False), scope="row"), *(_day(d, levels) for d in week)])
        for week in calendar_weeks(today, weeks)
    ]
    caption = html.Caption(text("Worst hourly level of each day"), className="unseen")
    return html.Table([caption, html.Thead(head), html.Tbody(rows)], className="data calendar")


def _day(day: date, levels: Mapping[date, Band]) -> Component:
    band = levels.get(day)
    if band is None:
        return html.Td("–", className="soft")
    when = day_words(day)
    told = f"{when}: {text(band.name)}, {property_name(band.responsible)}"
    return html.Td(
        [
            html.Span(str(band.level), className=level_class(band), **{"aria-hidden": "true"}),
            html.Span(told, className="unseen"),
        ],
        title=told,
    )
