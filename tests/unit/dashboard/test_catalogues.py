"""Every language says every sentence, with the same places to fill."""

import re

import pytest

from dashboard.texts import languages
from tests.messages import TEMPLATE, found, read

CODES = [code for code in languages() if code != "en"]
PLACES = re.compile(r"\{(\w+)\}")


def test_there_is_more_than_english() -> None:
    assert "zh_Hans" in CODES


@pytest.mark.parametrize("code", CODES)
def test_every_message_is_translated(code: str) -> None:
    missing = [message.id for message in read(code) if message.id and not message.string]
    assert missing == []


@pytest.mark.parametrize("code", CODES)
def test_a_translation_has_the_places_of_its_message(code: str) -> None:
    wrong = {}
    for message in read(code):
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        # What a rule says when it fires has a key for an id; its places are the rule's own.
        if not message.id or ids[0].startswith("rule."):
            continue
        allowed = {place for one in ids for place in PLACES.findall(one)}
        for one in strings:
            if set(PLACES.findall(one or "")) != allowed:
                wrong[ids[0]] = one
    assert wrong == {}


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_the_dashboard_is_in_the_catalogue(code: str) -> None:
    catalogue = read(code)
    missing = [
        message.id
        for message in found()
        if message.id
        and catalogue.get(message.id) is None
        and any("dashboard/" in name for name, _ in message.locations)
    ]
    assert missing == [], "run: make messages"


def test_the_template_is_up_to_date() -> None:
    assert TEMPLATE.exists()
