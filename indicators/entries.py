"""The named indicators: what each takes, in which unit, and how its result reads as a JSON object."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from indicators import (
    air_units,
    baseline,
    equity,
    fill,
    fill_rate,
    level_of_service,
    small_counts,
    traffic,
    travel_time,
)
from indicators.air_quality import NOTE, AirIndex
from indicators.barkjohn import channel_mean, corrected_pm2_5
from indicators.china_aqi import china_aqi
from indicators.errors import IndicatorError
from indicators.european_aqi import european_aqi
from indicators.nowcast import NowCast, nowcast_o3, nowcast_pm
from indicators.thresholds import table_for
from indicators.us_aqi import scales, us_aqi
from indicators.who import who_verdicts

Answer = dict[str, Any]


class Kind(StrEnum):
    """What an input is in JSON."""

    NUMBER = "number"
    NUMBERS = "list of numbers"
    NUMBERS_OR_NULL = "list of numbers and nulls"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its unit (UCUM, or words), its kind, and whether it must be there."""

    unit: str
    kind: Kind = Kind.NUMBER
    required: bool = True


@dataclass(frozen=True, slots=True)
class Indicator:
    """One named indicator. `run` takes checked inputs and returns a JSON object with at least `value` and `edition`."""

    summary: str
    inputs: Mapping[str, Input]
    run: Callable[[Mapping[str, Any]], Answer]


def entries() -> dict[str, Indicator]:
    """Return every indicator by name; those of the air take what their threshold tables name."""
    numbers, gaps = Kind.NUMBERS, Kind.NUMBERS_OR_NULL
    occupancy, length = Input("1 (share of time)"), Input("m, vehicle and loop")
    return {
        "us_aqi": Indicator(
            "US Air Quality Index of a place, worst pollutant",
            {name: Input(scale.unit, required=False) for name, scale in scales(table_for("us_aqi")).items()},
            lambda given: _index(us_aqi(given)),
        ),
        "european_aqi": Indicator(
            "European Air Quality Index, level 1 to 6 from hourly means",
            {name: Input("ug/m3", required=False) for name in table_for("european_aqi").section("upper_bounds")},
            lambda given: _index(european_aqi(given)),
        ),
        "china_aqi": Indicator(
            "Chinese air quality index (HJ 633)", _quantities("china_aqi"), lambda given: _index(china_aqi(given))
        ),
        "who": Indicator("WHO 2021 guideline levels: what is exceeded", _quantities("who"), _who),
        "nowcast_pm2_5": Indicator(
            "PM2.5 NowCast of the last 12 hours",
            {"hours": Input("ug/m3, newest first", gaps)},
            lambda given: _nowcast(nowcast_pm(given["hours"], "pm2_5"), "pm2_5", 1),
        ),
        "nowcast_pm10": Indicator(
            "PM10 NowCast of the last 12 hours",
            {"hours": Input("ug/m3, newest first", gaps)},
            lambda given: _nowcast(nowcast_pm(given["hours"], "pm10"), "pm10", 1),
        ),
        "nowcast_o3": Indicator(
            "Ozone NowCast, surrogate method",
            {"hours": Input("[ppb], newest first", gaps)},
            lambda given: _nowcast(nowcast_o3(given["hours"]), "o3_8h", 1000),
        ),
        "pm2_5_corrected": Indicator(
            "PM2.5 of a two-channel optical counter after Barkjohn et al. (cf_1 data)",
            {"channel_a": Input("ug/m3"), "channel_b": Input("ug/m3"), "relative_humidity": Input("%")},
            _corrected,
        ),
        "gas_mass": Indicator(
            "Gas concentration in ug/m3 from ppb (mg/m3 from ppm) at an authority's reference conditions",
            {"gas": Input("no2, o3, so2, co, no", Kind.TEXT), "authority": Input("eu, us, china", Kind.TEXT)}
            | {"volume_parts": Input("[ppb] or [ppm]")},
            lambda given: {
                "value": air_units.to_mass(given["gas"], given["volume_parts"], given["authority"]),
                "edition": table_for("gas_units").edition,
            },
        ),
        "space_mean_speed": Indicator(
            "Harmonic mean of spot speeds",
            {"speeds": Input("km/h", numbers)},
            lambda given: {"value": traffic.space_mean_speed(given["speeds"]), "edition": "harmonic mean"},
        ),
        "loop_density": Indicator(
            "Density from one loop, veh/km",
            {"occupancy": occupancy, "effective_length": length},
            lambda given: {"value": traffic.loop_density(**given), "edition": "k = 1000 o / L"},
        ),
        "loop_speed": Indicator(
            "Speed from one loop, km/h",
            {"flow": Input("{vehicles}/h"), "occupancy": occupancy, "effective_length": length},
            lambda given: {"value": traffic.loop_speed(**given), "edition": "v = q L / (1000 o)"},
        ),
        "level_of_service": Indicator(
            "Level of service A to F: of a freeway from its density, of an urban street from its speed",
            {
                "density": Input("pc/mi/ln", required=False),
                "metric_density": Input("pc/km/ln", required=False),
                "speed": Input("km/h", required=False),
                "free_speed": Input("km/h", required=False),
                "volume_to_capacity": Input("1", required=False),
            },
            _level_of_service,
        ),
        "travel_time": Indicator(
            "Travel-time, planning-time and buffer index, LOTTR",
            {"travel_times": Input("any", numbers), "free_flow": Input("the same")},
            _travel_time,
        ),
        "fill_level": Indicator(
            "Fill level of a bin from the measured distance",
            {
                "distance": Input("cm"),
                "empty": Input("cm"),
                "full": Input("cm"),
                "temperature": Input("Cel", required=False),
            },
            _fill_level,
        ),
        "time_to_full": Indicator(
            "Hours, counted as the readings are, at which a bin reaches `full` percent, by Theil-Sen",
            {"hours": Input("h", numbers), "levels": Input("%", numbers), "full": Input("%")},
            _time_to_full,
        ),
        "robust_score": Indicator(
            "How far a value lies from the usual: robust z against past values of the same hour of the week",
            {"usual": Input("any", numbers), "value": Input("the same")},
            _robust_score,
        ),
        "equity": Indicator(
            "Coverage per 10,000 residents by district; parity, Gini and Theil",
            {"residents": Input("{persons} per district", numbers), "served": Input("{devices} per district", numbers)},
            _equity,
        ),
        "small_counts": Indicator(
            "Which counts of a row may be published beside their total",
            {"counts": Input("{persons}", numbers)},
            lambda given: {
                "value": small_counts.suppress([int(count) for count in given["counts"]]),
                "edition": f"none from 1 to {small_counts.SAFE_FROM - 1}, complement hidden",
            },
        ),
    }


