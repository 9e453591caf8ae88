"""Bins: which is fullest, when one is full, and what a plan leaves out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.components.fullness import full_words
from dashboard.components.route_map import plan_features
from dashboard.pages.waste import fill_classes, fullest_first
from dashboard.pages.waste_plan import reason_words, trucks_beside
from tests.unit.dashboard.samples import device

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def told(minutes: int, every: float = 900.0, **latest: float | None) -> Any:
    """Return a bin whose forecasts were told so many minutes before its newest level; it reports `every` seconds."""
    bin_ = device("bin", **latest) | {"expected_interval_seconds": every}
    for row in bin_["latest"]:
        late = timedelta(0) if row["property"] == "fill_level" else timedelta(minutes=minutes)
        row["phenomenon_time"] = (NOW - late).isoformat()
    return bin_


def test_bins_fullest_first_and_unknown_last() -> None:
    bins = [device("a", fill_level=10), device("b", fill_level=None), device("c", fill_level=95)]
    assert [d["name"] for d in fullest_first(bins)] == ["c", "a", "b"]
    assert [count for _, count in fill_classes(bins)] == [1, 0, 0, 0, 1]


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
