"""Who reads, in which language, what they asked for and what they may do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.permissions import weaker
from api.principal import Role
from dashboard.components.commands import commands_panel
from dashboard.components.roles import ROLE_NAMES
from dashboard.pages.me import weaker_roles
from dashboard.query import Query, choose_clock, reader_zone
from dashboard.reader import choose_language

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "code"),
    [
        pytest.param("lang=zh_Hans", "citywatch_language=en", "en", "zh_Hans", id="the address comes first"),
        pytest.param("lang=zh-Hans", "", "", "zh_Hans", id="written as browsers write it"),
        pytest.param("", "citywatch_language=zh_Hans", "en", "zh_Hans", id="then the cookie"),
        pytest.param("", "", "fr, zh-CN;q=0.8, en;q=0.5", "zh_Hans", id="then the browser, by its preference"),
        pytest.param("lang=../../etc", "citywatch_language=xx", "fr", "en", id="what there is no catalogue of"),
    ],
)
def test_language_of_a_reader(query: str, cookie: str, accept: str, code: str) -> None:
    assert choose_language(query, cookie, accept) == code


def test_a_key_of_ones_own_is_offered_as_every_role_that_is_less() -> None:
    for role in ROLE_NAMES:
        less = [other for other in ROLE_NAMES if other != role and weaker(Role(other), Role(role))]
        assert sorted(weaker_roles([role])) == sorted(less), role


def test_the_address_says_what_is_shown() -> None:
    query = Query.parse("?source=i94&alert=12&span=century&device=")
    assert (query.source_id, query.number("alert"), query.span("24h"), query.get("device")) == ("i94", 12, "24h", None)
    assert Query.parse("?alert=1e9").number("alert") is None


def test_a_replay_has_its_own_now_and_the_unknown_is_live() -> None:
    sources: list[Any] = [
        {"source_id": "live", "kind": "live", "clock": None},
        {"source_id": "i94", "kind": "replay", "clock": "2016-07-04T13:00:00Z"},
    ]
    assert choose_clock(sources, "i94", NOW).now == datetime(2016, 7, 4, 13, tzinfo=UTC)
    assert choose_clock(sources, "nowhere", NOW).live
    assert reader_zone("Mars/Olympus").key == "UTC"


def test_who_may_not_send_a_command_finds_the_form_disabled_and_the_reason() -> None:
    forms = [getattr(commands_panel("bin-1", [], allowed=allowed)[1], "data-html") for allowed in (True, False)]
    assert "<fieldset>" in forms[0]
    assert "<fieldset disabled>" in forms[1]
    assert "Your account may look" in forms[1]
