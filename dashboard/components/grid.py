"""Long tables: sorting, filtering and scrolling thousands of rows in the browser."""

from collections.abc import Sequence

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

from dashboard.components.parts import RENEWAL
from dashboard.shapes import JsonObject
from dashboard.texts import mark, text

# The table library's own words, by its keys.
GRID_WORDS = {
    "contains": mark("Contains"),
    "notContains": mark("Does not contain"),
    "equals": mark("Equals"),
    "notEqual": mark("Does not equal"),
    "startsWith": mark("Begins with"),
    "endsWith": mark("Ends with"),
    "lessThan": mark("Less than"),
    "greaterThan": mark("Greater than"),
    "inRange": mark("Between"),
    "blank": mark("Blank"),
    "notBlank": mark("Not blank"),
    "filterOoo": mark("Filter..."),
    "andCondition": mark("AND"),
    "orCondition": mark("OR"),
    "loadingOoo": mark("Loading..."),
    "page": mark("page"),
    "to": mark("to"),
    "of": mark("of"),
}


def column(field: str, words: str, *, width: int | None = None, **more: object) -> JsonObject:
    """Return a column; `width` is its least width in pixels, the rest is shared out."""
    made: JsonObject = {"field": field, "headerName": words, **more}
    if width is not None:
        made["minWidth"] = width
    return made


def grid(
    key: str,
    columns: Sequence[JsonObject],
    rows: Sequence[JsonObject],
    *,
    label: str,
    height: str,
    empty: str,
) -> Component:
    """Return a table of `rows`, one for each `device_id`; `label` names it for those who cannot see it.

    The page asks for the rows again every minute; order, filter and place stay. `empty` is said where there are none.
    """
    table = dag.AgGrid(
        id={"grid": key},
        getRowId="params.data.device_id",
        columnDefs=list(columns),
        rowData=list(rows),
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "flex": 1, "minWidth": 90},
        dashGridOptions={
            "animateRows": False,
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "rowHeight": 36,
            "headerHeight": 38,
            "suppressColumnVirtualisation": True,
            "localeText": {key: text(words) for key, words in GRID_WORDS.items()} | {"noRowsToShow": empty},
        },
        style={"height": height, "width": "100%"},
    )
    return html.Div(table, className="grid-table", role="region", **{"aria-label": label, "data-renew": str(RENEWAL)})


def rows_of(page: Component) -> dict[str, list[JsonObject]]:
    """Return the rows of each table of a page, by its key."""
    return {each["grid"]: page[each].rowData for each in page if isinstance(each, dict) and "grid" in each}
