"""Devices as WasteContainer, TrafficFlowObserved and AirQualityObserved (smart-data-models.org). Pure.

Units are those the models ask for: levels and shares from 0 to 1, wind from -180 to 180 degrees. Where a model allows
nothing below 0, the small negative values of gas sensors near zero are given as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

CORE_CONTEXT = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld"
_CONTEXTS = "https://raw.githubusercontent.com/smart-data-models/dataModel.{}/master/context.jsonld"
TIPPED = 45  # degrees from upright at which a container counts as dropped, as in the rule bin-tipped
LEVEL_F = 6  # level of service at which traffic counts as congested

# Upper ends of the US AQI categories
_AQI_LEVELS = (
    (50, "good"),
    (100, "moderate"),
    (150, "unhealthyForSensitiveGroups"),
    (200, "unhealthy"),
    (300, "veryUnhealthy"),
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a model made of one observed property; `unit` is its UN/CEFACT code, None where it has none."""

    name: str
    unit: str | None
    value: Callable[[float], Any]


def _same(value: float) -> float:
    return value


def _positive(value: float) -> float:
    return max(value, 0.0)


def _share(value: float) -> float:
    return min(max(value / 100, 0.0), 1.0)


def _around_north(value: float) -> float:
    return (value + 180) % 360 - 180


def _aqi_level(value: float) -> str:
    return next((name for end, name in _AQI_LEVELS if value <= end), "hazardous")


def _index(value: float) -> int:
    return max(round(value), 0)


_GAS = "GQ"  # microgram per cubic metre
_Attributes = Mapping[str, tuple[Attribute, ...]]

WASTE: _Attributes = {
    "fill_level": (Attribute("fillingLevel", "C62", _share),),
    "bin_temperature": (Attribute("temperature", "CEL", _same),),
    "container_weight": (Attribute("cargoWeight", "KGM", _positive),),
}
TRAFFIC: _Attributes = {
    "vehicle_speed": (Attribute("averageVehicleSpeed", "KMH", _positive),),
    "occupancy": (Attribute("occupancy", "C62", _share),),
    "level_of_service": (Attribute("congested", None, lambda value: value >= LEVEL_F),),
}
AIR: _Attributes = {
    "pm1_0": (Attribute("pm1", _GAS, _positive),),
    "pm2_5": (Attribute("pm25", _GAS, _positive),),
    "pm4_0": (Attribute("pm4", _GAS, _positive),),
    "pm10": (Attribute("pm10", _GAS, _positive),),
    "o3": (Attribute("o3", _GAS, _positive),),
    "no2": (Attribute("no2", _GAS, _positive),),
    "no": (Attribute("no", _GAS, _positive),),
    "nox": (Attribute("nox", "61", _positive),),  # parts per billion
    "so2": (Attribute("so2", _GAS, _positive),),
    "co": (Attribute("co", "GP", _positive),),  # milligram per cubic metre
    "co2": (Attribute("co2", "59", _positive),),  # parts per million
    "h2s": (Attribute("sh2", _GAS, _positive),),
    "benzene": (Attribute("c6h6", _GAS, _positive),),
    "tvoc": (Attribute("volatileOrganicCompoundsTotal", "61", _positive),),
    "air_temperature": (Attribute("temperature", "CEL", _same),),
    "relative_humidity": (Attribute("relativeHumidity", "C62", _share),),
    "air_pressure": (Attribute("pressure", "A97", _positive),),
    "wind_speed": (Attribute("windSpeed", "MTS", _positive),),
    "wind_direction": (Attribute("windDirection", "DD", _around_north),),
    "rainfall": (Attribute("precipitation", "MMT", _positive),),
    "us_aqi": (Attribute("airQualityIndex", None, _index), Attribute("airQualityLevel", None, _aqi_level)),
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its name, the domain of devices it stands for, its attributes, and properties it only reads."""

    name: str
    domain: str
    attributes: _Attributes
    reads: frozenset[str]
    context: str


MODELS = {
    model.name: model
    for model in (
        Model(
            "WasteContainer",
            "waste",
            WASTE,
            frozenset(WASTE) | {"lid_open", "tilt"},
            _CONTEXTS.format("WasteManagement"),
        ),
        Model(
            "TrafficFlowObserved",
            "traffic",
            TRAFFIC,
            frozenset(TRAFFIC) | {"vehicle_flow"},
            _CONTEXTS.format("Transportation"),
        ),
        Model("AirQualityObserved", "air", AIR, frozenset(AIR), _CONTEXTS.format("Environment")),
    )
}
BY_DOMAIN = {model.domain: model for model in MODELS.values()}


def urn(model: Model, device_id: str) -> str:
    """Return the id of a device's entity."""
    return f"urn:ngsi-ld:{model.name}:{device_id}"


def _property(value: Any, at: str | None = None, unit: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "Property", "value": value}
    if unit is not None:
        told["unitCode"] = unit
    if at is not None:
        told["observedAt"] = at
    return told


def entity(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a device as a normalised entity; `latest` of `row` gives [result, time] by observed property."""
    model = BY_DOMAIN[row["domain"]]
    latest: Mapping[str, tuple[float, str]] = row["latest"]
    made: dict[str, Any] = {"id": urn(model, row["device_id"]), "type": model.name}
    if row["name"]:
        made["name"] = _property(row["name"])
    if row["longitude"] is not None and row["latitude"] is not None:
        place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        made["location"] = {"type": "GeoProperty", "value": place}
    for name, attributes in model.attributes.items():
        if name in latest:
            value, at = latest[name]
            made.update({a.name: _property(a.value(value), at, a.unit) for a in attributes})
    newest = max((at for _, at in latest.values()), default=None)
    if model.domain == "waste":
        made["binId"] = _property(row["device_id"])
        made |= _container_state(latest)
    elif newest is not None:
        made["dateObserved"] = _property(newest)
        if model.domain == "traffic":
            made |= _traffic_interval(latest, row["expected_interval"])
    return made


def _container_state(latest: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
    """Return the status, of a container that can tell: dropped before an open lid."""
    told = {name: latest[name] for name in ("tilt", "lid_open") if name in latest}
    if not told:
        return {}
    at = max(at for _, at in told.values())
    if "tilt" in told and told["tilt"][0] >= TIPPED:
        return {"status": _property("dropped", at)}
    return {"status": _property("lidOpen" if "lid_open" in told and told["lid_open"][0] >= 1 else "ok", at)}


def _traffic_interval(latest: Mapping[str, tuple[float, str]], interval: timedelta) -> dict[str, Any]:
    """Return how many vehicles passed (the model's intensity) in the interval before the newest flow."""
    if "vehicle_flow" not in latest:
        return {}
    flow, at = latest["vehicle_flow"]
    hours = interval / timedelta(hours=1)
    return {"intensity": _property(round(max(flow, 0.0) * hours, 6), at, "C62")}


def key_values(normalised: Mapping[str, Any]) -> dict[str, Any]:
    """Return the simplified form: names and values alone."""
    return {name: part["value"] if isinstance(part, dict) else part for name, part in normalised.items()}


def only(normalised: dict[str, Any], attributes: frozenset[str] | None) -> dict[str, Any]:
    """Return the entity with those attributes alone, all of them for None."""
    if attributes is None:
        return normalised
    return {name: part for name, part in normalised.items() if name in attributes or name in ("id", "type")}


def instance(attribute: Attribute, value: float, at: str) -> dict[str, Any]:
    """Return one value of an attribute's past."""
    return _property(attribute.value(value), at, attribute.unit)
