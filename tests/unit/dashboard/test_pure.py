"""What the screen decides by itself: order, bands, levels, limits, spans, words. JSON in, values out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.bands import air_band, percentile, service_level
from dashboard.components.alerts import sorted_by_urgency
from dashboard.components.charts import Curve, curve_figure, gapped, local_text
from dashboard.components.city_map import bounds_of
from dashboard.components.figures import change_words
from dashboard.components.spark import spark_path
from dashboard.limits import lowest_limit, rule_limits
from dashboard.pages.traffic import corridor_of, natural
from dashboard.pages.waste import fill_classes, fullest_first
from dashboard.query import Query, choose_clock, reader_zone
from dashboard.units import number, quantity, unit_label

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")


def device(name: str, **latest: float | None) -> Any:
    rows = [
        {"datastream_id": n, "property": key, "unit": "%", "result": value, "quality": 1 if value is not None else 9}
        for n, (key, value) in enumerate(latest.items())
    ]
    return {"device_id": name, "name": name, "latest": rows, "freshness": "fresh", "district_id": None,
            "latitude": None, "longitude": None}  # fmt: skip


def alert(number: int, severity: str, state: str, minute: int) -> Any:
    return {"alert_id": number, "severity": severity, "state": state, "raised_at": f"2026-11-24T04:{minute:02}:00Z"}


def points(*values: tuple[int, float | None]) -> list[Any]:
    return [{"time": (NOW + timedelta(minutes=m)).isoformat(), "value": v} for m, v in values]


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        pytest.param(1234567.0, 0, "1,234,567", id="thousands stand apart"),
        pytest.param(-0.04, 1, "0.0", id="what rounds to nothing has no sign"),
        pytest.param(-3.25, 1, "−3.2", id="a true minus sign"),
        pytest.param(None, 1, "–", id="nothing is a dash"),
    ],
)
def test_number(value: float | None, digits: int, words: str) -> None:
    assert number(value, digits) == words


def test_quantities_have_the_unit_that_people_know() -> None:
    assert quantity(35.86, "ug/m3") == "35.9\u00a0µg/m³"
    assert quantity(90, "%") == "90\u00a0%"
    assert quantity(None, "Cel") == "–"
    assert unit_label("{bicycles}") == "bicycles"


@pytest.mark.parametrize(
    ("values", "level", "responsible"),
    [
        pytest.param({"pm2_5": 5}, 1, "pm2_5", id="the bound itself is good"),
        pytest.param({"pm2_5": 5.1}, 2, "pm2_5", id="just above is fair"),
        pytest.param({"pm2_5": 140}, 5, "pm2_5", id="140 is very poor"),
        pytest.param({"pm2_5": 141}, 6, "pm2_5", id="141 is extremely poor"),
        pytest.param({"pm2_5": 12, "no2": 61, "o3": 90}, 4, "no2", id="the worst pollutant decides"),
    ],
)
def test_air_band(values: dict[str, float | None], level: int, responsible: str) -> None:
    band = air_band(values)
    assert band is not None
    assert (band.level, band.responsible) == (level, responsible)


def test_no_band_without_a_value() -> None:
    assert air_band({"pm2_5": None}) is None


@pytest.mark.parametrize(
    ("speed", "level"), [(81, "A"), (80, "B"), (67, "C"), (50, "D"), (40, "E"), (30, "F"), (None, None)]
)
def test_service_level_bounds_are_strict(speed: float | None, level: str | None) -> None:
    assert service_level(speed, 100.0) == level


def test_percentile_interpolates() -> None:
    minutes = [10, 10.5, 11, 11, 12, 12.5, 13, 14, 18, 25]
    assert percentile(minutes, 0.95) == pytest.approx(21.85)
    assert percentile([], 0.5) is None


def test_alerts_wait_first_then_severity_then_newest() -> None:
    alerts = [
        alert(1, "LOW", "unacknowledged", 1),
        alert(2, "CRITICAL", "acknowledged", 9),
        alert(3, "HIGH", "unacknowledged", 2),
        alert(4, "HIGH", "returned_unacknowledged", 5),
    ]
    assert [a["alert_id"] for a in sorted_by_urgency(alerts)] == [4, 3, 1, 2]


def test_limits_come_from_enabled_rules_only() -> None:
    rules: list[Any] = [
        {
            "rule_id": "b",
            "enabled": True,
            "definition": {"select": {"property": "fill_level"}, "when": {"at_least": 100}},
        },
        {
            "rule_id": "a",
            "enabled": True,
            "definition": {"select": {"property": "fill_level"}, "when": {"at_least": 90}},
        },
        {
            "rule_id": "c",
            "enabled": False,
            "definition": {"select": {"property": "fill_level"}, "when": {"at_least": 5}},
        },
        {"rule_id": "d", "enabled": True, "definition": {"select": {"property": "battery"}, "when": {"at_most": 15}}},
        {"rule_id": "e", "enabled": True, "definition": {"when": {"no_data": "15m"}}},
    ]
    limits = rule_limits(rules)
    first = lowest_limit(limits, "fill_level")
    assert first is not None
    assert (first.rule_id, first.limit) == ("a", 90.0)
    assert lowest_limit(limits, "battery") is None, "a lower limit is not met by rising"


def test_bins_fullest_first_and_unknown_last() -> None:
    bins = [device("a", fill_level=10), device("b", fill_level=None), device("c", fill_level=95)]
    assert [d["name"] for d in fullest_first(bins)] == ["c", "a", "b"]
    assert [count for _, count in fill_classes(bins)] == [1, 0, 0, 0, 1]


def test_corridors_and_their_order_along_the_road() -> None:
    assert corridor_of(device("Ring Road east, km 10.2")) == "Ring Road east"
    assert sorted(["R, km 10.2", "R, km 2.5"], key=natural) == ["R, km 2.5", "R, km 10.2"]


def test_curves_break_where_readings_are_missing() -> None:
    xs, ys = gapped(points((0, 1.0), (1, 2.0), (30, 3.0)), ZURICH, timedelta(minutes=5))
    assert ys == [1.0, 2.0, None, 3.0]
    assert xs[0] == "2026-11-24T05:00:00.000", "in the reader's zone"


def test_a_coarse_curve_has_a_tip_that_moves_and_a_fine_one_grows() -> None:
    def series(resolution: str) -> Any:
        return {"datastream_id": 7, "device_id": "d", "property": "pm2_5", "unit": "ug/m3", "resolution": resolution,
                "points": points((0, 1.0), (15, 2.0))}  # fmt: skip

    coarse = curve_figure([Curve(series("quarter"), "PM2.5", (NOW.isoformat(), 3.0))], "ug/m3", ZURICH)
    assert [trace.get("meta", {}).get("keep") for trace in coarse["data"]] == [None, 1]
    fine = curve_figure([Curve(series("minute"), "PM2.5", (NOW.isoformat(), 3.0))], "ug/m3", ZURICH)
    assert len(fine["data"]) == 1
    assert fine["data"][0]["meta"]["datastream"] == 7


def test_a_limit_is_always_inside_the_picture() -> None:
    series: Any = {"datastream_id": 7, "resolution": "minute", "points": points((0, 10.0), (1, 20.0))}
    figure = curve_figure([Curve(series, "Fill")], "%", ZURICH, limit=90, limit_words="limit")
    assert figure["layout"]["yaxis"]["range"][1] > 90


def test_sparklines_leave_gaps_and_share_a_scale() -> None:
    assert spark_path([1, None, 2, 3]).count("M") == 2
    assert spark_path([5, 5], 0, 10) == "M0.0 15.0L100.0 15.0"
    assert spark_path([None, 1]) == ""


def test_change_is_said_in_the_figure_s_own_precision() -> None:
    assert change_words(12.04, 12.0, "ug/m3") == "as before"
    assert change_words(62, 60, "km/h") == "+2 on before"
    assert change_words(None, 60, "km/h") == ""


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


def test_local_text_follows_the_clock_change() -> None:
    assert local_text("2026-10-25T00:30:00Z", ZURICH).startswith("2026-10-25T02:30")
    assert local_text("2026-10-25T01:30:00Z", ZURICH).startswith("2026-10-25T02:30")


def test_a_map_of_nothing_is_the_world() -> None:
    assert bounds_of([], []) == [[-60.0, -170.0], [75.0, 170.0]]
