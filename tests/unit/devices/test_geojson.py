"""Everything valid by RFC 7946 is accepted, everything invalid refused with the place where it goes wrong."""

import json
from pathlib import Path

import pytest

from citywatch.errors import RegistryError
from devices.geojson import GeoJsonError, check_geojson
from devices.registry import parse_registry

SQUARE = [[[0, 0], [1, 0], [1, 1], [0, 0]]]


def test_published_documents(shared_data: Path) -> None:
    valid = sorted((shared_data / "geojson" / "valid").rglob("*.json"))
    invalid = sorted((shared_data / "geojson" / "invalid").rglob("*.json"))
    assert len(valid) >= 12
    assert len(invalid) >= 15
    for path in valid:
        check_geojson(json.loads(path.read_bytes()))
    for path in invalid:
        with pytest.raises(GeoJsonError):
            check_geojson(json.loads(path.read_bytes()))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "is to be an object"),
        ({"type": "Circle"}, "not 'Circle'"),
        ({"type": ["Point"]}, "is to be a GeoJSON type"),
        ({"type": "Point", "coordinates": [True, 1]}, "two numbers"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, r"coordinates\[0\]: a ring"),
        ({"type": "LineString", "coordinates": [[0, 0]]}, "a line"),
        ({"type": "Point", "coordinates": [0, 0], "bbox": [0, 0, 1]}, "bbox"),
        ({"type": "Feature", "geometry": None, "properties": None, "id": {}}, "id"),
    ],
)
def test_faults_are_named(document: object, reason: str) -> None:
    with pytest.raises(GeoJsonError, match=reason):
        check_geojson(document)


@pytest.mark.parametrize(
    ("polygon", "reason"),
    [
        pytest.param({"type": "Polygon", "coordinates": SQUARE}, None, id="a polygon"),
        pytest.param({"type": "MultiPolygon", "coordinates": [SQUARE]}, None, id="several"),
        pytest.param({"type": "Point", "coordinates": [0, 0]}, "Polygon or MultiPolygon", id="a point is no area"),
        pytest.param({"type": "Polygon", "coordinates": [[0, 0]]}, "coordinates", id="a level is missing"),
    ],
)
def test_districts_are_polygons(polygon: object, reason: str | None) -> None:
    document = {"districts": [{"district_id": "d", "name": "D", "polygon": polygon}]}
    if reason is None:
        assert parse_registry(document).districts[0].polygon == polygon
        return
    with pytest.raises(RegistryError, match=reason):
        parse_registry(document)