def _quantities(table: str) -> dict[str, Input]:
    return {name: Input(row["unit"], required=False) for name, row in table_for(table).section("quantities").items()}


def _index(index: AirIndex) -> Answer:
    return {
        "value": index.value,
        "edition": index.edition,
        "responsible": list(index.responsible),
        "category": index.category,
        "colour": index.colour,
        "sub_indices": dict(index.sub_indices),
        "note": index.note,
    }


def _who(given: Mapping[str, Any]) -> Answer:
    verdicts = who_verdicts(given)
    exceeded = [verdict for verdict in verdicts if verdict.exceeded]
    return {
        "value": len(exceeded),
        "edition": verdicts[0].edition,
        "responsible": [verdict.quantity for verdict in exceeded],
        "levels": {
            verdict.quantity: {
                "guideline": verdict.guideline,
                "unit": verdict.unit,
                "exceeded": verdict.exceeded,
                "ratio": verdict.ratio,
                "interim_target": verdict.interim_target,
            }
            for verdict in verdicts
        },
        "note": NOTE,
    }


def _nowcast(nowcast: NowCast | None, quantity: str, divisor: int) -> Answer:
    edition = table_for("us_aqi").edition
    if nowcast is None:
        return {"value": None, "reported": None, "aqi": None, "edition": edition, "method": "nowcast", "note": NOTE}
    return {
        "value": nowcast.value,
        "reported": nowcast.reported,
        "aqi": us_aqi({quantity: nowcast.reported / divisor}).value,
        "edition": edition,
        "method": nowcast.method,
        "note": NOTE,
    }


def _corrected(given: Mapping[str, Any]) -> Answer:
    mean = channel_mean(given["channel_a"], given["channel_b"])
    value = None if mean is None else corrected_pm2_5(mean, given["relative_humidity"])
    return {"value": value, "edition": "Barkjohn et al. 2022", "channels_agree": mean is not None, "note": NOTE}


def _level_of_service(given: Mapping[str, Any]) -> Answer:
    ratio = given.get("volume_to_capacity")
    if given.keys() >= {"speed", "free_speed"}:
        found = level_of_service.urban_street_level(given["speed"], given["free_speed"], ratio)
    elif "density" in given:
        found = level_of_service.freeway_level(given["density"], "us", ratio)
    elif "metric_density" in given:
        found = level_of_service.freeway_level(given["metric_density"], "metric", ratio)
    else:
        raise IndicatorError("level_of_service needs density, or metric_density, or speed and free_speed")
    return {"value": found.level, "edition": found.edition}


def _travel_time(given: Mapping[str, Any]) -> Answer:
    found = asdict(travel_time.reliability(given["travel_times"], given["free_flow"]))
    return {"value": found["travel_time_index"], **found}


def _fill_level(given: Mapping[str, Any]) -> Answer:
    distance = given["distance"]
    if "temperature" in given:
        distance = fill.compensated_distance(distance, given["temperature"])
    return {
        "value": fill.fill_level(distance, given["empty"], given["full"]),
        "edition": table_for("waste").edition,
        "distance": distance,
        "quality": fill.distance_flag(distance, given["empty"]).name,
    }


def _time_to_full(given: Mapping[str, Any]) -> Answer:
    if len(given["hours"]) != len(given["levels"]):
        raise IndicatorError("time_to_full needs as many levels as hours")
    trend = fill_rate.theil_sen(given["hours"], given["levels"])
    return {
        "value": None if trend is None else trend.hours_to(given["full"]),
        "edition": "Theil-Sen",
        "slope": None if trend is None else trend.slope,
        "intercept": None if trend is None else trend.intercept,
    }


def _robust_score(given: Mapping[str, Any]) -> Answer:
    known = baseline.usual(given["usual"])
    return {
        "value": known.score(given["value"]),
        "edition": "Iglewicz and Hoaglin 1993",
        "anomalous": known.anomalous(given["value"]),
        "median": known.median,
        "n": known.n,
    }


def _equity(given: Mapping[str, Any]) -> Answer:
    if len(given["residents"]) != len(given["served"]):
        raise IndicatorError("equity needs as many served as residents")
    pairs = zip(given["residents"], given["served"], strict=True)
    found = equity.equity(
        [equity.District(str(at), int(people), served) for at, (people, served) in enumerate(pairs, 1)]
    )
    return {
        "value": found.parity,
        "edition": "four-fifths rule of thumb",
        "flagged": found.flagged,
        "coverage": list(found.coverage.values()),
        "gini": found.gini,
        "theil": found.theil,
        "n": found.n,
    }
