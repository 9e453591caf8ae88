"""Curves: their gaps, tips and limits."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.components.charts import Curve, curve_figure, gapped, local_text
from dashboard.components.curves import tip_of
from dashboard.components.spark import spark_path
from dashboard.limits import lowest_limit, rule_limits
from tests.unit.dashboard.samples import device

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ZURICH = ZoneInfo("Europe/Zurich")


def points(*values: tuple[int, float | None]) -> list[Any]:
    return [{"time": (NOW + timedelta(minutes=m)).isoformat(), "value": v} for m, v in values]


def test_limits_come_from_enabled_rules_only() -> None:
    rules: list[Any] = [
        {"rule_id": "b", "enabled": True, "definition": {"condition": "fill_level >= 100"}},
        {"rule_id": "a", "enabled": True, "definition": {"condition": "fill_level >= 90"}},
        {"rule_id": "c", "enabled": False, "definition": {"condition": "fill_level >= 5"}},
        {"rule_id": "d", "enabled": True, "definition": {"condition": "battery <= 15"}},
        {"rule_id": "e", "enabled": True, "definition": {"condition": "no data for 3.5 intervals"}},
        {"rule_id": "f", "enabled": True, "definition": {"condition": "fill_level >= 1 and tilt >= 45"}},
    ]
    limits = rule_limits(rules)
    first = lowest_limit(limits, "fill_level")
    assert first is not None
    assert (first.rule_id, first.limit) == ("a", 90.0)
    assert lowest_limit(limits, "battery") is None, "a lower limit is not met by rising"


@pytest.mark.parametrize(
    ("select", "everywhere", "here"),
    [
        pytest.param({}, True, True, id="what is not narrowed holds everywhere"),
        pytest.param({"domain": "waste"}, True, True, id="its own domain narrows nothing"),
        pytest.param({"tags": {"tour": "mine"}}, False, True, id="the device carries the tag"),
        pytest.param({"tags": {"tour": "other"}}, False, False, id="the device carries another"),
        pytest.param({"district": "harbour"}, False, False, id="another district"),
        pytest.param({"profile": "citywatch/bin"}, False, True, id="the profile of the device"),
    ],
)
def test_a_limit_is_drawn_where_its_rule_watches(select: dict[str, Any], everywhere: bool, here: bool) -> None:
    definition = {"condition": "fill_level >= 85", "select": select}
    limits = rule_limits([{"rule_id": "mine", "enabled": True, "definition": definition}])
    bin_ = device("bin-1") | {"domain": "waste", "profile": "citywatch/bin", "tags": {"tour": "mine"}}
    assert (lowest_limit(limits, "fill_level") is not None) == everywhere
    assert (lowest_limit(limits, "fill_level", bin_) is not None) == here


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
    assert fine["data"][0]["meta"] == {"datastream": 7, "keep": 3000, "raw": False}
    readings = curve_figure([Curve(series("raw"), "PM2.5")], "ug/m3", ZURICH)
    assert readings["data"][0]["meta"]["raw"], "one that failed its checks breaks the line of readings only"


@pytest.mark.parametrize(("quality", "tip"), [(1, True), (3, True), (4, False), (9, False), (None, False)])
def test_a_reading_that_failed_its_checks_is_no_tip(quality: int | None, tip: bool) -> None:
    row: Any = {"phenomenon_time": NOW.isoformat(), "result": 3.0, "quality": quality}
    assert (tip_of(row) is not None) == tip


def test_a_limit_is_always_inside_the_picture() -> None:
    series: Any = {"datastream_id": 7, "resolution": "minute", "points": points((0, 10.0), (1, 20.0))}
    figure = curve_figure([Curve(series, "Fill")], "%", ZURICH, limit=90, limit_words="limit")
    assert figure["layout"]["yaxis"]["range"][1] > 90


def test_sparklines_leave_gaps_and_share_a_scale() -> None:
    assert spark_path([1, None, 2, 3]).count("M") == 2
    assert spark_path([5, 5], 0, 10) == "M0.0 15.0L100.0 15.0"
    assert spark_path([None, 1]) == ""


def test_local_text_follows_the_clock_change() -> None:
    assert local_text("2026-10-25T00:30:00Z", ZURICH).startswith("2026-10-25T02:30")
    assert local_text("2026-10-25T01:30:00Z", ZURICH).startswith("2026-10-25T02:30")
