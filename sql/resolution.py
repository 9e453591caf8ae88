"""Which rows a chart needs, and what becomes of them: pure, so that no query scans what a chart cannot show."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

Resolution = Literal["raw", "minute", "quarter", "hour", "day"]

WIDTHS: dict[Resolution, timedelta] = {
    "minute": timedelta(minutes=1),
    "quarter": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
RAW_ROWS = 10  # raw rows read for each point shown, at most
BUCKETS = 4  # buckets read for each point shown, at most
GAP = 3  # expected intervals without a usable result that make a gap


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart: a reading, or a bucket. `value` is None where a gap begins.

    `good_share` is the share of rows flagged GOOD among all rows; `n` counts the rows that `value` is made from.
    """

    time: datetime
    value: float | None
    min: float | None = None
    max: float | None = None
    n: int | None = None
    good_share: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read: raw rows, or `resolution`'s rollup in points of `width`, a whole number of its buckets."""

    resolution: Resolution
    width: timedelta


def pick(span: timedelta, interval: timedelta, points: int) -> Plan:
    """Return the finest source that shows `span` in about `points` points, for one reading every `interval`."""
    if span / interval <= RAW_ROWS * points:
        return Plan("raw", interval)
    for resolution, width in WIDTHS.items():
        buckets = span / width
        if buckets <= BUCKETS * points:
            return Plan(resolution, width * max(1, math.ceil(buckets / points)))
    day = WIDTHS["day"]
    return Plan("day", day * math.ceil(span / day / points))


def circular_mean(sin_sum: float, cos_sum: float, n: int) -> float | None:
    """Return the mean direction in [0, 360) degrees; None where directions cancel out or there are none."""
    if n < 1 or math.hypot(sin_sum, cos_sum) < 1e-9 * n:
        return None
    # The outer modulo: a tiny negative angle plus 360 rounds to 360 itself.
    return math.degrees(math.atan2(sin_sum, cos_sum)) % 360.0 % 360.0


def is_direction(name: str) -> bool:
    """Return whether an observed property is a direction, by the catalogue's naming."""
    return name.endswith("_direction")


def raw_point(row: Mapping[str, Any]) -> Point:
    """Return the point of one observation; FAIL and MISSING are not shown as results, they break the line."""
    shown = row["quality"] <= 3
    return Point(
        row["phenomenon_time"],
        row["result"] if shown else None,
        n=int(shown),
        good_share=float(row["quality"] == 1),
    )


def bucket_point(row: Mapping[str, Any], *, circular: bool) -> Point:
    """Return the point of one rollup row: mean, extremes and share of good readings."""
    n, n_all = int(row["n"] or 0), int(row["n_all"] or 0)
    total = row["sum"] or 0.0
    value = circular_mean(row["sin_sum"] or 0.0, row["cos_sum"] or 0.0, n) if circular else total / n if n else None
    # Least and greatest mean nothing on a circle.
    low, high = (None, None) if circular else (row["min"], row["max"])
    return Point(row["time"], value, low, high, n, int(row["n_good"] or 0) / n_all if n_all else None)


def with_gaps(points: Sequence[Point], limit: timedelta, width: timedelta) -> list[Point]:
    """Return the points with an empty one, `width` later, where the next is more than `limit` away: a line breaks."""
    result: list[Point] = []
    for point in points:
        if result and result[-1].value is not None and point.time - result[-1].time > limit:
            result.append(Point(result[-1].time + width, None))
        result.append(point)
    return result


def thin(curve: Sequence[Point], points: int) -> list[Point]:
    """Return at most `points` of the points with a value, those that keep the curve's shape (MinMaxLTTB).

    Where points without a value lie between two kept ones, the first of them is returned as well: a gap stays a gap.
    """
    shown = [at for at, point in enumerate(curve) if point.value is not None]
    if len(shown) > points:
        x = np.array([curve[at].time.timestamp() for at in shown])
        y = np.array([curve[at].value for at in shown], dtype=np.float64)
        shown = [shown[at] for at in MinMaxLTTBDownsampler().downsample(x, y, n_out=points)]
    chosen = set(shown)
    # The first empty point after each kept one (or of all): only that one is looked for, so one pass does.
    broken = False
    for at, point in enumerate(curve):
        if at in chosen:
            broken = False
        elif point.value is None and not broken:
            chosen.add(at)
            broken = True
    return [curve[at] for at in sorted(chosen)]
