"""The scoreboard's arithmetic, on answer keys and alerts small enough to count by hand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from citywatch.errors import CitywatchError
from rules.definitions import load_definitions
from simulators.listing import read_alerts
from simulators.placing import build_city
from simulators.planting import Planted
from simulators.scenarios import KINDS
from simulators.scoring import FlaggedRun, Heard, alert_names, f1, pages, score

CITY = build_city(1, 40)
START = datetime(2026, 3, 3, tzinfo=UTC)
END = START + timedelta(days=2)
BIN, AIR = (next(d for d in CITY.devices if d.domain == domain) for domain in ("waste", "air"))
NAMES = alert_names()


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def planted(kind: str, device_id: str, start: float, end: float) -> Planted:
    return Planted(f"p-{kind}", kind, at(start), at(end), device_id, "old-town", {}, (device_id,))


def heard(rule: str, device_id: str, minute: float, incident: str | None = None) -> Heard:
    return Heard(device_id, at(minute), NAMES[rule], rule, incident)


def test_recall_counts_what_was_planted_and_precision_what_was_said() -> None:
    key = [planted("overflow", BIN.device_id, 60, 120), planted("bin_fire", BIN.device_id, 600, 630)]
    alerts = [
        heard("bin-nearly-full", BIN.device_id, 75),
        heard("bin-nearly-full", BIN.device_id, 59),  # before it was so
        heard("bin-fire", BIN.device_id, 75),  # what was planted then is no fire
        heard("bin-nearly-full", BIN.device_id, 149),  # inside the half hour after the end
        heard("bin-nearly-full", BIN.device_id, 151),
    ]
    found = score(CITY, key, alerts, None, START, END)
    assert found["incidents"] | {"pages_each": None} == {
        "planted": 2, "found": 1, "recall": 0.5, "said": 5, "right": 2, "precision": 0.4, "pages_each": None,
    }  # fmt: skip
    assert (found["false_alerts"], found["false_alerts_per_day"]) == (3, 1.5)
    assert found["kinds"]["overflow"]["delay_s"] == {"median": 900, "max": 900}
    assert found["districts"]["old-town"]["recall"] == 0.5
    assert found["missed"] == ["p-bin_fire bin_fire"]
    assert "flags" not in found


def test_a_fault_taken_for_an_incident_is_a_false_alert_and_says_what_misled() -> None:
    key = [planted("offset", AIR.device_id, 60, 300)]
    found = score(CITY, key, [heard("pm2-5-high", AIR.device_id, 90)], [], START, END)
    assert found["incidents"]["precision"] == 0.0
    assert found["false"][0]["misled_by"] == ["offset"]


@pytest.mark.parametrize(
    ("runs", "figures"),
    [
        pytest.param([], (0.0, None, 0.0), id="nothing flagged"),
        pytest.param([(AIR.device_id, "spike", "pm2_5", 70, 90)], (1.0, 1.0, 1.0), id="the channel at its time"),
        pytest.param([(AIR.device_id, "spike", "no2", 70, 90)], (0.0, 1.0, 0.0), id="another channel of the device"),
        pytest.param([(AIR.device_id, "stuck", "pm2_5", 70, 90)], (0.0, None, 0.0), id="another test"),
        pytest.param(
            [(AIR.device_id, "spike", "pm2_5", 70, 90), (BIN.device_id, "spike", "bin_temperature", 70, 90)],
            (1.0, 0.5, 0.667),
            id="and one where nothing is planted",
        ),
    ],
)
def test_flags_are_scored_by_stretches(
    runs: list[tuple[str, str, str, float, float]], figures: tuple[float | None, ...]
) -> None:
    key = [planted("spike", AIR.device_id, 60, 120)]
    flagged = [FlaggedRun(d, frozenset({group}), name, at(a), at(b)) for d, group, name, a, b in runs]
    spike = score(CITY, key, [], flagged, START, END)["flags"]["spike"]
    assert (spike["recall"], spike["precision"], spike["f1"]) == figures


def test_a_clock_found_wrong_stands_for_a_clock_fault_of_its_device() -> None:
    key = [planted("clock_offset", AIR.device_id, 60, 300)]
    runs = [FlaggedRun(AIR.device_id, frozenset({"clock"})), FlaggedRun(BIN.device_id, frozenset({"clock"}))]
    clock = score(CITY, key, [], runs, START, END)["flags"]["clock"]
    assert (clock["recall"], clock["precision"]) == (1.0, 0.5)


def test_alerts_of_one_incident_are_one_page() -> None:
    assert pages([heard("device-silent", "a", 1, "i"), heard("device-silent", "b", 1, "i")]) == 1
    assert pages([heard("device-silent", "a", 1, "i"), heard("device-silent", "b", 1)]) == 2


def test_f1() -> None:
    assert (f1(1.0, 0.5), f1(0.0, 1.0), f1(None, 1.0), f1(1.0, None)) == (0.667, 0.0, None, 0.0)


def test_every_shipped_rule_says_what_it_may_stand_for() -> None:
    rules = {each.rule.rule_id for each in load_definitions()}
    assert sorted(rules - NAMES.keys()) == [], "say in simulators/alert_names.yaml what these may stand for"
    assert frozenset().union(*NAMES.values()) <= KINDS


def test_alerts_are_read_page_by_page_in_the_documented_format() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            return httpx.Response(200, json={"items": [{"device_id": "b", "raised_at": "2026-03-03T02:00:00+01:00"}]})
        item = {"device_id": "a", "raised_at": "2026-03-03T00:00:00Z", "name": "bin-fire", "incident_id": 7}
        return httpx.Response(200, json={"items": [item], "next_cursor": "x"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        alerts = read_alerts(client, "http://other/alerts", NAMES)
    assert alerts == [
        Heard("a", START, frozenset({"bin_fire"}), "bin-fire", "7"),
        Heard("b", START + timedelta(hours=1), None, "", None),
    ]


@pytest.mark.parametrize(
    "body", [{"items": [{"device_id": "a"}]}, {"items": [{"device_id": "a", "raised_at": "2026-03-03T00:00:00"}]}, []]
)
def test_another_format_is_one_clear_error(body: object) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=body))
    with httpx.Client(transport=transport) as client, pytest.raises(CitywatchError, match="http://other/alerts"):
        read_alerts(client, "http://other/alerts", NAMES)


def test_a_file_that_is_no_table_of_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "names.yaml").write_text("- a\n")
    with pytest.raises(CitywatchError, match=r"names\.yaml"):
        alert_names(tmp_path / "names.yaml")
