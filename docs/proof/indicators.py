"""Figures for "Indicators: what the readings mean", measured on the shared reference data.

`prove()` returns them as JSON-able values. Parameters were chosen on part of the data only; which part is said beside
each figure, and the rest is reported apart.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from docs.proof.indicator_parts.anomalies import prove_nab
from docs.proof.indicator_parts.bands import prove_bands
from docs.proof.indicator_parts.effects import prove_compare
from docs.proof.indicator_parts.emptyings import count_drops, count_spikes, wyndham
from docs.proof.indicator_parts.forecasts import prove_forecast
from docs.proof.indicator_parts.plans import prove_routes
from docs.proof.shared_data import shared_rows
from indicators.nowcast import nowcast_pm
from indicators.series_anomaly import SeriesDetector
from indicators.us_aqi import us_aqi

EPA = {
    "pm25_texas": ("epa_daily_aqi_pm25_texas_2023.csv.gz", "pm2_5"),
    "so2_pennsylvania": ("epa_daily_aqi_so2_pennsylvania_2023.csv.gz", "so2_1h"),
    "co_newyork": ("epa_daily_aqi_co_newyork_2023.csv.gz", "co_8h"),
}
BINS_TUNED = 8  # of 16, in file order


def prove() -> dict[str, object]:
    """Return every figure, by subject, each held against what was promised."""
    figures = measure()
    print(json.dumps(figures, indent=1), flush=True)
    missed = [text for text, kept in promises(figures).items() if not kept]
    assert not missed, "; ".join(missed)
    return figures


def promises(figures: dict[str, Any]) -> dict[str, bool]:
    """Return what was promised, and whether it holds."""
    nab, wyndham_bins = figures["nab"]["all"], figures["wyndham"]
    routes, many = figures["routes"], figures["routes"]["bins_200_trucks_8"]
    planted, none = figures["compare"]["planted"], figures["compare"]["none_planted"]
    return {
        "every EPA row exact": all(each["exact"] == each["rows"] > 0 for each in figures["us_aqi"].values()),
        "at least 13 of 15 NAB windows": nab["caught"] >= 13 and nab["windows"] == 15,
        "at most 0.2 false-alarm hours a day": nab["false_alarm_hours_a_day"] <= 0.2,
        "every drop of four steps an emptying": (
            wyndham_bins["emptyings"]["recognised"] == wyndham_bins["emptyings"]["drops_of_4_steps"] > 0
        ),
        "no lone spike taken for an emptying": (
            wyndham_bins["spikes_between_readings"]["taken_for_an_emptying"] == 0
            and wyndham_bins["spikes_between_readings"]["told_as_perhaps_one"] == 0
            and wyndham_bins["spikes_in_place_of_readings"]["taken_for_an_emptying"] == 0
        ),
        "the 90 % band of bins held back holds 85 to 95 %": (
            0.85 <= wyndham_bins["time_to_full"]["bins_held_back"]["held_by_90_percent_band"] <= 0.95
        ),
        "the worked example costs 68": routes["worked_example_cost"] == 68,
        "200 bins, 8 trucks under 10 s": many["seconds"] < 10 and not many["overloaded_trucks"],
        "at least 25 % shorter than bin order": many["shorter_by"] >= 0.25 and many["left_out"] == 0,
        "at least 30 % fewer visits at no more overflow": (
            routes["wyndham_visits"]["fewer_visits"] >= 0.3
            and routes["wyndham_visits"]["by_level"]["overflow_days"]
            <= routes["wyndham_visits"]["daily"]["overflow_days"]
        ),
        "forecasts 20 % better than last week": figures["forecast"]["least_gain"] >= 0.2,
        "planted effects found": planted["found"] == planted["interval_holds_truth"] == planted["of"] == 20,
        "none found where none was planted": none["found"] == 0,
    }


def measure() -> dict[str, Any]:
    """Return every figure, by subject."""
    return {
        "us_aqi": prove_us_aqi(),
        "nab": prove_nab(),
        "wyndham": prove_wyndham(),
        "routes": prove_routes(),
        "forecast": prove_forecast(),
        "compare": prove_compare(),
        "cost": prove_cost(),
    }


def prove_us_aqi() -> dict[str, object]:
    """Return rows and exact answers for each file of EPA's own daily index values."""
    found = {}
    for name, (file, quantity) in EPA.items():
        rows = list(shared_rows(f"reference/{file}"))
        exact = sum(us_aqi({quantity: float(row["concentration"])}).value == int(row["aqi"]) for row in rows)
        found[name] = {"rows": len(rows), "exact": exact}
    return dict(found)


def prove_wyndham() -> dict[str, object]:
    """Return how emptyings and times to full of the Wyndham bins are recognised."""
    bins = wyndham()
    return {
        "emptyings": count_drops(bins),
        "spikes_between_readings": count_spikes(bins, replace=False),
        "spikes_in_place_of_readings": count_spikes(bins, replace=True),
        "time_to_full": {
            "bins_tuned_on": prove_bands(bins, range(BINS_TUNED)),
            "bins_held_back": prove_bands(bins, range(BINS_TUNED, len(bins))),
        },
    }


def prove_cost() -> dict[str, float]:
    """Return microseconds of one core per call of what a reading can set off; the worker's own cost is not in it."""
    detector = SeriesDetector()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    hours = [12.3, 14.1, 10.0, 9.4, 8.8, 30.2, 22.1, 19.0, 18.5, 17.2, 16.0, 15.5]
    calls: dict[str, Callable[[int], object]] = {
        "us_aqi_three_pollutants": lambda _: us_aqi({"o3_8h": 0.078, "pm2_5": 35.9, "co_8h": 8.4}),
        "nowcast_pm": lambda _: nowcast_pm(hours, "pm2_5"),
        "series_detector": lambda at: detector.judge(start + at * timedelta(minutes=5), 50 + at % 288),
    }
    found = {}
    for name, call in calls.items():
        began = time.process_time()
        for at in range(5000):
            call(at)
        found[name] = round((time.process_time() - began) / 5000 * 1e6, 1)
    return found
