"""The map of all devices on the city's own outlines; no tiles, no request off this machine."""

import math
from collections.abc import Sequence
from typing import Any

import dash_leaflet as dl
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.components.icons import severity_shape
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES, unanswered
from dashboard.shapes import Clusters, Device, District, JsonObject
from dashboard.texts import text

Bounds = list[list[float]]
MOST_SINGLE = 2000  # devices that are drawn one by one; more are gathered by the server
EVERYWHERE = [-170.0, -60.0, 170.0, 75.0]  # west, south, east, north
USUAL = (900, 600)  # pixels of a map


def script(name: str) -> JsonObject:
    """Return a reference to a function of assets/d-map.js, as the map components take it."""
    return {"variable": f"citywatch.map.{name}"}


def _positions(geometry: JsonObject) -> list[list[float]]:
    found: list[list[float]] = []
    waiting: list[Any] = [geometry.get("coordinates", [])]
    while waiting:
        item = waiting.pop()
        if item and isinstance(item[0], int | float):
            found.append(item)
        else:
            waiting += item
    return found


def bounds_of(devices: Sequence[Device], districts: Sequence[District]) -> Bounds:
    """Return [[south, west], [north, east]] around all devices, and around the districts that hold some.

    Where there are such districts, a device far away from them does not count: one place that was typed wrongly would
    make the whole city a dot on everybody's map.
    """
    held = {device["district_id"] for device in devices}
    outlines = [
        (position[1], position[0])
        for district in districts
        if district["district_id"] in held
        for position in _positions(district["polygon"])
    ]
    places = [
        (device["latitude"], device["longitude"])
        for device in devices
        if device["latitude"] is not None and device["longitude"] is not None
    ]
    if outlines:
        (south, west), (north, east) = _grown(_around(outlines))
        return _around(outlines + [p for p in places if south <= p[0] <= north and west <= p[1] <= east])
    if places:
        return _around(places)
    west, south, east, north = EVERYWHERE
    return [[south, west], [north, east]]


def _around(points: Sequence[tuple[float, float]]) -> Bounds:
    latitudes, longitudes = zip(*points, strict=True)
    return [[min(latitudes), min(longitudes)], [max(latitudes), max(longitudes)]]


def _grown(bounds: Bounds) -> Bounds:
    """Return bounds that reach as far again on each side: what lies beyond is not near."""
    (south, west), (north, east) = bounds
    up, across = north - south, east - west
    return [[south - up, west - across], [north + up, east + across]]


def city_extent(extent: list[float] | None, districts: Sequence[District]) -> list[float] | None:
    """Return the devices' [west, south, east, north]; where it reaches far beyond the districts, theirs instead."""
    outlines = [(at[1], at[0]) for district in districts for at in _positions(district["polygon"])]
    if extent is None or not outlines:
        return extent
    box = _around(outlines)
    (south, west), (north, east) = box
    (far_south, far_west), (far_north, far_east) = _grown(box)
    if extent[0] > far_east or extent[2] < far_west or extent[1] > far_north or extent[3] < far_south:
        return extent  # devices of another place altogether
    return [
        extent[0] if extent[0] >= far_west else west,
        extent[1] if extent[1] >= far_south else south,
        extent[2] if extent[2] <= far_east else east,
        extent[3] if extent[3] <= far_north else north,
    ]


def map_payload(devices: Sequence[Device], alerts: Sequence[Alert]) -> JsonObject:
    """Return what the browser keeps of every device: rows rather than objects, as there may be thousands."""
    return {
        "devices": [
            [
                device["device_id"],
                device["name"],
                device["domain"],
                device["latitude"],
                device["longitude"],
                device["freshness"],
                device["last_time"],
                device["expected_interval_seconds"],
            ]
            for device in devices
        ],
        "alerts": [
            {
                "alert_id": alert["alert_id"],
                "device_id": alert["device_id"],
                "severity": alert["severity"],
                "state": alert["state"],
                "open": alert["open"],
                "raised_at": alert["raised_at"],
                "cleared_at": alert["cleared_at"],
            }
            for alert in alerts
        ],
    }


