"""Anomalies of the NAB traffic series: windows caught, and hours of false alarms."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from docs.proof.shared_data import data_folder, shared_rows
from indicators.series_anomaly import SeriesDetector

DAY = timedelta(days=1)
NAB_TUNED = ("nyc_taxi", "TravelTime_387", "speed_7578")


def prove_nab() -> dict[str, object]:
    """Return windows caught and clock hours with a call outside any window, tuned and untouched series apart."""
    judged = {}
    for path in sorted((data_folder() / "timeseries/traffic_nab").glob("*.csv")):
        rows = [
            (datetime.fromisoformat(row["timestamp"]), float(row["value"]))
            for row in shared_rows(f"timeseries/traffic_nab/{path.name}")
        ]
        detector = SeriesDetector()
        calls = [at for at, value in rows if detector.judge(at, value).anomalous]
        judged[path.stem] = (calls, [at for at, _ in rows])
    return nab_figures(judged)


def nab_figures(judged: Mapping[str, tuple[Sequence[datetime], Sequence[datetime]]]) -> dict[str, Any]:
    """Return the figures of each series, from the times of its calls and of all its values."""
    windows = json.loads((data_folder() / "timeseries/traffic_nab/anomaly_windows.json").read_text())["windows"]
    series = {}
    for path, spans in windows.items():
        name = Path(path).stem
        calls, times = judged[name]
        labelled = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans]
        outside = {
            at.replace(minute=0, second=0) for at in calls if not any(start <= at <= end for start, end in labelled)
        }
        series[name] = {
            "tuned_on": name in NAB_TUNED,
            "windows": len(labelled),
            "caught": sum(any(start <= at <= end for at in calls) for start, end in labelled),
            "false_alarm_hours": len(outside),
            "days": round((times[-1] - times[0]) / DAY, 1),
        }
    sums = {
        group: _nab_sum([each for each in series.values() if wanted is None or each["tuned_on"] is wanted])
        for group, wanted in (("tuned", True), ("untouched", False), ("all", None))
    }
    return {"series": series, **sums}


def _nab_sum(series: Sequence[dict[str, float]]) -> dict[str, float]:
    total = {key: sum(each[key] for each in series) for key in ("windows", "caught", "false_alarm_hours", "days")}
    return {**total, "false_alarm_hours_a_day": round(total["false_alarm_hours"] / total["days"], 3)}
