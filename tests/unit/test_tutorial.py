"""The tutorial's own files: what a newcomer is told to write must be what Citywatch takes."""

import json
import re
from datetime import date
from itertools import pairwise

import pytest

from devices.registry import parse_registry
from rules.check import check_text
from simulators.placing import build_city
from simulators.registry import registry_document
from tests.conftest import ROOT

# cat > NAME <<'END' ... END
FILES = dict(
    re.findall(
        r"^cat > (\S+) <<'END_OF_FILE'\n(.*?)^END_OF_FILE$", (ROOT / "docs/tutorial.md").read_text(), re.M | re.S
    )
)


def inside(longitude: float, latitude: float, ring: list[list[float]]) -> bool:
    """Whether a point lies in a closed ring: a ray to the east crosses it an odd number of times."""
    crossed = False
    for (x, y), (next_x, next_y) in pairwise(ring):
        if (y > latitude) != (next_y > latitude):
            crossed ^= longitude < x + (latitude - y) / (next_y - y) * (next_x - x)
    return crossed


def test_the_rule_has_no_mistake_and_passes_its_tests() -> None:
    definition, mistakes = check_text(
        FILES["my-rules/my-bin-full.yaml"], FILES["my-rules/my-bin-full.test.yaml"], date(2026, 11, 26)
    )
    assert mistakes == []
    assert definition is not None
    assert definition.rule.selector.tags == (("tour", "mine"),)


def test_the_device_stands_in_its_district_of_the_simulated_city() -> None:
    (entry,) = parse_registry(json.loads(FILES["devices.json"])).devices
    assert entry.longitude is not None
    assert entry.latitude is not None
    rings = {
        district["district_id"]: district["polygon"]["coordinates"][0]
        for district in registry_document(build_city(seed=1, size=300))["districts"]
    }
    assert inside(entry.longitude, entry.latitude, rings[str(entry.district_id)])


@pytest.mark.parametrize("name", ["tour.csv", "rhythm.csv"])
def test_the_lists_are_about_the_device(name: str) -> None:
    heading, line = FILES[name].splitlines()
    assert heading.startswith("device_id,")
    assert line.startswith("my-bin,")
