"""Devices: rhythm, presence, strangers and commands."""

from typing import Any

import pytest

from dashboard.actions import arguments_of
from dashboard.components.presence import completeness_words, presence_of, rhythm_words
from dashboard.components.quarantine import likely_profile
from dashboard.pages.account import account_row
from tests.unit.dashboard.samples import device


@pytest.mark.parametrize(
    ("learned", "latest", "every", "came"),
    [
        pytest.param(
            240.0,
            {"completeness": 25.0, "completeness_by_rhythm": 98.0},
            "1 min by its registration, in fact 4 min",
            "25\u00a0% of what it is registered for, 98\u00a0% of its own rhythm",
            id="another rhythm",
        ),
        pytest.param(61.0, {"completeness": 97.0, "completeness_by_rhythm": 98.6}, "1 min", "97\u00a0%", id="the same"),
        pytest.param(None, {}, "1 min", "–", id="not known yet"),
        pytest.param(
            60.0, {"completeness": None, "completeness_by_rhythm": 90.0}, "1 min", "90\u00a0%", id="less than daily"
        ),
    ],
)
def test_rhythm_and_completeness_are_told_by_registration_and_in_fact(
    learned: float | None, latest: dict[str, float | None], every: str, came: str
) -> None:
    one = device("bin", **latest) | {"expected_interval_seconds": 60.0, "learned_interval_seconds": learned}
    assert (rhythm_words(one), completeness_words(one)) == (every, came)


def test_what_unknown_devices_sent_leads_to_no_page() -> None:
    sums: Any = {"device_id": "(unknown)", "hour": None, "closes": True}
    assert account_row(sums)["device_id_href"] is None
    assert account_row(sums | {"device_id": "bin-1"})["device_id_href"] == "/devices/bin-1"


@pytest.mark.parametrize(
    ("presence", "link", "every", "shown"),
    [
        pytest.param("present", "online", 60, "online", id="connected"),
        pytest.param("present", None, 60, "online", id="no births and wills, often heard"),
        pytest.param("present", None, 300, "asleep", id="no births and wills, seldom heard"),
        pytest.param("present", "online", 300, "online", id="connected, seldom heard"),
        pytest.param("silent", "online", 60, "silent", id="an open connection is not life"),
        pytest.param("offline", "offline", 300, "offline", id="its will came"),
        pytest.param("flapping", "online", 60, "flapping", id="comes and goes"),
    ],
)
def test_presence_is_as_the_api_says_and_sleepers_are_told_apart(
    presence: str, link: str | None, every: float, shown: str
) -> None:
    one = device("bin-1") | {"presence": presence, "link": link, "learned_interval_seconds": every}
    assert presence_of(one) == shown


def test_the_type_proposed_for_a_stranger_is_the_one_that_its_message_names() -> None:
    def entry(key: str, envelope: str, *properties: str) -> Any:
        return {"key": key, "label": key, "domain": "waste", "envelope": envelope, "codec": None,
                "properties": list(properties)}  # fmt: skip

    types = [
        entry("maker/bin", "chirpstack_v4", "fill_level"),
        entry("own/bin", "native", "fill_level", "battery", "tilt"),
        entry("own/road", "native", "vehicle_flow"),
    ]

    def proposed(payload: str, topic: str = "city/v1/devices/x/telemetry") -> str | None:
        stranger: Any = {"payload_text": payload, "topic": topic}
        return likely_profile(stranger, types)

    assert proposed('{"fill_level": 12}') == "own/bin"
    assert proposed('{"fill_level": 12}', "application/1/device/x/event/up") == "maker/bin"
    assert proposed('{"readings": [{"vehicle_flow": 1}]}') == "own/road"
    assert proposed('{"temperature": 1}') is None
    assert proposed("not json") is None
    assert proposed("[" * 5000) is None


def test_arguments_of_a_command_are_an_object_or_a_clear_refusal() -> None:
    assert arguments_of({"arguments": ' {"seconds": 60} '}) == {"seconds": 60}
    assert arguments_of({}) == {}
    for wrong in ("[1]", "{", "60"):
        with pytest.raises(ValueError, match="must be a JSON object"):
            arguments_of({"arguments": wrong})
