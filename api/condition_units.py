"""Which units the numbers of a rule's condition are in: a screen that shows a limit shows its unit too."""

import re
from typing import Any

from devices.properties import PROPERTIES

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def units_in(condition: object) -> dict[str, str]:
    """Return the UCUM code of each observed property that a condition such as `pm2_5 >= 55.5` names."""
    names = _NAME.findall(condition) if isinstance(condition, str) else ()
    return {name: PROPERTIES[name].unit for name in names if name in PROPERTIES}


def with_units(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule with the units of its condition."""
    return {**rule, "units": units_in(rule["definition"].get("condition"))}
