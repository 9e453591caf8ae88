"""The next 24 hours of an hourly series from its own history, with intervals and a score against last week.

Seasonal baseline (trimmed mean of the hour of the week, or of the day, whichever the series itself follows better) plus
what the recent deviations from it say: now, over the last day and week (the trend), and at the same hour yesterday.
Their weights are fitted per hour ahead by least absolute deviations, so an episode in the history pulls little; the
interval holds the middle share of what the fit missed by. Deviations are taken from a baseline that leaves the judged
value out: otherwise the past looks easier than the future and intervals come out too narrow.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from indicators.baseline import hour_of_week
from indicators.errors import IndicatorError

HOUR = timedelta(hours=1)
DAY_HOURS, WEEK_HOURS = 24, 168
HISTORY_WEEKS = 8  # chosen on I-94 and Beijing ozone, spring (docs/proof)
NEEDED_WEEKS = 3
NEEDED_SHARE = 0.6
TRIM = 0.2  # at either end of a slot's values
CARRY_HOURS = 3  # a missing newest value is taken for the one before, no further back
FITTING_ROUNDS = 12
RIDGE = 1e-3

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HourlySeries:
    """Hourly means from `start` (aware) on, nan where missing; `zone` is where hours and holidays are lived."""

    start: datetime
    values: Values
    zone: tzinfo = UTC
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(
        cls, start: datetime, values: Sequence[float | None], zone: tzinfo = UTC, holidays: Collection[date] = ()
    ) -> "HourlySeries":
        """Return the series of `values`, None for a missing hour; raise IndicatorError for a naive start."""
        if start.tzinfo is None:
            raise IndicatorError(f"the start {start} of a series must name its time zone")
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        return cls(start, numbers, zone, frozenset(holidays))

    def until(self, hours: int) -> "HourlySeries":
        """Return what was known after the first `hours` hours."""
        return HourlySeries(self.start, self.values[:hours], self.zone, self.holidays)

    def slots(self, hours: int) -> NDArray[np.int64]:
        """Return the hour of the week of the first `hours` hours."""
        local = [(self.start + at * HOUR).astimezone(self.zone) for at in range(hours)]
        return np.array([hour_of_week(time, self.holidays) for time in local], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """What is expected of one hour, in the unit of the series; the band holds it with the forecast's share."""

    time: datetime
    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next 24 hours; `seasonality` is hour_of_week or hour_of_day, `weeks` the history used."""

    points: tuple[ForecastPoint, ...]
    share: float
    seasonality: str
    weeks: float


def forecast_day(series: HourlySeries, share: float = 0.9, floor: float = -np.inf) -> Forecast | None:
    """Return the 24 hours after the end of `series`; None with less than three weeks, or 60 % of values, of history.

    `floor` is the lowest value possible (0 for concentrations and counts), `share` what the band is to hold.
    """
    keep = min(len(series.values), HISTORY_WEEKS * WEEK_HOURS)
    if keep < NEEDED_WEEKS * WEEK_HOURS:
        return None
    first = len(series.values) - keep
    known = series.values[first:]
    if np.mean(~np.isnan(known)) < NEEDED_SHARE:
        return None
    every_slot = HourlySeries(series.start + first * HOUR, known, series.zone, series.holidays).slots(keep + DAY_HOURS)
    candidates = {
        "hour_of_week": _deviations(known, every_slot, WEEK_HOURS),
        "hour_of_day": _deviations(known, every_slot % DAY_HOURS, DAY_HOURS),
    }
    seasonality = min(candidates, key=lambda name: float(np.nanmean(np.abs(candidates[name][0]))))
    deviations, baseline = candidates[seasonality]
    carried = _carry(deviations)
    points = []
    for ahead in range(1, DAY_HOURS + 1):
        rows = np.arange(WEEK_HOURS, keep - ahead)
        outcome = deviations[rows + ahead]
        seen = ~np.isnan(outcome)
        features = _features(carried, rows[seen], ahead)
        weights = _least_absolute(features, outcome[seen])
        missed = outcome[seen] - features @ weights
        low, high = np.quantile(missed, [(1 - share) / 2, (1 + share) / 2])
        now = _features(carried, np.array([keep - 1]), ahead)
        level = float(baseline[keep - 1 + ahead]) + float((now @ weights)[0])
        time = series.start + (len(series.values) - 1 + ahead) * HOUR
        points.append(
            ForecastPoint(time, max(level, floor), max(level + float(low), floor), max(level + float(high), floor))
        )
    return Forecast(tuple(points), share, seasonality, keep / WEEK_HOURS)


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """Mean absolute errors of forecast and of "same hour last week" on the same `n` hours; `gain` is the share saved.

    `coverage` is the share of hours inside the band.
    """

    error: float
    last_week_error: float
    gain: float
    coverage: float
    n: int


def backtest(
    series: HourlySeries, origins: Sequence[int], share: float = 0.9, floor: float = -np.inf
) -> ForecastScore | None:
    """Return how forecasts made after `origins` (numbers of hours known) did; None where nothing could be judged.

    Only hours count in which both the outcome and the value a week before are there.
    """
    errors, naive, inside = [], [], []
    for origin in origins:
        forecast = forecast_day(series.until(origin), share, floor)
        if forecast is None:
            continue
        for ahead, point in enumerate(forecast.points):
            at = origin + ahead
            if at >= len(series.values) or np.isnan(series.values[at]) or np.isnan(series.values[at - WEEK_HOURS]):
                continue
            outcome = float(series.values[at])
            errors.append(abs(outcome - point.expected))
            naive.append(abs(outcome - float(series.values[at - WEEK_HOURS])))
            inside.append(point.low <= outcome <= point.high)
    if not errors or not any(naive):
        return None
    error, last_week = float(np.mean(errors)), float(np.mean(naive))
    return ForecastScore(error, last_week, 1 - error / last_week, float(np.mean(inside)), len(errors))


def _trimmed(values: Values) -> float:
    cut = int(len(values) * TRIM)
    return float(np.sort(values)[cut : len(values) - cut].mean())


def _deviations(known: Values, slots: NDArray[np.int64], count: int) -> tuple[Values, Values]:
    """Return each known value less the baseline of its slot without it, and the baseline of all slots asked for."""
    deviations = np.full(len(known), np.nan)
    levels = np.full(count, np.nan)
    for slot in range(count):
        at = np.flatnonzero((slots[: len(known)] == slot) & ~np.isnan(known))
        values = known[at]
        if len(values):
            levels[slot] = _trimmed(values)
        if len(values) > 1:
            for place in range(len(values)):
                deviations[at[place]] = values[place] - _trimmed(np.delete(values, place))
    levels[np.isnan(levels)] = _trimmed(known[~np.isnan(known)])
    return deviations, levels[slots]


def _carry(deviations: Values) -> Values:
    """Fill short gaps with the value before them, longer ones with 0: nothing unusual is known there."""
    carried = deviations.copy()
    for back in range(1, CARRY_HOURS + 1):
        older = np.concatenate([np.full(back, np.nan), deviations[:-back]])
        carried = np.where(np.isnan(carried), older, carried)
    return np.nan_to_num(carried)


def _features(deviations: Values, rows: NDArray[np.int64], ahead: int) -> Values:
    """Return what is known at `rows`: deviation now, over the last day and week, a day before the target, and 1."""
    sums = np.concatenate([[0.0], np.cumsum(deviations)])
    return np.stack(
        [
            deviations[rows],
            (sums[rows + 1] - sums[rows + 1 - DAY_HOURS]) / DAY_HOURS,
            (sums[rows + 1] - sums[rows + 1 - WEEK_HOURS]) / WEEK_HOURS,
            deviations[rows + ahead - DAY_HOURS],
            np.ones(len(rows)),
        ],
        axis=1,
    )


def _least_absolute(features: Values, outcome: Values) -> Values:
    """Return the weights of least absolute deviations, by iteratively reweighted least squares with a little ridge."""
    ridge = RIDGE * len(outcome) * np.diag(np.maximum(features.var(axis=0), 1e-9))
    emphasis: Values = np.ones(len(outcome))
    weights: Values = np.zeros(features.shape[1])
    for _ in range(FITTING_ROUNDS):
        weighted = features * emphasis[:, None]
        weights = np.asarray(np.linalg.solve(weighted.T @ features + ridge, weighted.T @ outcome), dtype=np.float64)
        missed = np.abs(outcome - features @ weights)
        nearness: Values = 1 / np.maximum(missed, 0.01 * float(np.median(missed)) + 1e-9)
        emphasis = nearness / nearness.mean()
    return weights
