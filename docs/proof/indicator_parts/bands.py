"""Times to full of the bins of Wyndham: whether the band that is told holds its share."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from devices.model import QualityFlag
from indicators.bin_forecast import NAMES, bin_forecast
from indicators.derived import HOUR, Value
from indicators.emptying import Standing, emptyings
from indicators.fill import FillReading
from indicators.quantiles import median
from indicators.time_to_full import (
    FORECAST_SPAN,
    LONGEST_GAP,
    TEACHING_SPAN,
    Outcome,
    ends_cycle,
    outcomes,
    trust,
)

WYNDHAM_FULL = 80.0  # percent: the `fullnessThreshold` of every one of these bins


@dataclass
class _Coverage:
    held: int = 0
    judged: int = 0
    without_band: int = 0
    not_forecast: int = 0
    error_days: float = 0.0
    widths: tuple[float, ...] = ()
    per_bin: tuple[tuple[float, int], ...] = ()


def prove_bands(bins: Mapping[str, Sequence[FillReading]], numbers: Iterable[int]) -> dict[str, object]:
    """Replay the bins of these numbers reading by reading as the deriving worker does, and judge each band it tells.

    What counts as full is these bins' own threshold. Judged is each forecast of a cycle that came to full: what a cycle
    that was ended earlier would have come to, nobody knows.
    """
    group = _Coverage()
    for number, readings in enumerate(bins.values()):
        if number not in numbers:
            continue
        told, held, judged = told_of_bin(readings, WYNDHAM_FULL), 0, 0
        for first, full in _full_cycles(readings, WYNDHAM_FULL):
            for at in range(first, full):
                took = (readings[full].time - readings[at].time) / HOUR
                expected, low, high = (told[at][name].result for name in NAMES if name.startswith("time_to_full"))
                if expected is None:
                    group.not_forecast += 1
                    continue
                group.error_days += abs(took - expected) / 24
                if low is None:
                    group.without_band += 1
                    continue
                # Told to the thousandth of an hour; an upper end beyond eight weeks is not told.
                held += low - 0.001 <= took <= (math.inf if high is None else high + 0.001)
                judged += 1
                group.widths += ((math.inf if high is None else high - low) / 24,)
        group.held += held
        group.judged += judged
        group.per_bin += ((round(held / judged, 3), judged),)
    return {
        "outcomes": group.judged,
        "no_band_yet": group.without_band,
        "not_forecast": group.not_forecast,
        "held_by_90_percent_band": round(group.held / group.judged, 3),
        "lowest_bin_and_its_outcomes": list(min(group.per_bin)),
        "highest_bin_and_its_outcomes": list(max(group.per_bin)),
        "median_width_days": round(median(group.widths), 2),
        "mean_error_days": round(group.error_days / (group.judged + group.without_band), 2),
    }


def told_of_bin(readings: Sequence[FillReading], full: float) -> list[dict[str, Value]]:
    """Return what `indicators.bin_windows` derives at each reading of a bin that reports once an hour at most."""
    taught: list[Outcome] = []
    known, found = trust(taught), []
    for at, newest in enumerate(readings):
        before = _window(readings[:at], newest, FORECAST_SPAN)
        if ends_cycle(before, newest, full):
            taught += outcomes([*_window(readings[:at], newest, TEACHING_SPAN), newest], full)
            known = trust(taught)
        found.append(bin_forecast(before, newest, QualityFlag.GOOD, full, known))
    return found


def _window(past: Sequence[FillReading], newest: FillReading, span: timedelta) -> Sequence[FillReading]:
    hour = newest.time.replace(minute=0, second=0, microsecond=0)
    return past[bisect_left(past, hour - span, key=lambda each: each.time) :]


def _full_cycles(readings: Sequence[FillReading], full: float) -> Iterator[tuple[int, int]]:
    """Yield the places of the first reading after an emptying and of the first full one, of each cycle that fills up.

    Not those torn by a gap of more than five days, or by a drop that may be an emptying or a spike.
    """
    found = {each.time: each.standing for each in emptyings(readings)}
    first: int | None = None
    for at, reading in enumerate(readings):
        if reading.time in found:
            first = None if found[reading.time] is Standing.UNCERTAIN else at
        elif at and reading.time - readings[at - 1].time > LONGEST_GAP:
            first = None
        if first is not None and reading.level >= full:
            if at > first:
                yield first, at
            first = None
