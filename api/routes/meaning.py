"""What readings mean: indicators by name, the next day of a datastream, effects of a measure, equity of districts."""

import asyncio
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Body, Path, Query, Response

from api import meaning_schemas as shapes
from api.answer import answer, rows
from api.context import NowDep, PoolDep, Word
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.schemas import Instant
from api.version import PREFIX
from indicators.catalogue import compute, list_indicators
from indicators.compare import Hours, compare
from indicators.equity import District, equity, response_times
from indicators.errors import IndicatorError
from indicators.forecast import HISTORY_WEEKS, HOUR, WEEK_HOURS, Forecast, HourlySeries, backtest, forecast_day
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["meaning"], dependencies=[Allow(Permission.READ)])

SCORED_HOURS = 14 * 24  # two weeks, looked at from every 25th hour, so that each hour of the day comes up
HISTORY_HOURS = HISTORY_WEEKS * WEEK_HOURS + SCORED_HOURS
MAY_BE_NEGATIVE = frozenset({"air_temperature", "bin_temperature", "rssi", "snr", "longitude", "latitude"})
ZONES = available_timezones()


@router.get("/indicators", response_model=shapes.IndicatorList, responses=responses(503))
async def get_indicators() -> Response:
    """Every indicator there is, with what it takes."""
    return answer({"items": list_indicators()})


@router.post("/indicators/{name}", responses=responses(400, 404, 409, 413, 422, 503))
async def compute_indicator(
    name: Annotated[Word, Path(description="as `/indicators` lists it", examples=["us_aqi"])],
    inputs: Annotated[dict[str, Any], Body(examples=[{"pm2_5": 35.9}])],
) -> dict[str, Any]:
    """One indicator's answer to given values: `value`, `edition`, and what else it has to say."""
    if name not in {each["name"] for each in list_indicators()}:
        raise not_found("indicator", name)
    try:
        return dict(compute(name, inputs))
    except (IndicatorError, OverflowError) as error:
        raise ProblemError(409, "not-possible", str(error)) from None


@router.get("/datastreams/{datastream_id}/forecast", response_model=shapes.Forecast, responses=responses(404, 422, 503))
async def get_forecast(
    pool: PoolDep,
    datastream_id: Annotated[int, Path(ge=1, le=2**31 - 1, description="datastream_id")],
    share: Annotated[float, Query(ge=0.5, le=0.98, description="what the band is to hold")] = 0.9,
) -> Response:
    """The next 24 hours of a datastream from its own hourly history, with how well such forecasts did lately."""
    found = await pool.fetch(query("meaning", "hourly_means"), datastream_id, HISTORY_HOURS)
    if not found:
        raise not_found("datastream", datastream_id)
    about = {"datastream_id": datastream_id, **{key: found[0][key] for key in ("device_id", "property", "unit")}}
    means = [(row["bucket"], row["mean"]) for row in found if row["bucket"] is not None]
    floor = float("-inf") if about["property"] in MAY_BE_NEGATIVE else 0.0
    forecast, score = await asyncio.to_thread(_forecast, means, share, floor)
    body = {
        **about,
        "method": "seasonal baseline and recent deviations, least absolute deviations",
        "share": share,
        "seasonality": forecast.seasonality if forecast else None,
        "weeks": round(forecast.weeks, 1) if forecast else None,
        "points": [asdict(point) for point in forecast.points] if forecast else [],
        "score": score,
        "reason": None if forecast else "needs three weeks of hourly values, six tenths of them there",
    }
    return answer(body)


def _forecast(
    means: list[tuple[datetime, float]], share: float, floor: float
) -> tuple[Forecast | None, dict[str, Any] | None]:
    if not means:
        return None, None
    newest = means[-1][0]
    # A series that was silent for years in between has no use for what came before.
    known = {at: value for at, value in means if newest - at < HISTORY_HOURS * HOUR}
    start = min(known)
    hours = int((newest - start) / HOUR) + 1
    series = HourlySeries.of(start, [known.get(start + at * HOUR) for at in range(hours)])
    forecast = forecast_day(series, share, floor)
    if forecast is None:
        return None, None
    score = backtest(series, range(max(WEEK_HOURS, hours - SCORED_HOURS), hours - 24, 25), share, floor)
    return forecast, asdict(score) if score else None


