"""What simulated devices answer to commands."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from simulators.fleet import Fleet
from simulators.listening import answers
from simulators.placing import build_city
from simulators.planting import Planted
from simulators.scenarios import load_scenario

START = datetime(2026, 3, 3, 7, tzinfo=UTC)


def a_fleet() -> tuple[Fleet, str]:
    city = build_city(1, 40)
    return Fleet(city, load_scenario("quiet-day"), START), next(d.device_id for d in city.devices if d.domain == "air")


def ask(fleet: Fleet, device_id: str, name: str, expires: timedelta = timedelta(minutes=5), **arguments: Any) -> Any:
    body = {"id": "c-1", "expires_at": (START + expires).isoformat(), "arguments": arguments}
    topic = f"city/v1/devices/{device_id}/commands/{name}"
    said = list(answers(fleet, topic, json.dumps(body).encode(), START, START.timestamp()))
    assert {to for to, _ in said} <= {f"{topic}/response"}
    return [json.loads(payload) for _, payload in said]


def test_a_device_says_that_it_heard_and_then_how_it_went() -> None:
    fleet, device_id = a_fleet()
    heard, done = ask(fleet, device_id, "self-test")
    assert heard == {"id": "c-1", "state": "acknowledged"}
    assert (done["state"], done["result"]["channels"]["pm2_5"]) == ("done", "ok")
    assert ask(fleet, device_id, "identify", seconds=30)[1]["result"] == {"lit_s": 30}


def test_another_interval_holds_from_the_next_report_on() -> None:
    fleet, device_id = a_fleet()
    assert ask(fleet, device_id, "interval", seconds=20)[1]["result"] == {"interval_s": 20}
    sent = [m.send_at for m in fleet.until(START.timestamp() + 600) if m.device.device_id == device_id]
    assert {round(after - before, 3) for before, after in list(pairwise(sent))[1:]} == {20.0}


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        pytest.param("interval", {"seconds": 1}, "from 5 to 86400", id="too often"),
        pytest.param("interval", {}, "not None", id="not said"),
        pytest.param("fly", {}, "no command 'fly'", id="unknown"),
    ],
)
def test_what_cannot_be_done_fails_with_the_reason(name: str, arguments: dict[str, Any], reason: str) -> None:
    fleet, device_id = a_fleet()
    failed = ask(fleet, device_id, name, **arguments)[1]
    assert failed["state"] == "failed"
    assert reason in failed["reason"]


def test_who_is_silent_late_or_elsewhere_says_nothing() -> None:
    fleet, device_id = a_fleet()
    assert ask(fleet, device_id, "identify", expires=timedelta(seconds=-1)) == []
    assert ask(fleet, "air-of-another-city", "identify") == []
    end = START + timedelta(hours=1)
    fleet.plan.add(Planted("p", "dropout", START, end, device_id, "old-town", {}, (device_id,)))
    assert ask(fleet, device_id, "identify") == []
