"""Forecasts of the next day against the same hour of the week before."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from docs.proof.shared_data import shared_rows
from indicators.forecast import HourlySeries, backtest

BEIJING_TUNED = "dongsi"
TUNED_UNTIL_HOUR = 180 * 24  # forecasts were tuned on April to June


def prove_forecast() -> dict[str, object]:
    """Return errors on held-back weeks (July to December) against "same hour last week", and interval coverage."""
    found = {}
    for name, series in _hourly():
        origins = range(TUNED_UNTIL_HOUR + 24, len(series.values) - 24, 103)  # every hour of the day comes up
        score = backtest(series, origins, share=0.9, floor=0.0)
        if score is None:
            continue
        found[name] = {
            "series_used_in_tuning": BEIJING_TUNED in name or name == "i94",
            "error": round(score.error, 2),
            "last_week_error": round(score.last_week_error, 2),
            "gain": round(score.gain, 3),
            "coverage_of_90_percent_band": round(score.coverage, 3),
            "hours": score.n,
        }
    return {"series": found, "least_gain": min(each["gain"] for each in found.values())}


def _hourly() -> Iterator[tuple[str, HourlySeries]]:
    for station in ("dongsi", "aotizhongxin"):
        rows = list(shared_rows(f"timeseries/air_beijing/prsa_{station}_2016.csv.gz"))
        for column in ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3"):
            values = [None if row[column] in ("NA", "") else float(row[column]) for row in rows]
            yield f"{station} {column}", HourlySeries.of(datetime(2016, 1, 1, tzinfo=UTC), values)
    volumes: dict[datetime, float] = {}
    holidays: set[date] = set()
    for row in shared_rows("timeseries/traffic_metro_interstate/metro_interstate_2017.csv.gz"):
        at = datetime.fromisoformat(row["date_time"]).replace(tzinfo=UTC)
        volumes.setdefault(at, float(row["traffic_volume"]))
        if row["holiday"] != "None":
            holidays.add(at.date())
    start = min(volumes)
    hours = int((max(volumes) - start) / timedelta(hours=1)) + 1
    values = [volumes.get(start + timedelta(hours=at)) for at in range(hours)]
    yield "i94", HourlySeries.of(start, values, holidays=holidays)
