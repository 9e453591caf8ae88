"""What a body that makes an entity must say (18-088, 10.2), and the first things that it does not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.standards.sensorthings.errors import RequestError
from api.standards.sensorthings.expression import parse_time
from devices.geojson import GeoJsonError, check_geojson

EARLIEST = parse_time("1970-01-01T00:00:00Z")
AHEAD = timedelta(days=1)  # how far in the future an observation may lie
MAX_TEXT = 10_000

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """Properties and relations that an entity must have, and those that it may have beside them."""

    required: Mapping[str, Callable[[Any], str | None]]
    optional: Mapping[str, Callable[[Any], str | None]]


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "is to be text, and not empty"
    if len(value) > MAX_TEXT or "\0" in value:
        return f"is text of at most {MAX_TEXT} characters, without NUL"
    return None


def _object(value: object) -> str | None:
    return None if isinstance(value, dict) else "is to be an object"


def _list(value: object) -> str | None:
    return None if isinstance(value, list) else "is to be a list"


def _anything(_value: object) -> str | None:
    return None


def _metadata(value: object) -> str | None:
    return "is missing" if value in (None, "") else None


def _place(value: object) -> str | None:
    try:
        check_geojson(value)
    except GeoJsonError as error:
        return f"is not GeoJSON: {error}"
    return None


def _unit(value: object) -> str | None:
    if not isinstance(value, dict):
        return "is to be an object with name, symbol and definition"
    for name in ("name", "symbol", "definition"):
        if name not in value:
            return f"lacks its {name}"
        if value[name] is not None and not isinstance(value[name], str):
            return f"has a {name} that is no text"
    return None


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
        return f"is to be a number, not {value!r:.40}: this service keeps measurements"
    return None


_NAMED = {"name": _text, "properties": _object}
_PLACED = {"description": _text, "encodingType": _text}

SHAPES = {
    "Things": Shape(
        {"description": _text},
        {**_NAMED, "Locations": _list, "Datastreams": _list, "HistoricalLocations": _list},
    ),
    "Locations": Shape({**_PLACED, "location": _place}, {**_NAMED, "Things": _list}),
    "HistoricalLocations": Shape({"time": _text, "Thing": _object, "Locations": _list}, {}),
    "Datastreams": Shape(
        {
            "description": _text,
            "observationType": _text,
            "unitOfMeasurement": _unit,
            "Thing": _object,
            "Sensor": _object,
            "ObservedProperty": _object,
        },
        # The last three come from the observations: what a body says of them is read over.
        {**_NAMED, "Observations": _list, "observedArea": _anything, "phenomenonTime": _anything,
         "resultTime": _anything},
    ),
    "Sensors": Shape({**_PLACED, "metadata": _metadata}, {**_NAMED, "Datastreams": _list}),
    "ObservedProperties": Shape(
        {"name": _text, "definition": _text, "description": _text}, {"properties": _object, "Datastreams": _list}
    ),
    "Observations": Shape(
        {"result": _number, "Datastream": _object},
        {"phenomenonTime": _text, "resultTime": _text, "resultQuality": _anything, "validTime": _text,
         "parameters": _object, "FeatureOfInterest": _object},
    ),
    "FeaturesOfInterest": Shape({**_PLACED, "feature": _place}, {**_NAMED, "Observations": _list}),
}  # fmt: skip


def check_body(entity_set: str, body: object, where: str) -> Body:
    """Return the body; raise RequestError telling everything that is missing or wrong in it."""
    if not isinstance(body, dict):
        raise RequestError(f"{where} is to be an object")
    shape = SHAPES[entity_set]
    known = {**shape.required, **shape.optional}
    faults = [f"{name} is missing" for name in shape.required if name not in body]
    for name, value in body.items():
        if name in ("@iot.id", "@iot.selfLink"):
            continue
        reason = f"is not a property of {entity_set}" if name not in known else known[name](value)
        if reason is not None:
            faults.append(f"{name} {reason}")
    if faults:
        raise RequestError(f"{where}: {'; '.join(faults[:10])}")
    return body


def linked(body: Body) -> object:
    """Return the id by which a body names an entity that exists, None where it describes a new one."""
    return body.get("@iot.id", body.get("id"))


def parse_span(text: str, where: str) -> tuple[datetime, datetime | None]:
    """Return the start and, of an interval, the end; raise RequestError."""
    try:
        start, slash, end = text.partition("/")
        span = parse_time(start), parse_time(end) if slash else None
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None
    if span[1] is not None and span[1] < span[0]:
        raise RequestError(f"{where}: {text!r} ends before it begins")
    return span


def check_span(text: str, now: datetime, where: str) -> tuple[datetime, datetime | None]:
    """Return when an observation was true; raise RequestError outside of what is kept."""
    span = parse_span(text, where)
    if not EARLIEST <= span[0] <= now + AHEAD:
        raise RequestError(f"{where}: {text!r} lies before 1970 or more than {AHEAD.days} day ahead")
    return span


def point_of(place: object) -> tuple[float | None, float | None]:
    """Return longitude and latitude of a GeoJSON point (or a feature that is one), None twice of anything else."""
    if isinstance(place, dict) and place.get("type") == "Feature":
        place = place.get("geometry")
    if not isinstance(place, dict) or place.get("type") != "Point":
        return None, None
    longitude, latitude = place["coordinates"][:2]
    if not -180 <= longitude <= 180 or not -90 <= latitude <= 90:
        raise RequestError(f"a point lies within 180 degrees of longitude and 90 of latitude, not at {place!r:.80}")
    return float(longitude), float(latitude)


def slug(name: str) -> str:
    """Return a name as an id: `Luminous Flux` as `luminous_flux`, empty where nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60]