def map_legend() -> Component:
    """Return what the marks on the map mean."""
    signs: list[Component] = [
        html.Span([severity_shape(severity, size=12), text(SEVERITY_NAMES[severity])]) for severity in SEVERITIES
    ]
    signs.append(html.Span([html.Span(className="ring"), text("Stale or silent")]))
    signs.append(html.Span([html.Span(className="dot"), text("Normal")]))
    return html.Div(signs, className="legend")


def base_layers() -> list[Component]:
    """Return what lies below everything else: the base map and the outlines of the districts."""
    return [
        # Panes keep the order of the layers, whichever arrives first: base map, outlines, devices.
        dl.Pane(
            dl.GeoJSON(id="map-base", url="/api/v1/basemap.geojson", style=script("baseStyle"), interactive=False),
            name="ground",
            style={"zIndex": 210},
        ),
        dl.Pane(
            dl.GeoJSON(
                id="map-districts",
                url="/api/v1/districts.geojson",
                style=script("districtStyle"),
                onEachFeature=script("nameDistrict"),
                interactive=False,
            ),
            name="outlines",
            style={"zIndex": 220},
        ),
    ]


def plain_map(layers: Sequence[Component], name: str, bounds: Bounds, **more: Any) -> Component:
    """Return a map of the base layers and `layers` around `bounds`; `more` goes to the container."""
    scale = dl.ScaleControl(position="bottomleft", imperial=False)
    return _container([*base_layers(), *layers, scale], name, bounds, 26, **more)


def _container(layers: Sequence[Component], name: str, bounds: Bounds, padding: int, **more: Any) -> Component:
    return dl.MapContainer(
        layers,
        id=name,
        bounds=bounds,
        boundsOptions={"padding": [padding, padding]},
        preferCanvas=True,
        zoomSnap=0.25,
        # Its handler expects a centre, which a map that is given bounds does not have.
        trackViewport=False,
        attributionControl=False,
        className="map",
        style={"height": "100%"},
        **more,
    )


def city_map(devices: Sequence[Device], districts: Sequence[District], alerts: Sequence[Alert]) -> Component:
    """Return the map; normal devices are one canvas layer, what is abnormal a live layer above it."""
    waiting = sum(unanswered(alert) for alert in alerts)
    label = text(
        "Map of {n} devices, {waiting} alerts waiting; the list beside it says the same",
        n=len(devices),
        waiting=waiting,
    )
    return _map(map_payload(devices, alerts), bounds_of(devices, districts), label)


def gathered_map(whole: Clusters, first: Clusters, source_id: str, domain: str | None) -> Component:
    """Return the map of more devices than are drawn one by one: clusters, which the browser asks for as it moves.

    `first` is what stands on it until then, gathered for the zoom of `zoom_for(whole["extent"])`.
    """
    west, south, east, north = whole["extent"] or EVERYWHERE
    label = text(
        "Map of {n} devices, {alerting} with open alerts",
        n=whole["devices"],
        alerting=whole["alerting"],
    )
    payload = {"gathered": {"source_id": source_id, "domain": domain, "first": first}}
    return _map(payload, [[south, west], [north, east]], label)


def zoom_for(extent: list[float] | None) -> int:
    """Return the zoom at which a map of the usual size shows all of an extent."""
    west, south, east, north = extent or EVERYWHERE
    # Along a meridian Mercator's scale grows with 1 / cos; a city is small enough for one scale.
    across, up = east - west, (north - south) / max(0.1, math.cos(math.radians((north + south) / 2)))
    sides = [pixels * 360 / (256 * degrees) for pixels, degrees in zip(USUAL, (across, up), strict=True) if degrees > 0]
    return max(0, min(18, math.floor(math.log2(min(sides))))) if sides else 15


def _map(payload: JsonObject, bounds: Bounds, label: str) -> Component:
    layers: list[Component] = [
        *base_layers(),
        dl.GeoJSON(
            id="map-normal",
            pointToLayer=script("normalPoint"),
            onEachFeature=script("nameDevice"),
            eventHandlers={"click": script("select")},
        ),
        dl.GeoJSON(
            id="map-abnormal",
            pointToLayer=script("abnormalPoint"),
            eventHandlers={"click": script("select")},
        ),
        dl.ScaleControl(position="bottomleft", imperial=False),
    ]
    return html.Div(
        [
            dcc.Store(id="map-devices", data=payload),
            _container(layers, "map", bounds, 16),
        ],
        role="region",
        style={"height": "100%"},
        **{"aria-label": label},
    )
