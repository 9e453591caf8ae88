"""What the server does for a page in the browser: few callbacks, each for something a person or an alert did."""

from typing import Any
from urllib.parse import urlencode

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component

from dashboard.actions import take
from dashboard.client import ApiClient, ApiError
from dashboard.components.grid import rows_of
from dashboard.components.parts import parts_of, state
from dashboard.components.source_chooser import source_chooser
from dashboard.flat import flatten
from dashboard.pages import alert_panel, overview
from dashboard.query import Query, choose_clock, wall_clock
from dashboard.router import find_list, make_view, render
from dashboard.texts import text

PART = {"part": ALL, "device": ALL}  # see components/parts.py
GRID = {"grid": ALL}  # see components/grid.py


def register_callbacks(app: Dash, api: ApiClient) -> None:
    """Register all callbacks on `app`; data comes from `api`."""
    _register_pages(app, api)
    _register_selection(app, api)
    _register_actions(app, api)
    _register_browser(app)


def _register_pages(app: Dash, api: ApiClient) -> None:
    async def show_page(address: dict[str, str], _refresh: Any, search: str | None) -> Component:
        return await render(api, address["path"], search, address["zone"])

    async def show_sources(address: dict[str, str]) -> list[Component]:
        try:
            sources = await api.sources()
        except ApiError:
            # The page itself says that nothing can be read; the header keeps still.
            return []
        query = Query.parse(address["search"])
        chosen = choose_clock(sources, query.source_id, wall_clock()).source
        return list(flatten(source_chooser(sources, chosen, address["path"])))

    app.callback(Output("source-chooser", "children"), Input("address", "data"), prevent_initial_call=True)(
        show_sources
    )

    app.callback(
        Output("page", "children"),
        Input("address", "data"),
        Input("refresh", "data"),
        State("url", "search"),
        running=[(Output("page", "className"), "is-loading", "")],
        prevent_initial_call=True,
    )(show_page)

    async def renew(
        _due: Any,
        parts: list[dict[str, str]],
        tables: list[dict[str, str]],
        address: dict[str, str],
        search: str | None,
    ) -> tuple[list[Any], list[Any]]:
        chosen = urlencode([("device", each["device"]) for each in parts if each["device"]])
        page = await render(api, address["path"], f"{search or '?'}&{chosen}", address["zone"])
        found, rows = parts_of(page), rows_of(page)
        # Of a page that could not be loaded there are none: what is on screen stays.
        return (
            [found.get(each["part"], no_update) for each in parts],
            [rows.get(each["grid"], no_update) for each in tables],
        )

    app.callback(
        Output(PART, "children"),
        Output(GRID, "rowData"),
        Input("renewal", "data"),
        State(PART, "id"),
        State(GRID, "id"),
        State("address", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )(renew)


def _register_selection(app: Dash, api: ApiClient) -> None:
    async def refresh_alerts(_changed: Any, address: dict[str, str], search: str | None) -> Any:
        try:
            view = await make_view(api, address["path"], search, address["zone"])
            return flatten(await find_list(view.path)(view))
        except ApiError:
            # What is on screen stays, and the connection state says how old it is.
            return no_update

    app.callback(
        Output("alert-list", "children"),
        Input("alerts-changed", "data"),
        State("address", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )(refresh_alerts)

    async def show_alert(search: str | None, _changed: Any, address: dict[str, str]) -> Any:
        try:
            return flatten(await alert_panel.panel_body(await make_view(api, address["path"], search, address["zone"])))
        except ApiError as error:
            return state(text("This alert could not be loaded"), str(error), sign="error")

    app.callback(
        Output("alert-panel", "children"),
        Input("url", "search"),
        Input("alerts-changed", "data"),
        State("address", "data"),
        prevent_initial_call=True,
    )(show_alert)

    async def show_device(search: str | None, address: dict[str, str]) -> Any:
        try:
            return flatten(await overview.selection(await make_view(api, address["path"], search, address["zone"])))
        except ApiError as error:
            return state(text("This device could not be loaded"), str(error), sign="error")

    app.callback(
        Output("device-panel", "children"),
        Input("url", "search"),
        State("address", "data"),
        prevent_initial_call=True,
    )(show_device)


def _register_actions(app: Dash, api: ApiClient) -> None:
    async def act(request: dict[str, Any] | None) -> tuple[Any, Any]:
        if not request:
            return no_update, no_update
        done = await take(api, request)
        return {"at": request["at"], **done}, request["at"]

    app.callback(
        Output("act-result", "data"),
        Output("alerts-changed", "data"),
        Input("act-request", "data"),
        # Said also where it fails: the step after it must not wait for an answer that never comes.
        running=[(Output("acting", "data"), True, False)],
        prevent_initial_call=True,
    )(act)


def _register_browser(app: Dash) -> None:
    """Wire what the browser does alone; the functions are in assets/."""

    def browser(name: str) -> ClientsideFunction:
        return ClientsideFunction(namespace="citywatch", function_name=name)

    app.clientside_callback(
        browser("address"), Output("address", "data"), Input("url", "pathname"), Input("url", "search")
    )
    app.clientside_callback(
        browser("acted"),
        Output("announce", "children", allow_duplicate=True),
        Input("act-result", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(browser("acting"), Input("acting", "data"), prevent_initial_call=True)
    app.clientside_callback(
        browser("startShift"),
        Output("operator", "value"),
        Output("operator-modal", "opened"),
        Input("operator-start", "n_clicks"),
        Input("operator-answer", "n_submit"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        browser("menu"),
        Output("frame", "navbar"),
        Input("menu", "n_clicks"),
        Input("url", "pathname"),
        State("frame", "navbar"),
        prevent_initial_call=True,
    )
    app.clientside_callback(browser("loadMap"), Output("map-normal", "data"), Input("map-devices", "data"))
    app.clientside_callback(
        browser("selectOnMap"), Output("map-selected", "data"), Input("url", "search"), prevent_initial_call=True
    )
