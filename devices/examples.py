"""A profile's examples, run: what goes in must come out as the profile itself says."""

import math
import re

import orjson

from devices.envelopes import ENVELOPES
from devices.model import Decoded, DecodeError, Uplink
from devices.profile_schema import Example
from devices.profiles import Profile

CLOSE = 1e-6  # relative: examples are written by hand


def try_example(profile: Profile, example: Example) -> str | None:
    """Return what is wrong with one example, None where it gives out what it says."""
    try:
        decoded = profile.decode(_uplink_of(profile, example))
    except DecodeError as reason:
        if example.error is not None and re.search(example.error, str(reason)):
            return None
        return f"it is refused: {reason}"
    if example.error is not None:
        return f"it decodes, and was to be refused with {example.error!r}"
    return _compare(decoded, example)


def _compare(decoded: Decoded, example: Example) -> str | None:
    refused = {one.property: one.reason.value for one in decoded.refused}
    if refused != example.refused:
        return f"refused are {refused}, not {example.refused}"
    if example.readings is None:
        return None
    expected = example.readings if isinstance(example.readings, list) else [example.readings]
    wanted = [(name, value) for record in expected for name, value in record.items()]
    given = [(one.property, one.value) for one in decoded.readings]
    if sorted(name for name, _ in wanted) != sorted(name for name, _ in given):
        return f"its properties are {[name for name, _ in given]}, not {[name for name, _ in wanted]}"
    # Within one record the order is the vendor's; records of a pack keep theirs.
    at = 0
    for record in expected:
        part, at = dict(given[at : at + len(record)]), at + len(record)
        for name, value in record.items():
            got = part.get(name)
            if name not in part or (got is None) != (value is None):
                return f"{name} is {got}, not {value}"
            if value is not None and got is not None and not math.isclose(got, value, rel_tol=CLOSE, abs_tol=1e-9):
                return f"{name} is {got}, not {value}"
    return None


def _uplink_of(profile: Profile, example: Example) -> Uplink:
    if example.hex is not None:
        return Uplink(raw=bytes.fromhex(example.hex), port=example.port)
    return ENVELOPES[profile.envelope](orjson.dumps(example.payload))