@router.get("/compare", response_model=shapes.EffectList, responses=responses(404, 409, 422, 503))
async def get_effects(
    pool: PoolDep,
    observed_property: Annotated[Word, Query(alias="property", description="observed property", examples=["no2"])],
    before_since: Annotated[Instant, Query(description="first instant of the period before")],
    before_until: Annotated[Instant, Query(description="its end, not included")],
    after_since: Annotated[Instant, Query(description="first instant of the period after")],
    after_until: Annotated[Instant, Query(description="its end, not included")],
    control: Annotated[Word | None, Query(description="district that the measure does not touch")] = None,
    zone: Annotated[Word, Query(description="IANA time zone that hours are lived in")] = "UTC",
    share: Annotated[float, Query(ge=0.5, le=0.999, description="what the interval is to hold")] = 0.99,
) -> Response:
    """What changed in each district between two periods, hours of the week matched, with interval and n.

    Without a control district, season and weather look like the measure.
    """
    if not before_since < before_until <= after_since < after_until:
        raise ProblemError(409, "not-possible", "the periods must follow one another: before, then after")
    if after_until - before_since > timedelta(days=1500):
        raise ProblemError(409, "not-possible", "at most 1,500 days in all")
    if zone not in ZONES:
        raise not_found("time zone", zone)
    place = ZoneInfo(zone)
    periods: list[dict[str, Hours]] = []
    for since, until in ((before_since, before_until), (after_since, after_until)):
        found: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
        for row in await pool.fetch(query("meaning", "district_hours"), observed_property, since, until):
            found[row["district_id"]].append((row["bucket"].astimezone(place), row["mean"]))
        periods.append(dict(found))
    before, after = periods
    if control is not None and (control not in before or control not in after):
        raise not_found(f"control district with {observed_property} in both periods", control)
    steady = [*before[control], *after[control]] if control is not None else []
    names = [name for name in before if name in after and name != control]
    items = await asyncio.to_thread(lambda: [_effect(name, before[name], after[name], steady, share) for name in names])
    return answer({"property": observed_property, "share": share, "control": control, "items": items})


def _effect(name: str, before: Hours, after: Hours, control: Hours, share: float) -> dict[str, Any]:
    reason = "needs 14 usable days on either side"
    effect = None
    try:
        effect = compare(before, after, control, share=share)
    except (IndicatorError, ZeroDivisionError, OverflowError) as error:
        reason = str(error)
    if effect is None:
        nothing = {"change": None, "low": None, "high": None, "found": False}
        return {
            "district_id": name, **nothing, "days_before": 0, "days_after": 0, "hours": 0, "reason": reason,
        }  # fmt: skip
    found = asdict(effect)
    del found["share"]
    return {"district_id": name, **found, "reason": None}


@router.get("/equity", response_model=shapes.Equity, responses=responses(422, 503))
async def get_equity(
    pool: PoolDep,
    now: NowDep,
    days: Annotated[int, Query(ge=1, le=3660, description="how far alerts and overflow are looked at")] = 30,
) -> Response:
    """Whether districts are served alike: coverage, overflow hours, response times, parity, Gini and Theil."""
    since = now - timedelta(days=days)
    found = rows(await pool.fetch(query("meaning", "district_service"), since))
    known = [District(row["name"], row["population"], row["devices"]) for row in found if row["population"]]
    judged = equity(known) if known else None
    body = {
        "since": since,
        "parity": judged.parity if judged else None,
        "flagged": judged.flagged if judged else False,
        "gini": judged.gini if judged else None,
        "theil": judged.theil if judged else None,
        "n": len(known),
        "districts": [_service(row) for row in found],
    }
    return answer(body)


def _service(row: dict[str, Any]) -> dict[str, Any]:
    residents, bins, overflow = row["population"], row["bins"], row["overflow_hours"]
    return {
        "district_id": row["district_id"],
        "name": row["name"],
        "residents": residents,
        "devices": row["devices"],
        "coverage": row["devices"] / residents * 10_000 if residents else None,
        "bins": bins,
        "overflow_hours": overflow,
        "overflow_hours_per_bin": overflow / bins if bins else None,
        "to_acknowledge": _waits(row["to_acknowledge"]),
        "to_resolve": _waits(row["to_resolve"]),
    }


def _waits(waits: list[timedelta]) -> dict[str, Any]:
    times = response_times(waits)
    if times is None:
        return {"median_s": None, "p90_s": None, "n": 0}
    return {"median_s": times.median.total_seconds(), "p90_s": times.p90.total_seconds(), "n": times.n}
