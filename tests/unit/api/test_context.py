"""Who acts, as a header says it."""

import pytest

from api.context import get_actor
from api.principal import DEMO, Principal


@pytest.mark.parametrize(
    ("sent", "journalled"),
    [
        pytest.param("Ada Lovelace", "Ada Lovelace (unverified)", id="plain ASCII is itself"),
        pytest.param("Ada%20Lovelace", "Ada Lovelace (unverified)", id="and may be encoded"),
        pytest.param("%E7%8E%8B%E8%8A%B3", "王芳 (unverified)", id="any script"),
        pytest.param("J\xfcrgen", "Jürgen (unverified)", id="Latin-1 as a header holds it"),
        pytest.param("100%", "100% (unverified)", id="a percent sign that encodes nothing"),
        pytest.param("100%25", "100% (unverified)", id="an encoded percent sign"),
        pytest.param("%FF", "%FF (unverified)", id="no UTF-8"),
        pytest.param("a%09b", "a%09b (unverified)", id="what does not print stays encoded"),
        pytest.param("%E2%80%AEa", "%E2%80%AEa (unverified)", id="nor turns the line round"),
        pytest.param("%20", "%20 (unverified)", id="nothing but a space"),
        pytest.param(None, "demo", id="nobody named"),
    ],
)
async def test_the_demo_believes_the_name_it_is_told(sent: str | None, journalled: str) -> None:
    assert await get_actor(DEMO, sent) == journalled


async def test_who_has_signed_in_acts_under_no_other_name() -> None:
    assert await get_actor(Principal("ada", "session", frozenset()), "%E7%8E%8B") == "ada"
