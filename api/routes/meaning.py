"""What readings mean: indicators by name, the next day of a datastream, effects of a measure, equity of districts."""

import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Body, Path, Query, Response

from api import meaning_schemas as shapes
from api.answer import answer
from api.context import NowDep, PoolDep
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, not_found, responses
from api.schemas import Instant
from api.version import PREFIX
from indicators.catalogue import compute, list_indicators
from indicators.districts import NotThereError, Periods, district_effects, district_service
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
    if zone not in ZONES:
        raise not_found("time zone", zone)
    try:
        periods = Periods((before_since, before_until), (after_since, after_until))
        found = await district_effects(pool, observed_property, periods, ZoneInfo(zone), control, share)
    except NotThereError as error:
        raise ProblemError(404, "not-found", str(error)) from None
    except IndicatorError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return answer(found)


@router.get("/equity", response_model=shapes.Equity, responses=responses(422, 503))
async def get_equity(
    pool: PoolDep,
    now: NowDep,
    days: Annotated[int, Query(ge=1, le=3660, description="how far alerts and overflow are looked at")] = 30,
) -> Response:
    """Whether districts are served alike: coverage, overflow hours, response times, parity, Gini and Theil."""
    return answer(await district_service(pool, now - timedelta(days=days)))
