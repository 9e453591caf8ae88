"""Which page answers which address."""

from dash import html
from dash.development.base_component import Component

from dashboard.client import ApiClient, ApiError
from dashboard.components.parts import failure, page_head, panel, state
from dashboard.dates import zone as reader_dates
from dashboard.flat import flatten
from dashboard.pages import (
    account,
    add_device,
    air,
    air_outlook,
    alerts,
    calculations,
    device,
    districts,
    inventory,
    map,
    me,
    overview,
    people,
    report,
    rule,
    rules,
    simulator,
    status,
    traffic,
    trends,
    wall,
    waste,
    waste_plan,
    work,
)
from dashboard.pages.view import Page, View
from dashboard.query import Query, choose_clock, reader_zone, wall_clock
from dashboard.texts import text

PAGES: dict[str, Page] = {
    "/": overview.page,
    "/alerts": alerts.page,
    "/map": map.page,
    "/trends": trends.page,
    "/districts": districts.page,
    "/rules": rules.page,
    "/calculations": calculations.page,
    "/report": report.page,
    "/wall": wall.page,
    "/work": work.page,
    "/traffic": traffic.page,
    "/waste": waste.page,
    "/waste/plan": waste_plan.page,
    "/air": air.page,
    "/air/outlook": air_outlook.page,
    "/devices": inventory.page,
    "/add-device": add_device.page,
    "/account": account.page,
    "/status": status.page,
    "/people": people.page,
    "/me": me.page,
    "/simulator": simulator.page,
}


# One page for each thing of a kind: the page reads its name from the address.
BELOW: dict[str, Page] = {"/devices/": device.page, "/districts/": districts.page, "/rules/": rules.page}

# What stands in a page's list of alerts, at first and whenever one has changed; on all other pages it is the open ones.
LISTS: dict[str, Page] = {"/alerts": alerts.list_body, "/devices/": device.list_body, "/rules/": rule.list_body}


def find_list(path: str) -> Page:
    """Return what writes the list of alerts of the page at `path`."""
    return next((found for place, found in LISTS.items() if path.startswith(place)), overview.list_body)


def find_page(path: str) -> Page | None:
    """Return the page at `path`, None where there is none."""
    trimmed = path.rstrip("/") or "/"
    for folder, found in BELOW.items():
        if trimmed.startswith(folder):
            return found
    return PAGES.get(trimmed)


async def make_view(api: ApiClient, path: str, search: str | None, zone: str | None) -> View:
    """Return what a page is given; raises ApiError when the sources cannot be read."""
    query = Query.parse(search)
    sources = await api.sources()
    here = reader_zone(zone)
    reader_dates.set(here)
    return View(api, query, sources, choose_clock(sources, query.source_id, wall_clock()), path, here)


def _not_found(path: str) -> Component:
    return html.Div(
        [
            page_head(text("No such page")),
            panel(text("Address"), state(text("Nothing is here"), text("There is no page at {path}.", path=path))),
        ],
        style={"display": "contents"},
    )


async def render(api: ApiClient, path: str, search: str | None, zone: str | None) -> Component:
    """Return the page at an address, or the page that says why there is none."""
    found = find_page(path)
    if found is None:
        return flatten(_not_found(path))
    try:
        view = await make_view(api, path, search, zone)
        content = await found(view)
    except ApiError as error:
        return flatten(failure(str(error)))
    fixed = "" if view.clock.live else view.clock.now.isoformat()
    return html.Div(flatten(content), style={"display": "contents"}, **{"data-source-now": fixed})
