"""A rule's condition in plain words, from the one line that the API says it in."""

import re

from dashboard.texts import PROPERTY_NAMES, mark, property_name, text

_PLACES = re.compile(r"\b([a-z][a-z0-9_]*)\b(?= (?:>=|<=|>|<|rises|falls|changes|within|outside|deviates))")
_PHRASES: tuple[tuple[str, str], ...] = (
    (" and ", mark(" and ")),
    (" or ", mark(" or ")),
    ("rises by", mark("rises by")),
    ("falls by", mark("falls by")),
    ("changes by", mark("changes by")),
    ("no data for", mark("no data for")),
    (" intervals", mark(" intervals")),
    (" within ", mark(" moves by no more than ")),
    (" for ", mark(" for ")),
    (" per ", mark(" per ")),
)


def condition_words(condition: str) -> str:
    """Return a condition such as `pm2_5 >= 55.5` as people read it; parts that have no words stay as they are."""
    named = _PLACES.sub(lambda found: property_name(found[1]) if found[1] in PROPERTY_NAMES else found[0], condition)
    for written, words in _PHRASES:
        named = named.replace(written, text(words))
    return named.replace(">=", "≥").replace("<=", "≤")
