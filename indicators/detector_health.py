"""Is a loop detector to be believed? The daily verdict of Caltrans PeMS, and checks on a single row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import fmean
from typing import Any

from devices.model import QualityFlag
from indicators.errors import IndicatorError
from indicators.thresholds import table_for

SAMPLES_PER_FIVE_MINUTES = 10
LEVELS = ("feed", "line", "controller", "station", "detector")

# One 30-second sample: vehicles counted and fraction of time occupied; None where the sample is missing.
Sample = tuple[float, float] | None


class DetectorStatus(StrEnum):
    """Daily verdicts, in the order in which they are tried."""

    NO_DATA = "no_data"
    INSUFFICIENT_DATA = "insufficient_data"
    CARD_OFF = "card_off"
    HIGH_VALUE = "high_value"
    INTERMITTENT = "intermittent"
    CONSTANT = "constant"
    GOOD = "good"


def daily_status(samples: Sequence[Sample], road: str = "urban") -> DetectorStatus:
    """Return the verdict on one detector's day: the first rule that fails, shares of the 2040 expected samples.

    `samples` are in time order, 05 to 22 h; `road` is urban, rural, low_volume or ramp. Every limit is to be exceeded.
    """
    rules = table_for("detector_health").body
    if road not in rules["card_off_share"]:
        raise IndicatorError(f"no detector rules for a {road!r} road; there are {', '.join(rules['card_off_share'])}")
    expected: int = rules["expected_samples"]
    if len(samples) > expected:
        raise IndicatorError(f"a day has {expected} samples, not {len(samples)}")
    seen = [sample for sample in samples if sample is not None]
    if not seen:
        return DetectorStatus.NO_DATA
    if len(seen) <= rules["insufficient_share"] * expected:
        return DetectorStatus.INSUFFICIENT_DATA

    def share(hits: int) -> float:
        return hits / expected

    ramp = road == "ramp"
    off = sum(flow == 0 if ramp else occupancy == 0 for flow, occupancy in seen)
    if share(off) > rules["card_off_share"][road]:
        return DetectorStatus.CARD_OFF
    high = sum(flow > rules["high_flow"] if ramp else occupancy > rules["high_occupancy"] for flow, occupancy in seen)
    if share(high) > rules["high_share"]:
        return DetectorStatus.HIGH_VALUE
    covered = sum(flow == 0 and occupancy > 0 for flow, occupancy in seen)
    uncovered = sum(flow > 0 and occupancy == 0 for flow, occupancy in seen)
    if (
        share(covered) > rules["occupancy_without_flow_share"]
        or share(uncovered) > rules["flow_without_occupancy_share"]
    ):
        return DetectorStatus.INTERMITTENT
    return DetectorStatus.CONSTANT if _constant(samples, rules) else DetectorStatus.GOOD


def _constant(samples: Sequence[Sample], rules: Mapping[str, Any]) -> bool:
    """Apply both rules for a stuck value: the manual's (many repeats) and the running code's (four still hours).

    Zero occupancy is left to the card-off rule: a quiet road is not a stuck detector.
    """
    five_minutes = []
    for start in range(0, len(samples), SAMPLES_PER_FIVE_MINUTES):
        slot = [sample[1] for sample in samples[start : start + SAMPLES_PER_FIVE_MINUTES] if sample is not None]
        if slot:
            five_minutes.append(fmean(slot))
    repeats, run = 0, 1
    for before, value in pairwise(five_minutes):
        same = value == before and value > 0
        repeats += same
        run = run + 1 if same else 1
        if repeats > rules["repeats"] or run >= rules["constant_values"]:
            return True
    return False


def silent_level(samples: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], str]:
    """Return for each silent detector the widest level that is silent as a whole.

    Keys are paths (feed, line, controller, station, detector), values numbers of samples received.
    """
    received: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for path, count in samples.items():
        if len(path) != len(LEVELS):
            raise IndicatorError(f"{path} is not a path of {', '.join(LEVELS)}")
        for depth in range(1, len(LEVELS) + 1):
            received[path[:depth]] += count
    return {
        path: next(level for depth, level in enumerate(LEVELS, start=1) if received[path[:depth]] == 0)
        for path, count in samples.items()
        if count == 0
    }


def row_verdict(flow: float, occupancy: float, speed: float) -> tuple[QualityFlag, str]:
    """Return the flag for one row and why: flow in veh/h per lane, occupancy as a fraction, speed in km/h.

    A standing queue (no flow, occupied, no speed) is suspect at most: it is exactly what must not be thrown away.
    """
    limits = table_for("detector_health").section("row")
    if not 0 <= flow <= limits["flow_per_lane"]:
        return QualityFlag.FAIL, f"flow {flow} veh/h is not within 0 to {limits['flow_per_lane']}"
    if not 0 <= occupancy <= 1:
        return QualityFlag.FAIL, f"occupancy {occupancy} is not within 0 to 1"
    if not 0 <= speed <= limits["speed"]:
        return QualityFlag.FAIL, f"speed {speed} km/h is not within 0 to {limits['speed']}"
    if flow > 0 and speed == 0:
        return QualityFlag.FAIL, "vehicles counted at speed 0"
    if flow == 0 and speed > 0:
        return QualityFlag.SUSPECT, "a speed without vehicles"
    if flow == 0 and occupancy > 0:
        return QualityFlag.SUSPECT, "occupied without vehicles: a standing queue, or a stuck detector"
    if flow > 0 and occupancy > 0:
        shortest, longest = limits["effective_length"]
        length = 1000 * occupancy * speed / flow
        if not shortest <= length <= longest:
            return QualityFlag.SUSPECT, f"implied vehicle length {length:.1f} m is not within {shortest} to {longest}"
    return QualityFlag.GOOD, "plausible"
