"""Days and instants as the reader's language writes them, everywhere alike: on pages, in sentences, on axes.

What the scripts write (assets/a-core.js) goes by the same conventions: CLDR's, with the British ones for English.
"""

import re
from contextvars import ContextVar
from datetime import date, datetime, tzinfo
from functools import cache

from babel import Locale
from babel.dates import format_skeleton, get_datetime_format

from dashboard.texts import ENGLISH, language
from dashboard.units import NOTHING, parse_time

# The reader's time zone while a page is made for him; None where nobody said it, and instants stay in UTC.
zone: ContextVar[tzinfo | None] = ContextVar("dashboard_zone", default=None)

# CLDR's fields -> those of the charts' axes
_AXIS_FIELDS = {"y": "%Y", "MMM": "%b", "M": "%-m", "d": "%-d"}
_AXIS_LABELS = {"year": "y", "month": "yMMM", "dayMonth": "MMMd", "dayMonthYear": "yMMMd"}
_STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\b")


@cache
def conventions(code: str) -> Locale:
    """Return the conventions for dates in a language."""
    return Locale.parse("en_GB" if code == ENGLISH else code)


def day_words(day: date | str | None, *, year: bool = True) -> str:
    """Return a day such as 26 Nov 2026; a text is taken as YYYY-MM-DD, and nothing is a dash."""
    if not day:
        return NOTHING
    known = date.fromisoformat(day) if isinstance(day, str) else day
    return str(format_skeleton("yMMMd" if year else "MMMd", known, locale=conventions(language.get())))


def instant_words(at: datetime | str | None) -> str:
    """Return an instant such as 26 Nov 2026, 00:47 in the reader's zone, or followed by UTC where that is not known."""
    known = parse_time(at) if isinstance(at, str) else at
    if known is None:
        return NOTHING
    local = known if zone.get() is None else known.astimezone(zone.get())
    both = str(get_datetime_format("medium", conventions(language.get())))
    words = both.replace("{1}", day_words(local.date())).replace("{0}", f"{local:%H:%M}")
    return words if zone.get() else f"{words} UTC"


def localised(words: str) -> str:
    """Return an alert's sentence with each stamp `YYYY-MM-DD HH:MM UTC` in it as other instants are written."""
    return _STAMP.sub(lambda found: instant_words(f"{found[1]}T{found[2]}:00Z"), words)


@cache
def axis_formats(code: str) -> dict[str, str]:
    """Return how the axes of charts write years, months and days in a language, as plotly's locales say it."""
    return {
        name: re.sub(
            "|".join(_AXIS_FIELDS),
            lambda found: _AXIS_FIELDS[found[0]],
            str(conventions(code).datetime_skeletons[skeleton].pattern),
        )
        for name, skeleton in _AXIS_LABELS.items()
    }
