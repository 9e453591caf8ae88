"""Occupancies of two detectors, minute by minute: a queue before the next one is told, a wave of traffic is not."""

from datetime import UTC, datetime

import pytest

from indicators.pair_incident import pair_incident
from simulators.fleet import Fleet
from simulators.placing import build_city
from simulators.registry import next_detectors
from simulators.scenarios import load_scenario

START = datetime(2026, 3, 3, tzinfo=UTC)
CRASH = 6 * 60 + 40  # minutes of UTC


def told(upstream: list[float], downstream: list[float]) -> str:
    """Return a 1 for each minute with an incident, as the worker goes on from minute to minute."""
    answers, was = "", False
    for at in range(1, len(upstream) + 1):
        was = pair_incident(upstream[max(0, at - 15) : at], downstream[max(0, at - 15) : at], was)
        answers += str(int(was))
    return answers


@pytest.mark.parametrize(
    ("upstream", "downstream", "answers"),
    [
        pytest.param(
            [12] * 10 + [22, 30, 35, 38, 40, 40, 38, 14, 12],
            [12] * 10 + [10, 7, 6, 6, 6, 6, 6, 11, 12],
            "0" * 13 + "1111" + "00",
            id="a queue here and a gap there",
        ),
        pytest.param([12] * 10 + [30] * 6, [12] * 10 + [29] * 6, "0" * 16, id="both are congested"),
        pytest.param([36] * 10 + [43] * 6, [35] * 10 + [16] * 6, "0" * 16, id="a queue that stood here before"),
        pytest.param([9] * 10 + [16] * 6, [8] * 10 + [4] * 6, "0" * 16, id="thin traffic"),
        pytest.param([12] * 10 + [40] + [12] * 5, [12] * 10 + [5] + [12] * 5, "0" * 16, id="one odd minute"),
        pytest.param([0] * 16, [0] * 16, "0" * 16, id="an empty road"),
    ],
)
def test_what_is_told_of_a_pair(upstream: list[float], downstream: list[float], answers: str) -> None:
    assert told(upstream, downstream) == answers


@pytest.mark.parametrize(("scenario", "crashes"), [("quiet-day", 0), ("rush-hour-crash", 1)])
def test_a_crash_of_the_morning_is_told_within_five_minutes_and_nothing_else(scenario: str, crashes: int) -> None:
    city = build_city(4, 500)
    fleet = Fleet(city, load_scenario(scenario), START)
    devices = {device.device_id: device for device in city.devices}
    ahead = {here: there for here, there in next_detectors(city).items() if here < "road-0020"}
    assert "road-0008" in ahead

    def occupancies(name: str) -> list[float]:
        moments = (START.timestamp() + 60 * minute + devices[name].phase for minute in range(CRASH - 15, CRASH + 10))
        values = [fleet.values(devices[name], moment) for moment in moments]
        return [each["occupancy"] or 0.0 for each in values if each is not None]

    answers = {here: told(occupancies(here), occupancies(there)) for here, there in ahead.items()}
    found = {here: answer.index("1") for here, answer in answers.items() if "1" in answer}
    assert len(found) == crashes
    assert all(15 < minute <= 20 for minute in found.values())
