"""The collection plan on the city's own outlines: a line per truck, its stops, and the bins that stay full."""

from collections.abc import Mapping

import dash_leaflet as dl
from dash import html
from dash.development.base_component import Component

from dashboard.components.city_map import Bounds, plain_map, script
from dashboard.shapes import JsonObject, Plan
from dashboard.texts import text
from dashboard.theme import CURVE_COLOURS

Place = tuple[float, float]  # latitude, longitude
DASH_PIXELS = (None, "9 5", "2 5", "9 4 2 4")  # of lines, as many as there are kinds, so that colour stands not alone


def truck_look(number: int) -> tuple[str, str | None]:
    """Return the colour and the dashes of the truck that stands `number`-th in the plan, from 0."""
    return CURVE_COLOURS[number % len(CURVE_COLOURS)], DASH_PIXELS[number % len(DASH_PIXELS)]


def _feature(geometry: str, coordinates: list[float] | list[list[float]], **properties: object) -> JsonObject:
    return {"type": "Feature", "geometry": {"type": geometry, "coordinates": coordinates}, "properties": properties}


def plan_features(plan: Plan, places: Mapping[str, Place], names: Mapping[str, str]) -> JsonObject:
    """Return the plan as GeoJSON for the map; a bin that has no known place is in the table only."""
    depot = [plan["depot"][1], plan["depot"][0]]
    found = []
    for number, route in enumerate(plan["routes"]):
        colour, dashes = truck_look(number)
        stops = [
            (v, [places[v["bin_id"]][1], places[v["bin_id"]][0]]) for v in route["visits"] if v["bin_id"] in places
        ]
        line = [depot, *(at for _, at in stops), depot]
        found.append(_feature("LineString", line, kind="route", colour=colour, dashes=dashes))
        for order, (visit, at) in enumerate(stops, start=1):
            told = text(
                "Truck {truck}, stop {order}: {bin}, {time}",
                truck=route["truck"],
                order=order,
                bin=names.get(visit["bin_id"], visit["bin_id"]),
                time=visit["arrival"],
            )
            found.append(_feature("Point", at, kind="stop", colour=colour, name=told))
    for left in plan["left_out"]:
        if left["bin_id"] in places:
            latitude, longitude = places[left["bin_id"]]
            told = text("Left out: {bin}", bin=names.get(left["bin_id"], left["bin_id"]))
            found.append(_feature("Point", [longitude, latitude], kind="left-out", name=told))
    if plan["routes"]:
        found.append(_feature("Point", depot, kind="depot", name=text("Depot")))
    return {"type": "FeatureCollection", "features": found}


def route_map(plan: Plan, places: Mapping[str, Place], names: Mapping[str, str]) -> Component:
    """Return the plan's map; the tables beside it say the same."""
    shown = [tuple(plan["depot"]), *(places[name] for name in _bins(plan) if name in places)]
    latitudes, longitudes = zip(*shown, strict=True)
    bounds: Bounds = [[min(latitudes), min(longitudes)], [max(latitudes), max(longitudes)]]
    routes = dl.GeoJSON(
        id="map-routes",
        data=plan_features(plan, places, names),
        style=script("routeStyle"),
        pointToLayer=script("stopPoint"),
        onEachFeature=script("nameStop"),
    )
    container = plain_map([routes], "plan-map", bounds)
    label = text("Map of the collection routes; the tables beside it say the same")
    return html.Div(container, role="region", className="plan-map", **{"aria-label": label})


def _bins(plan: Plan) -> list[str]:
    return [v["bin_id"] for route in plan["routes"] for v in route["visits"]] + [x["bin_id"] for x in plan["left_out"]]
