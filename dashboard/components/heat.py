"""The heat map: a row per corridor or detector, a column per hour."""

from collections.abc import Sequence

from dashboard.components.charts import base_layout
from dashboard.shapes import JsonObject
from dashboard.units import unit_label

LONG_NAME = 14  # letters that stand in one line


def in_two_lines(name: str) -> str:
    """Return a long name broken at the space nearest its middle: on a phone the chart needs the room."""
    spaces = [at for at, letter in enumerate(name) if letter == " "]
    if len(name) <= LONG_NAME or not spaces:
        return name
    middle = min(spaces, key=lambda at: abs(at - len(name) / 2))
    return f"{name[:middle]}<br>{name[middle + 1 :]}"


def heat_figure(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    unit: str,
    *,
    low: float,
    high: float,
    words: Sequence[Sequence[str]],
) -> JsonObject:
    """Return a heat map; the first row is on top. Dark means low: the slow hour stands out on both themes."""
    trace: JsonObject = {
        "type": "heatmap",
        "x": list(columns),
        "y": list(rows),
        "z": [list(row) for row in values],
        "zmin": low,
        "zmax": high,
        "colorscale": [[0, "#6b2409"], [0.3, "#a9521c"], [0.55, "#d09a68"], [0.75, "#c9cfd4"], [1, "#a9b4bd"]],
        "xgap": 1,
        "ygap": 2,
        "hoverongaps": False,
        "customdata": [list(row) for row in words],
        "hovertemplate": "%{y}<br>%{x|%H:%M}: %{customdata}<extra></extra>",
        "colorbar": {
            "orientation": "h",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "thickness": 8,
            "outlinewidth": 0,
            "ticksuffix": f" {unit_label(unit)}",
        },
    }
    layout = base_layout(unit, height=max(190, 30 * len(rows) + 100))
    layout["xaxis"] |= {"nticks": 8}
    layout["yaxis"] = {
        "type": "category",
        "autorange": "reversed",
        "showgrid": False,
        "automargin": True,
        "fixedrange": True,
        "tickvals": list(rows),
        "ticktext": [in_two_lines(name) for name in rows],
        "tickfont": {"size": 11},
    }
    layout["margin"] = {"l": 10, "r": 6, "t": 6, "b": 80}
    layout["hovermode"] = "closest"
    return {"data": [trace], "layout": layout}
