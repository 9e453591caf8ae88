import re
from collections.abc import Mapping

import pytest

from devices.examples import try_example
from devices.profile_schema import Example
from devices.profiles import BUILTIN, Profile, load_profiles

PROFILES = list(dict.fromkeys(load_profiles(BUILTIN).values()))  # a profile stands under each of its names
EXAMPLES = [
    pytest.param(profile, example, id=f"{profile.key} {example.description or number}")
    for profile in PROFILES
    for number, example in enumerate(profile.examples)
]


@pytest.mark.parametrize(("profile", "example"), EXAMPLES)
def test_every_example_gives_out_what_it_says(profile: Profile, example: Example) -> None:
    assert example.readings is not None or example.error is not None
    assert try_example(profile, example) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"readings": {"fill_level": 51}}, "fill_level is 50.0, not 51.0"),
        ({"readings": {"battery": 50}}, r"its properties are \['fill_level'\], not \['battery'\]"),
        ({"readings": {"fill_level": None}}, "fill_level is 50.0, not None"),
        ({"error": "cut short"}, "was to be refused"),
        ({"refused": {"smell": "unknown_property"}}, "refused are {}"),
        ({"payload": {"fill_level": 50, "smell": 3}, "readings": {"fill_level": 50}}, "refused are {'smell'"),
        ({"payload": "no record"}, "it is refused"),
    ],
)
def test_an_example_that_does_not_is_told(change: dict[str, object], fault: str) -> None:
    example = Example.model_validate({"payload": {"fill_level": 50}, "readings": {"fill_level": 50}} | change)
    assert re.search(fault, try_example(load_profiles(BUILTIN)["citywatch/native"], example) or "")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.key)
def test_every_profile_has_an_example_and_yields_catalogue_properties(profile: Profile) -> None:
    assert profile.examples
    limits: Mapping[str, object] = profile.limits
    assert set(limits) == set(profile.properties)
