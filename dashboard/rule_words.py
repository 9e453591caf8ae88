"""A rule's condition in plain words, from the one line that the API says it in."""

import re
from collections.abc import Mapping
from typing import Any

from dashboard.texts import PROPERTY_NAMES, domain_name, mark, property_name, text
from dashboard.units import duration, quantity

# A property, what it is compared by, and the number: this one is in the property's unit.
_COMPARED = re.compile(
    r"\b([a-z][a-z0-9_]*) (>=|<=|>|<|rises by|falls by|changes by|within) (-?\d+(?:\.(\d+))?)(?![\d.]*(?:[smhd]|\ m)\b)"
)
# Names that cannot be taken for a word, wherever they stand.
_NAMES = re.compile(r"\b[a-z][a-z0-9]*_[a-z0-9_]+\b")
_SPANS = re.compile(r"\b(\d+(?:\.\d+)?)([smhd])\b")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BY = {
    ">=": "≥",
    "<=": "≤",
    "rises by": mark("rises by"),
    "falls by": mark("falls by"),
    "changes by": mark("changes by"),
    "within": mark("moves by no more than"),
}
# Names of index levels, which a rule may fire at.
_LEVELS = (mark("Moderate"), mark("Unhealthy for Sensitive Groups"), mark("Unhealthy"), mark("Very Unhealthy"),
           mark("Hazardous"))  # fmt: skip
_LEVEL = re.compile(r"\b([a-z][a-z0-9_]*) at (.+) or worse\b")
_NEIGHBOURS = re.compile(r"\bat least (\d+) others within (\d+(?:\.\d+)?) m with ")
_CROWD = re.compile(r"\bat least (\d+) devices of a district with ")
_PHRASES: tuple[tuple[str, str], ...] = (
    (" and not ", mark(" and not ")),
    (" and ", mark(" and ")),
    (" or ", mark(" or ")),
    ("no data for", mark("no data for")),
    (" intervals", mark(" intervals")),
    (" for ", mark(" for ")),
    (" per ", mark(" per ")),
)


def _name(name: str) -> str:
    return property_name(name) if name in PROPERTY_NAMES else name


def watched_words(select: Mapping[str, Any]) -> str:
    """Return which devices a rule watches, from what narrows them: domain, district, profile and tags."""
    words = [text("domain {name}", name=domain_name(select["domain"]))] if select.get("domain") else []
    if select.get("district"):
        words.append(text("in district {name}", name=select["district"]))
    if select.get("profile"):
        words.append(text("of type {name}", name=select["profile"]))
    words += [f"{key} = {value}" for key, value in (select.get("tags") or {}).items()]
    return ", ".join(words) or text("every device that sends it")


def condition_words(condition: str, units: Mapping[str, str]) -> str:
    """Return a condition such as `pm2_5 >= 55.5` as people read it; parts that have no words stay as they are.

    `units` are the UCUM codes of the properties in it, as the API tells them with the rule.
    """

    def compared(found: re.Match[str]) -> str:
        name, by, value, decimals = found.groups()
        limit = quantity(float(value), units.get(name, ""), len(decimals or ""))
        return f"{_name(name)} {text(_BY.get(by, by))} {limit}"

    kept: list[str] = []

    def aside(words: str) -> str:
        # What is worded already must not be taken for something else by what follows.
        kept.append(words)
        return f"\0{len(kept) - 1}\0"

    named = _NEIGHBOURS.sub(
        lambda found: aside(text("{n} or more neighbours within {m} m with ", n=found[1], m=found[2])), condition
    )
    named = _CROWD.sub(lambda found: aside(text("{n} or more devices of a district with ", n=found[1])), named)
    named = _LEVEL.sub(
        lambda found: aside(
            text(
                "{property} is {level} or worse",
                property=_name(found[1]),
                level=text(found[2]) if found[2] in _LEVELS else found[2],
            )
        ),
        named,
    )
    named = _COMPARED.sub(lambda found: aside(compared(found)), named)
    named = _SPANS.sub(lambda found: aside(duration(float(found[1]) * _SECONDS[found[2]])), named)
    named = _NAMES.sub(lambda found: _name(found[0]), named)
    for written, words in _PHRASES:
        named = named.replace(written, text(words))
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], named)
