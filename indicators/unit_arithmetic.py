"""What comes out when quantities are multiplied, and which of them may be added: UCUM codes as powers of their parts.

Prefixes are not converted: ug/m3 and mg/m3 are different units here, as are % and 1. A factor that carries the ratio of
both (`1000 "ug/mg"`) makes one out of the other, and says so where it stands.
"""

import re
from collections.abc import Mapping

from indicators.errors import IndicatorError

Powers = Mapping[str, int]  # "ug/m3" is {"ug": 1, "m": -3}; without any, a pure number
PURE: Powers = {}

_CODE = re.compile(r"[A-Za-z%\[\]{}0-9_./\-' ]{1,40}")
_PART = re.compile(r"(?P<base>[^0-9]*(\[[^\]]*\]|\{[^}]*\})?)(?P<power>-?\d+)?")


def powers(unit: str) -> Powers:
    """Return the parts of a UCUM code with their powers; raise IndicatorError for what is none."""
    if not _CODE.fullmatch(unit):
        raise IndicatorError(f"{unit!r} is no unit: write a UCUM code such as ug/m3")
    found: Powers = {}
    sign = 1
    for part in re.split(r"([./])", unit):
        if part in (".", "/"):
            sign = 1 if part == "." else -1
            continue
        match = _PART.fullmatch(part)
        if match is None or part == "":
            raise IndicatorError(f"{unit!r} is no unit: {part!r} cannot be read")
        if match["base"]:
            found = multiply(found, {match["base"]: sign * int(match["power"] or 1)})
        elif part != "1":
            raise IndicatorError(f"{unit!r} is no unit: {part!r} is a number")
    return found


def multiply(one: Powers, two: Powers, sign: int = 1) -> Powers:
    """Return the unit of a product, or with `sign` -1 of a quotient."""
    parts = dict(one)
    for base, power in two.items():
        parts[base] = parts.get(base, 0) + sign * power
    return {base: power for base, power in parts.items() if power}


def spelled(unit: Powers) -> str:
    """Return a unit as people write it: "ug/m3", "1" for a pure number."""

    def part(base: str, power: int) -> str:
        return base if power == 1 else f"{base}{power}"

    above = ".".join(part(base, power) for base, power in sorted(unit.items()) if power > 0)
    below = "".join(f"/{part(base, -power)}" for base, power in sorted(unit.items()) if power < 0)
    return (above or "1") + below
