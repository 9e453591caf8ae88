"""Dates agree wherever they stand, in the reader's language and zone."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from dashboard.dates import axis_formats, day_words, instant_words, localised, zone
from dashboard.pages.account import REASONS
from dashboard.pages.status import detail_words
from dashboard.texts import language
from devices.model import RefuseReason, RejectReason


@pytest.fixture
def zurich() -> Iterator[None]:
    token = zone.set(ZoneInfo("Europe/Zurich"))
    yield
    zone.reset(token)


@pytest.fixture
def chinese() -> Iterator[None]:
    token = language.set("zh_Hans")
    yield
    language.reset(token)


@pytest.mark.usefixtures("zurich")
def test_the_stamp_in_an_alerts_sentence_is_in_the_readers_zone() -> None:
    assert localised("Nothing since 2026-11-25 23:47 UTC.") == "Nothing since 26 Nov 2026, 00:47."
    assert localised("bin 2026-11-25") == "bin 2026-11-25"


@pytest.mark.usefixtures("zurich", "chinese")
def test_a_chinese_reader_has_year_month_and_day_in_their_order() -> None:
    assert localised("2026-11-25 23:47 UTC") == "2026年11月26日 00:47"
    assert day_words("2027-05-01") == "2027年5月1日"
    assert axis_formats("zh_Hans") == {
        "year": "%Y年", "month": "%Y年%-m月", "dayMonth": "%-m月%-d日", "dayMonthYear": "%Y年%-m月%-d日",
    }  # fmt: skip


def test_without_a_zone_an_instant_says_that_it_is_utc() -> None:
    assert instant_words("2026-11-25T23:47:10Z") == "25 Nov 2026, 23:47 UTC"
    assert instant_words(None) == "–"
    assert day_words(None) == "–"


def test_english_axes_write_the_day_first_as_the_pages_do() -> None:
    assert axis_formats("en")["dayMonthYear"] == "%-d %b %Y"


def test_every_reason_to_turn_something_away_has_words() -> None:
    assert REASONS.keys() == {reason.value for kind in (RejectReason, RefuseReason) for reason in kind}


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        pytest.param("up 6 min, 66 MB, reported 3 s ago", "up 6 min, 66 MB, reported 3 s ago", id="one"),
        pytest.param("up 6 min, 66 MB, reported 3 s ago [0 2: a/1; 1: b/1]",
                     "up 6 min, 66 MB, reported 3 s ago [0 2: a/1; 1: b/1]", id="in parts"),
        pytest.param("2 instances, up 4,320 min, 1,066 MB, reported 3 s ago",
                     "2 instances, up 3 days, 1,066 MB, reported 3 s ago", id="several, for days"),
        pytest.param("something new", "something new", id="what has no words"),
    ],
)  # fmt: skip
def test_what_a_process_says_of_itself(detail: str, words: str) -> None:
    assert detail_words(detail) == words
