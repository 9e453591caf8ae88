from collections.abc import Mapping

import orjson
import pytest

from devices.envelopes import ENVELOPES
from devices.model import DecodeError, Reading, Uplink
from devices.profile_schema import Example
from devices.profiles import BUILTIN, Profile, load_profiles

PROFILES = list(dict.fromkeys(load_profiles(BUILTIN).values()))  # a profile stands under each of its names
EXAMPLES = [
    pytest.param(profile, example, id=f"{profile.key} {example.description or number}")
    for profile in PROFILES
    for number, example in enumerate(profile.examples)
]


def uplink_of(profile: Profile, example: Example) -> Uplink:
    if example.hex is not None:
        return Uplink(raw=bytes.fromhex(example.hex), port=example.port)
    return ENVELOPES[profile.envelope](orjson.dumps(example.payload))


def grouped(readings: list[Reading], sizes: list[int]) -> list[list[Reading]]:
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    return [readings[start : start + size] for start, size in zip(starts, sizes, strict=True)]


@pytest.mark.parametrize(("profile", "example"), EXAMPLES)
def test_every_example_gives_out_what_it_says(profile: Profile, example: Example) -> None:
    if example.error is not None:
        with pytest.raises(DecodeError, match=example.error):
            profile.decode(uplink_of(profile, example))
        return
    decoded = profile.decode(uplink_of(profile, example))
    assert example.readings is not None
    expected = example.readings if isinstance(example.readings, list) else [example.readings]
    assert len(decoded.readings) == sum(map(len, expected))
    for one, said in zip(grouped(decoded.readings, [len(e) for e in expected]), expected, strict=True):
        assert [r.property for r in one if r.value is None] == [name for name in said if said[name] is None]
        measured = {r.property: r.value for r in one if r.value is not None}
        assert measured == pytest.approx({name: value for name, value in said.items() if value is not None}, rel=1e-6)
    assert {r.property: r.reason for r in decoded.refused} == example.refused


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.key)
def test_every_profile_has_an_example_and_yields_catalogue_properties(profile: Profile) -> None:
    assert profile.examples
    limits: Mapping[str, object] = profile.limits
    assert set(limits) == set(profile.properties)
