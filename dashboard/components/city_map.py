"""The map of all devices on the city's own outlines; no tiles, no request off this machine."""

from collections.abc import Sequence
from typing import Any

import dash_leaflet as dl
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import severity_shape
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES, unanswered
from dashboard.shapes import Alert, Device, District, JsonObject
from dashboard.texts import text

Bounds = list[list[float]]


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
    """Return [[south, west], [north, east]] around all devices, and around the districts that hold some."""
    points = [
        (device["latitude"], device["longitude"])
        for device in devices
        if device["latitude"] is not None and device["longitude"] is not None
    ]
    held = {device["district_id"] for device in devices}
    for district in districts:
        if district["district_id"] in held:
            points += [(position[1], position[0]) for position in _positions(district["polygon"])]
    if not points:
        return [[-60.0, -170.0], [75.0, 170.0]]
    latitudes, longitudes = zip(*points, strict=True)
    return [[min(latitudes), min(longitudes)], [max(latitudes), max(longitudes)]]


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


def city_map(devices: Sequence[Device], districts: Sequence[District], alerts: Sequence[Alert]) -> Component:
    """Return the map; normal devices are one canvas layer, what is abnormal a live layer above it."""
    waiting = sum(unanswered(alert) for alert in alerts)
    label = text(
        "Map of {n} devices, {waiting} alerts waiting; the list beside it says the same",
        n=len(devices),
        waiting=waiting,
    )
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
            dcc.Store(id="map-devices", data=map_payload(devices, alerts)),
            dl.MapContainer(
                layers,
                id="map",
                bounds=bounds_of(devices, districts),
                boundsOptions={"padding": [16, 16]},
                preferCanvas=True,
                zoomSnap=0.25,
                # Its handler expects a centre, which a map that is given bounds does not have.
                trackViewport=False,
                attributionControl=False,
                className="map",
                style={"height": "100%"},
            ),
        ],
        role="region",
        style={"height": "100%"},
        **{"aria-label": label},
    )
