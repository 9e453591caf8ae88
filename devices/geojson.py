"""Whether a document is GeoJSON (RFC 7946), and if not, where it goes wrong. Pure."""

from collections.abc import Mapping

# How deep the positions stand in the coordinates of each geometry
_LEVELS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_MAX_NESTING = 20


class GeoJsonError(ValueError):
    """The document is not GeoJSON; the text says where and why."""


def check_geojson(document: object) -> None:
    """Raise GeoJsonError unless `document` is a geometry, a Feature or a FeatureCollection as RFC 7946 has them."""
    kind = _object(document, "GeoJSON").get("type")
    if kind == "FeatureCollection":
        features = _object(document, kind).get("features")
        if not isinstance(features, list):
            raise GeoJsonError("FeatureCollection: features is to be a list")
        for k, feature in enumerate(features):
            _check_feature(feature, f"features[{k}]")
        _check_box(document, kind)
    elif kind == "Feature":
        _check_feature(document, "Feature")
    else:
        check_geometry(document)


def check_geometry(geometry: object, where: str = "geometry", depth: int = 0) -> None:
    """Raise GeoJsonError unless `geometry` is one of the seven geometries."""
    fields = _object(geometry, where)
    kind = fields.get("type")
    if kind == "GeometryCollection":
        members = fields.get("geometries")
        if not isinstance(members, list) or depth >= _MAX_NESTING:
            raise GeoJsonError(f"{where}: geometries is to be a list, nested at most {_MAX_NESTING} deep")
        for k, member in enumerate(members):
            check_geometry(member, f"{where}.geometries[{k}]", depth + 1)
    elif isinstance(kind, str) and kind in _LEVELS:
        _check_coordinates(kind, fields.get("coordinates"), _LEVELS[kind], f"{where}.coordinates")
    else:
        raise GeoJsonError(f"{where}: type is to be a GeoJSON type, not {kind!r}")
    _check_box(geometry, where)


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise GeoJsonError(f"{where} is to be an object, not {type(value).__name__}")
    return value


def _check_feature(feature: object, where: str) -> None:
    fields = _object(feature, where)
    if fields.get("type") != "Feature":
        raise GeoJsonError(f"{where}: type is to be 'Feature', not {fields.get('type')!r}")
    for name in ("geometry", "properties"):
        if name not in fields:
            raise GeoJsonError(f"{where}: {name} is missing; it may be null")
    if fields["geometry"] is not None:
        check_geometry(fields["geometry"], f"{where}.geometry")
    if fields["properties"] is not None:
        _object(fields["properties"], f"{where}.properties")
    number = fields.get("id", 0)
    if not isinstance(number, str) and not _number(number):
        raise GeoJsonError(f"{where}: id is to be text or a number")
    _check_box(feature, where)


def _check_coordinates(kind: str, value: object, level: int, where: str) -> None:
    if not isinstance(value, list):
        raise GeoJsonError(f"{where} is to be a list")
    if level == 0:
        if len(value) < 2 or not all(_number(part) for part in value):
            raise GeoJsonError(f"{where}: a position is two numbers or more, longitude and latitude first")
        return
    ring = level == 1 and kind in ("Polygon", "MultiPolygon")
    for k, part in enumerate(value):
        _check_coordinates(kind, part, level - 1, f"{where}[{k}]")
    if ring and (len(value) < 4 or value[0] != value[-1]):
        raise GeoJsonError(f"{where}: a ring has four positions or more and ends where it begins")
    if level == 1 and kind in ("LineString", "MultiLineString") and len(value) < 2:
        raise GeoJsonError(f"{where}: a line has two positions or more")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_box(holder: object, where: str) -> None:
    fields = _object(holder, where)
    if "bbox" not in fields:
        return
    box = fields["bbox"]
    if not isinstance(box, list) or len(box) < 4 or len(box) % 2 or not all(map(_number, box)):
        raise GeoJsonError(f"{where}: bbox is four numbers, or six with heights")
