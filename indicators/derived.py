"""What is derived from the readings of a device: which values, for which periods, touched by which readings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from devices.model import QualityFlag
from indicators.thresholds import table_for

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FORECAST_EVERY = timedelta(hours=6)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# How long after its end a period waits for readings: two intervals of the device, within these bounds. Above the
# upper one a rule would take the derived value for history (settings.rules.lateness).
SHORTEST_GRACE = timedelta(minutes=1)
LONGEST_GRACE = timedelta(minutes=10)

# Readings that passed their checks, of all behind a value: below this share the value is SUSPECT.
TRUSTED_SHARE = 0.75


class Kind(StrEnum):
    """Families of derived values, each worked out in one go."""

    AIR = "air"
    ROAD = "road"
    BIN = "bin"
    BIN_QUARTER = "bin_quarter"
    HEALTH = "health"
    SERIES = "series"
    CALC_QUARTER = "calc_quarter"
    CALC_HOUR = "calc_hour"
    CALC_DAY = "calc_day"
    FORECAST = "forecast"
    USUAL = "usual"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Period:
    """Values of a kind are for periods of `width`, each resting on the readings of `reach` periods up to its end."""

    width: timedelta
    reach: int


# A bin's forecast and a watched value's rarity have no period: they belong to each reading.
PERIODS: Mapping[Kind, Period] = {
    Kind.AIR: Period(HOUR, 12),  # NowCast looks back 12 hours
    Kind.ROAD: Period(QUARTER, 1),
    Kind.BIN_QUARTER: Period(QUARTER, 1),
    Kind.HEALTH: Period(DAY, 2),  # the first silent day is told, those after it are not
    Kind.CALC_QUARTER: Period(QUARTER, 1),
    Kind.CALC_HOUR: Period(HOUR, 1),
    Kind.CALC_DAY: Period(DAY, 1),
    Kind.FORECAST: Period(FORECAST_EVERY, 1),
    Kind.USUAL: Period(HOUR, 1),
    Kind.PAIR: Period(MINUTE, 1),
}

EACH_READING = frozenset({Kind.BIN, Kind.SERIES})

AIR_INPUTS = ("pm2_5", "pm10", "o3", "no2", "so2", "co")
ROAD_INPUT, BIN_INPUT, PAIR_INPUT = "vehicle_speed", "fill_level", "occupancy"
# Of these the next 24 hours are forecast: the highest hour expected is an observation of its own.
FORECAST_INPUTS = ("pm2_5", "pm10", "o3", "no2", "vehicle_flow")
USUAL_INPUTS = ("vehicle_speed", "vehicle_flow")
DRIFT_INPUTS = ("pm2_5", "pm10", "o3", "no2")  # held against the stations around
_INPUTS: Mapping[Kind, tuple[str, ...]] = {
    Kind.AIR: AIR_INPUTS,
    Kind.ROAD: (ROAD_INPUT,),
    Kind.BIN: (BIN_INPUT,),
    Kind.FORECAST: FORECAST_INPUTS,
    Kind.USUAL: USUAL_INPUTS,
}


@dataclass(frozen=True, slots=True)
class Method:
    """How the values of one derived property come about, and which edition of whose rules they follow."""

    method: str
    edition: str


@dataclass(frozen=True, slots=True)
class Value:
    """One derived value; `result` is None where the readings define none."""

    result: float | None
    quality: QualityFlag


NO_VALUE = Value(None, QualityFlag.MISSING)


def next_day(name: str) -> str:
    """Return the property that holds the forecast of the property `name`."""
    return f"{name}_next_day"


def methods() -> dict[str, Method]:
    """Return method and edition of every derived property."""
    us, eu, level, trip, waste = (
        table_for(name).edition for name in ("us_aqi", "european_aqi", "level_of_service", "travel_time", "waste")
    )
    ahead = Method("highest hour expected in the next 24 h, seasonal baseline and recent deviations", "Citywatch 1")
    usual = "median of the same hour of the week in eight weeks, holidays as Sundays"
    offset = Method("median of the day's hourly differences from the nearest stations' median", "Citywatch 1")
    drifted = Method(
        "CUSUM of the daily offsets, slack 0.5, against their first three weeks of ninety days", "Citywatch 1"
    )
    return {
        **{f"{name}_offset": offset for name in DRIFT_INPUTS},
        **{f"{name}_drift": drifted for name in DRIFT_INPUTS},
        **{next_day(name): ahead for name in FORECAST_INPUTS},
        **{f"{name}_usual": Method(usual, "Citywatch 1") for name in USUAL_INPUTS},
        **{f"{name}_deviation": Method(f"robust deviations from the {usual}", "Citywatch 1") for name in USUAL_INPUTS},
        "us_aqi": Method("hourly, particles by NowCast, ozone by its surrogate", us),
        "nowcast_pm2_5": Method("NowCast of 12 hours", us),
        "european_aqi": Method("hourly", eu),
        "level_of_service": Method("urban street, 15 minutes, own free-flow speed", level),
        "travel_time_index": Method("15 minutes, own free-flow speed", trip),
        "fill_rate": Method("Theil-Sen since the last emptying", waste),
        "time_to_full": Method("the bin's usual day at this cycle's pace; below three days Theil-Sen", waste),
        "time_to_full_low": Method("90 % band of time_to_full by its past outcomes, lower end", "Citywatch 1"),
        "time_to_full_high": Method("90 % band of time_to_full by its past outcomes, upper end", "Citywatch 1"),
        "incident_ahead": Method("California #7 held for two minutes, low-pass as second voice", "Citywatch 1"),
        "emptied_from": Method("drop that a later reading confirms, at the first low reading", waste),
        "rarity": Method("among the series' own past deviations from the hour of the week", "Citywatch 1"),
        "completeness": Method("reports of a UTC day against its expected interval", "Citywatch 1"),
        "completeness_by_rhythm": Method("reports of a UTC day against its learned interval", "Citywatch 1"),
        "battery_days_left": Method("Theil-Sen of daily means, 30 days", "Citywatch 1"),
    }


def kinds_of(name: str, interval: timedelta) -> tuple[Kind, ...]:
    """Return what a reading of the measured property `name` touches, of a device that reports every `interval`.

    A bin that reports more than once a minute has its forecast each quarter of an hour: so fast fills none.
    """
    if name == BIN_INPUT and interval < MINUTE:
        return Kind.BIN_QUARTER, Kind.HEALTH
    return (*(kind for kind, inputs in _INPUTS.items() if name in inputs), Kind.HEALTH)


def touched(kind: Kind, at: datetime) -> Iterator[datetime]:
    """Yield the ends of the periods whose values rest on a reading at `at`."""
    if kind not in PERIODS:
        yield at
        return
    period = PERIODS[kind]
    end = floor(at, period.width) + period.width
    for each in range(period.reach):
        yield end + each * period.width


def complete_at(kind: Kind, due_at: datetime, interval: timedelta) -> datetime:
    """Return when the period that ends at `due_at` may be judged; a reading of its own at once."""
    if kind not in PERIODS:
        return due_at
    return due_at + min(max(2 * interval, SHORTEST_GRACE), LONGEST_GRACE)


def expected_in(width: timedelta, interval: timedelta) -> int:
    """Return how many readings a period should hold, at least one."""
    return max(1, width // interval)


def flag(trusted: int, used: int) -> QualityFlag:
    """Return the flag of a value that rests on `used` readings of which `trusted` passed their checks."""
    return QualityFlag.GOOD if trusted >= TRUSTED_SHARE * used else QualityFlag.SUSPECT


def floor(at: datetime, width: timedelta) -> datetime:
    """Return the start of the period of `width` that `at` falls in, UTC."""
    return at - (at - EPOCH) % width
