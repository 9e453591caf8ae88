"""What the screen decides by itself: order, bands, levels, limits, spans, words. JSON in, values out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.condition_units import units_in
from api.permissions import weaker
from api.principal import Role
from dashboard.actions import arguments_of
from dashboard.bands import air_band, percentile, service_level
from dashboard.components.alerts import grouped, sorted_by_urgency
from dashboard.components.charts import Curve, curve_figure, gapped, local_text
from dashboard.components.city_map import bounds_of, city_extent, zoom_for
from dashboard.components.commands import commands_panel
from dashboard.components.curves import tip_of
from dashboard.components.figures import change_words
from dashboard.components.fullness import full_words
from dashboard.components.heat import in_two_lines
from dashboard.components.presence import completeness_words, presence_of, rhythm_words
from dashboard.components.quarantine import likely_profile
from dashboard.components.roles import ROLE_NAMES
from dashboard.components.route_map import plan_features
from dashboard.components.spark import spark_path
from dashboard.limits import lowest_limit, rule_limits
from dashboard.pages.account import account_row
from dashboard.pages.districts import service
from dashboard.pages.me import weaker_roles
from dashboard.pages.report import shift_of
from dashboard.pages.simulator import when_words
from dashboard.pages.traffic import corridor_of, detectors, natural
from dashboard.pages.waste import fill_classes, fullest_first
from dashboard.pages.waste_plan import reason_words, trucks_beside
from dashboard.query import Query, choose_clock, reader_zone
from dashboard.reader import choose_language
from dashboard.rule_words import condition_words
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
    raised_at = f"2026-11-24T04:{minute:02}:00Z"
    return {"alert_id": number, "severity": severity, "state": state, "raised_at": raised_at, "recorded_at": raised_at,
            "acknowledged_at": None, "open": True, "district_id": "harbour"}  # fmt: skip


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


@pytest.mark.parametrize(("level", "letter"), [(1.0, "A"), (5.0, "E"), (6.0, "F"), (None, None)])
def test_a_level_of_service_has_its_letter(level: float | None, letter: str | None) -> None:
    assert service_level(level) == letter


def test_detectors_stand_by_the_level_that_is_derived_and_not_by_one_reading() -> None:
    slow = device("slow now", vehicle_speed=5, level_of_service=1)
    poor = device("poor", vehicle_speed=60, level_of_service=5)
    new = device("new", vehicle_speed=5)
    held = device("held", vehicle_speed=5, level_of_service=None)
    found = detectors([slow, new, held, poor], [], NOW)
    assert [(each.device["name"], each.level) for each in found] == [
        ("poor", "E"), ("slow now", "A"), ("held", None), ("new", None),
    ]  # fmt: skip


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
        alert(5, "CRITICAL", "shelved", 6),
    ]
    assert [a["alert_id"] for a in sorted_by_urgency(alerts)] == [4, 3, 1, 2, 5]


def test_alerts_of_one_incident_stand_where_the_first_of_them_stands() -> None:
    alerts = [alert(n, "LOW", "unacknowledged", n) for n in (1, 2, 3, 4)]
    incidents: list[Any] = [
        {"incident_id": 7, "alert_ids": [2, 4]},
        {"incident_id": 8, "alert_ids": [3, 99]},
    ]
    groups = [(i["incident_id"] if i else None, [a["alert_id"] for a in members])
              for i, members in grouped(alerts, incidents)]  # fmt: skip
    assert groups == [(None, [1]), (7, [2, 4]), (None, [3])], "one alert alone in view is shown as itself"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        pytest.param("pm2_5 >= 55.5", "Fine particles PM2.5 ≥ 55.5\u00a0µg/m³", id="a limit with its unit"),
        pytest.param(
            "fill_level within 0 for 4d", "Fill level moves by no more than 0\u00a0% for 4 days", id="a standstill"
        ),
        pytest.param(
            "bin_temperature rises by 3 per 1m and bin_temperature >= 40",
            "Temperature in the bin rises by 3\u00a0°C per 1 min and Temperature in the bin ≥ 40\u00a0°C",
            id="a rate and a limit",
        ),
        pytest.param(
            "pm2_5 >= 150 and not at least 2 others within 2000 m with pm2_5 >= 60",
            "Fine particles PM2.5 ≥ 150\u00a0µg/m³ and not 2 or more neighbours within 2000 m with"
            " Fine particles PM2.5 ≥ 60\u00a0µg/m³",
            id="neighbours",
        ),
        pytest.param(
            "at least 3 devices of a district with pm2_5 >= 75",
            "3 or more devices of a district with Fine particles PM2.5 ≥ 75\u00a0µg/m³",
            id="a crowd",
        ),
        pytest.param("no data for 3.5 intervals", "no data for 3.5 intervals", id="silence"),
        pytest.param("us_aqi at Unhealthy or worse", "US air quality index is Unhealthy or worse", id="a level"),
        pytest.param("something_new ~ 3", "something_new ~ 3", id="what has no words stays as it is"),
        pytest.param("something_new >= 3", "something_new ≥ 3", id="a property that is not known"),
    ],
)
def test_conditions_in_words(condition: str, words: str) -> None:
    assert condition_words(condition, units_in(condition)) == words


def test_shift_counts_what_came_in_it_and_hands_over_what_is_open() -> None:
    before, within = alert(1, "HIGH", "unacknowledged", 5), alert(2, "LOW", "acknowledged", 30)
    within["acknowledged_at"] = "2026-11-24T04:32:00Z"
    shift = shift_of([before, within], NOW + timedelta(minutes=20), NOW + timedelta(hours=8))
    assert [a["alert_id"] for a in shift.came] == [2]
    assert [a["alert_id"] for a in shift.open] == [1, 2]
    assert shift.answers == [120.0]


def test_service_of_districts_is_per_inhabitant_and_by_median_answer() -> None:
    districts: list[Any] = [{"district_id": "harbour", "name": "Harbour", "population": 2000},
                            {"district_id": "empty", "name": "Empty", "population": 10}]  # fmt: skip
    states = {"fresh": 1, "stale": 0, "silent": 1, "never": 0}
    harbour: Any = {"district_id": "harbour", "devices": 2, "freshness": states}
    counts: Any = {"devices": 2, "freshness": states, "districts": [harbour]}
    answered = alert(1, "LOW", "acknowledged", 0)
    answered["acknowledged_at"] = "2026-11-24T04:10:00Z"
    (row,) = service(districts, counts, [answered, alert(2, "LOW", "unacknowledged", 1)])
    assert (row.devices_per_1000, row.alerts_per_1000, row.answer_seconds) == (1.0, 1.0, 600.0)


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


def test_bins_fullest_first_and_unknown_last() -> None:
    bins = [device("a", fill_level=10), device("b", fill_level=None), device("c", fill_level=95)]
    assert [d["name"] for d in fullest_first(bins)] == ["c", "a", "b"]
    assert [count for _, count in fill_classes(bins)] == [1, 0, 0, 0, 1]


def told(minutes: int, every: float = 900.0, **latest: float | None) -> Any:
    """Return a bin whose forecasts were told so many minutes before its newest level; it reports `every` seconds."""
    bin_ = device("bin", **latest) | {"expected_interval_seconds": every}
    for row in bin_["latest"]:
        late = timedelta(0) if row["property"] == "fill_level" else timedelta(minutes=minutes)
        row["phenomenon_time"] = (NOW - late).isoformat()
    return bin_


@pytest.mark.parametrize(
    ("bin_", "words"),
    [
        pytest.param(
            told(0, fill_level=50, time_to_full=60, time_to_full_low=50, time_to_full_high=76.8),
            "Full in 2.1 to 3.2 days nine times in ten, most likely in 2.5 days.",
            id="a band in one unit",
        ),
        pytest.param(
            told(1, fill_level=50, time_to_full=60, time_to_full_low=30, time_to_full_high=72),
            "Full in 30 h to 3 days nine times in ten, most likely in 2.5 days.",
            id="in two, told a moment after the level",
        ),
        pytest.param(
            told(0, fill_level=50, time_to_full=60, time_to_full_low=30, time_to_full_high=None),
            "Full in 30 h or more nine times in ten, most likely in 2.5 days.",
            id="an open end",
        ),
        pytest.param(
            told(0, fill_level=50, time_to_full=60),
            "Full in about 2.5 days. How sure that is, is not known yet: not enough full cycles.",
            id="no band yet",
        ),
        pytest.param(told(30, fill_level=5, time_to_full=3), "No forecast", id="that was before the emptying"),
        pytest.param(told(16, 900, fill_level=5, time_to_full=60), "No forecast", id="so was that"),
        pytest.param(
            told(16, 10, fill_level=50, time_to_full=60), "Full in about", id="a quick one, each quarter hour"
        ),
        pytest.param(told(0, fill_level=40), "No forecast", id="none"),
        pytest.param(told(0, fill_level=80, time_to_full=0), "The bin is full.", id="full where its tag says so"),
        pytest.param(told(0, fill_level=95), "The bin is full.", id="full"),
    ],
)
def test_when_a_bin_is_full_is_told_with_its_band_where_one_is_earned(bin_: Any, words: str) -> None:
    assert full_words(bin_).children.startswith(words)


def test_a_band_of_an_older_forecast_is_not_shown() -> None:
    bin_ = told(0, fill_level=50, time_to_full=60, time_to_full_low=50, time_to_full_high=70)
    bin_["latest"][2]["phenomenon_time"] = (NOW - timedelta(hours=1)).isoformat()
    assert full_words(bin_).children.startswith("Full in about 2.5 days")


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


def test_corridors_and_their_order_along_the_road() -> None:
    assert corridor_of(device("Ring Road east, km 10.2")) == "Ring Road east"
    assert sorted(["R, km 10.2", "R, km 2.5"], key=natural) == ["R, km 2.5", "R, km 10.2"]
    assert sorted(["②号检测器 10", "②号检测器 9"], key=natural) == ["②号检测器 9", "②号检测器 10"], (
        "a digit is no number"
    )


def test_a_key_of_ones_own_is_offered_as_every_role_that_is_less() -> None:
    for role in ROLE_NAMES:
        less = [other for other in ROLE_NAMES if other != role and weaker(Role(other), Role(role))]
        assert sorted(weaker_roles([role])) == sorted(less), role


def test_what_unknown_devices_sent_leads_to_no_page() -> None:
    sums: Any = {"device_id": "(unknown)", "hour": None, "closes": True}
    assert account_row(sums)["device_id_href"] is None
    assert account_row(sums | {"device_id": "bin-1"})["device_id_href"] == "/devices/bin-1"


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


def test_change_is_said_in_the_figure_s_own_precision() -> None:
    assert change_words(12.04, 12.0, "ug/m3") == "as 24 h ago"
    assert change_words(62, 60, "km/h") == "+2 against 24 h ago"
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


def test_a_place_far_from_the_districts_does_not_make_the_city_a_dot() -> None:
    ring = [[9.0, 51.0], [9.1, 51.0], [9.1, 51.1], [9.0, 51.1], [9.0, 51.0]]
    harbour: Any = {"district_id": "harbour", "polygon": {"type": "Polygon", "coordinates": [ring]}}
    inside, beside, far = (
        device(name) | {"district_id": district, "latitude": latitude, "longitude": longitude}
        for name, district, latitude, longitude in (
            ("a", "harbour", 51.05, 9.05), ("b", None, 51.05, 9.15), ("c", None, 59.3, 18.1)
        )
    )  # fmt: skip
    assert bounds_of([inside, beside, far], [harbour]) == [[51.0, 9.0], [51.1, 9.15]]
    assert bounds_of([beside, far], [harbour]) == [[51.05, 9.15], [59.3, 18.1]], "no district to go by"
    assert city_extent([9.05, 51.05, 18.1, 59.3], [harbour]) == [9.05, 51.05, 9.1, 51.1]
    assert city_extent([17.9, 59.2, 18.1, 59.3], [harbour]) == [17.9, 59.2, 18.1, 59.3], "another city's"


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


def test_why_a_bin_is_left_out_is_told_in_words_of_ours_and_never_lost() -> None:
    assert reason_words("no truck has room or time left (priority 3)") == "no truck has room or time left"
    assert reason_words("its 9000 fit into no truck (the largest holds 8000)") == (
        "its 9000 l fit into no truck, the largest holds 8000 l"
    )
    assert reason_words("something new") == "something new"


def test_a_plan_is_compared_with_one_truck_less_and_one_more_where_there_can_be() -> None:
    assert trucks_beside(1) == [2]
    assert trucks_beside(3) == [2, 4]
    assert trucks_beside(50) == [49]


def test_the_plan_on_the_map_goes_from_the_depot_and_back_and_shows_what_is_left_out() -> None:
    plan: Any = {
        "depot": [46.9, 7.4],
        "routes": [{"truck": "2", "visits": [{"bin_id": "a", "arrival": "06:10", "load": 9},
                                             {"bin_id": "unplaced", "arrival": "06:20", "load": 18}]}],
        "left_out": [{"bin_id": "b", "reason": "..."}],
    }  # fmt: skip
    features = plan_features(plan, {"a": (46.91, 7.41), "b": (46.92, 7.42)}, {"a": "Canal Walk"})["features"]
    told = [(each["properties"]["kind"], each["geometry"]["coordinates"]) for each in features]
    assert told == [
        ("route", [[7.4, 46.9], [7.41, 46.91], [7.4, 46.9]]),
        ("stop", [7.41, 46.91]),
        ("left-out", [7.42, 46.92]),
        ("depot", [7.4, 46.9]),
    ]
    assert features[1]["properties"]["name"] == "Truck 2, stop 1: Canal Walk, 06:10"


def test_who_may_not_send_a_command_finds_the_form_disabled_and_the_reason() -> None:
    forms = [getattr(commands_panel("bin-1", [], allowed=allowed)[1], "data-html") for allowed in (True, False)]
    assert "<fieldset>" in forms[0]
    assert "<fieldset disabled>" in forms[1]
    assert "Your account may look" in forms[1]


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        pytest.param({"after_s": 0.0}, "at the start", id="nothing said"),
        pytest.param({"after_s": -840.0}, "14 min before the start", id="before the start"),
        pytest.param({"after_s": 3600.0}, "1 h after the start", id="after the start"),
        pytest.param({"clock": "07:40"}, "at 07:40 by the city's clocks", id="by the clock"),
        pytest.param({"per_day": 14.0}, "at random, 14 times a day", id="at random"),
    ],
)
def test_when_something_is_planted(timing: dict[str, Any], words: str) -> None:
    assert when_words({"after_s": None, "clock": None, "per_day": None} | timing) == words


@pytest.mark.parametrize(
    ("extent", "zoom"),
    [
        pytest.param([7.4, 46.9, 7.5, 46.96], 13, id="a city"),
        pytest.param([-170, -60, 170, 75], 1, id="the world"),
        pytest.param([7.4, 46.9, 7.4, 46.9], 15, id="one place has no size"),
        pytest.param(None, 1, id="nothing is shown as the world"),
    ],
)
def test_a_gathered_map_begins_at_the_zoom_that_shows_all(extent: list[float] | None, zoom: int) -> None:
    assert zoom_for(extent) == zoom


@pytest.mark.parametrize(
    ("name", "lines"),
    [("Ring Road anticlockwise", "Ring Road<br>anticlockwise"), ("Canal Walk", "Canal Walk"), ("A" * 30, "A" * 30)],
)
def test_long_names_beside_a_heat_map_take_two_lines(name: str, lines: str) -> None:
    assert in_two_lines(name) == lines
