"""The city: a pure function of seed and size, with ground that fits together."""

import json
from collections import Counter
from itertools import pairwise

import pytest

from simulators.city import AirTraits, BinTraits, City, GatewayTraits, RoadTraits
from simulators.geography import QUARTERS, area_km2
from simulators.placing import build_city
from simulators.registry import basemap, registry_document


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(1, 300)


@pytest.mark.parametrize("size", [1, 7, 10, 300, 2000])
def test_a_city_has_exactly_as_many_devices_as_asked(size: int) -> None:
    devices = build_city(3, size).devices
    assert len(devices) == size
    assert len({device.device_id for device in devices}) == size


def test_no_city_without_a_device() -> None:
    with pytest.raises(ValueError, match="at least one device, not 0"):
        build_city(1, 0)


def test_same_seed_same_paper_other_seed_other_paper() -> None:
    first, again, other = (json.dumps(registry_document(build_city(seed, 50))) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("seed", range(6))
def test_districts_tile_the_city_without_gap_or_overlap(seed: int) -> None:
    city = build_city(seed, 10)
    whole = area_km2(city.ground.box((-1.0, -1.0, 1.0, 1.0)))
    assert sum(area_km2(list(d.ring)) for d in city.districts) == pytest.approx(whole, rel=1e-3)
    assert 40 < whole < 90


def test_neighbours_share_the_very_points_of_their_border(city: City) -> None:
    edges = Counter(
        frozenset(edge) for district in city.districts for edge in pairwise(district.ring) if edge[0] != edge[1]
    )
    inner = sum(count == 2 for count in edges.values())
    assert max(edges.values()) == 2
    assert inner > 100


def test_rings_are_closed_anticlockwise_polygons(city: City) -> None:
    for district in city.districts:
        ring = district.ring
        assert ring[0] == ring[-1]
        assert len(set(ring)) == len(ring) - 1
        assert sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring)) < 0


def test_every_device_stands_in_a_district_and_speaks_through_one_of_its_gateways(city: City) -> None:
    gateways = {d.device_id: d.site.district_id for d in city.devices if isinstance(d.traits, GatewayTraits)}
    assert len(gateways) == len(QUARTERS)
    for device in city.devices:
        if device.device_id not in gateways:
            assert gateways[device.gateway_id] == device.site.district_id


def test_gateways_know_how_many_they_cover(city: City) -> None:
    covered = Counter(d.gateway_id for d in city.devices if d.gateway_id)
    stated = {d.device_id: d.traits.covers for d in city.devices if isinstance(d.traits, GatewayTraits)}
    assert stated == covered


def test_detectors_come_in_pairs_one_for_each_direction(city: City) -> None:
    places = Counter(
        (d.traits.corridor_id, round(d.traits.position)) for d in city.devices if isinstance(d.traits, RoadTraits)
    )
    assert set(places.values()) == {2}
    assert len({corridor for corridor, _ in places}) == 11


def test_bins_are_of_several_fractions(city: City) -> None:
    assert {d.traits.fraction for d in city.devices if isinstance(d.traits, BinTraits)} == {
        "general",
        "plastic",
        "paper",
        "glass",
        "organic",
    }


def test_no_two_stations_have_one_name() -> None:
    names = [d.name for d in build_city(1, 2000).devices if isinstance(d.traits, AirTraits)]
    assert len(names) > len(QUARTERS)
    assert len(set(names)) == len(names)


def test_registry_names_what_it_refers_to(city: City) -> None:
    document = registry_document(city)
    districts = {d["district_id"] for d in document["districts"]}
    sites = {s["site_id"] for s in document["sites"]}
    assert {d["district_id"] for d in document["devices"]} <= districts
    assert {d["site_id"] for d in document["devices"]} == sites
    assert document["sources"] == [{"source_id": "live", "kind": "live"}]
    assert registry_document(city, "simulator")["sources"] == [{"source_id": "simulator", "kind": "replay"}]


def test_base_map_has_water_parks_and_roads(city: City) -> None:
    features = basemap(city)["features"]
    kinds = Counter(feature["properties"]["kind"] for feature in features)
    assert kinds["water"] == 1
    assert kinds["park"] == 5
    assert kinds["motorway"] == 1
    assert kinds["arterial"] == 10
    assert kinds["street"] > 20
    for feature in features:
        if feature["geometry"]["type"] == "Polygon":
            ring = feature["geometry"]["coordinates"][0]
            assert ring[0] == ring[-1]
