"""A rule's condition in plain words, from the one line that the API says it in."""

import re

from dashboard.texts import PROPERTY_NAMES, mark, property_name, text
from dashboard.units import duration

_PLACES = re.compile(r"\b([a-z][a-z0-9_]*)\b(?= (?:>=|<=|>|<|rises|falls|changes|within|outside|deviates))")
# Names that cannot be taken for a word, wherever they stand.
_NAMES = re.compile(r"\b[a-z][a-z0-9]*_[a-z0-9_]+\b")
_SPANS = re.compile(r"\b(\d+(?:\.\d+)?)([smhd])\b")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
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
    named = condition
    for places in (_PLACES, _NAMES):
        named = places.sub(lambda found: property_name(found[0]) if found[0] in PROPERTY_NAMES else found[0], named)
    named = _SPANS.sub(lambda found: duration(float(found[1]) * _SECONDS[found[2]]), named)
    for written, words in _PHRASES:
        named = named.replace(written, text(words))
    return named.replace(">=", "≥").replace("<=", "≤")
