"""The same series through ioos_qc itself, the reference implementation of QARTOD."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from ioos_qc import qartod

from devices.limits import GrossRange, Step
from devices.model import QualityFlag
from ingest.quality.gross_range import judge_range
from ingest.quality.rate_of_change import judge_rate
from ingest.quality.spike import judge_spike

SERIES = 200


def series(seed: int) -> tuple[list[float | None], list[datetime]]:
    """Values that wander, jump and go missing, at uneven times."""
    dice = random.Random(seed)
    values: list[float | None] = []
    times, at, level = [], datetime(2026, 3, 1, tzinfo=UTC), 10.0
    for _ in range(dice.randint(3, 60)):
        level += dice.gauss(0, 1) + (dice.choice((-20, 20)) if dice.random() < 0.05 else 0)
        values.append(None if dice.random() < 0.08 else round(level, 2))
        at += timedelta(seconds=dice.randint(1, 600))
        times.append(at)
    return values, times


def theirs(flags: object) -> list[int]:
    return [int(flag) for flag in flags]  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(SERIES))
def test_a_series_is_judged_as_ioos_qc_judges_it(seed: int) -> None:
    values, times = series(seed)
    given = np.array([np.nan if value is None else value for value in values])
    at = np.array([time.replace(tzinfo=None) for time in times], dtype="datetime64[ns]")
    missing = QualityFlag.MISSING

    ours = [missing if v is None else judge_range(v, GrossRange((-20, 40), (0, 25))) for v in values]
    assert list(map(int, ours)) == theirs(qartod.gross_range_test(given, fail_span=(-20, 40), suspect_span=(0, 25)))

    padded, limits = [None, *values, None], Step(3.0, 8.0)
    ours = [
        missing if value is None else judge_spike(before, value, after, limits, "average")
        for before, value, after in zip(padded, padded[1:], padded[2:], strict=False)
    ]
    assert list(map(int, ours)) == theirs(qartod.spike_test(given, suspect_threshold=3.0, fail_threshold=8.0))

    ours, step = [], Step(0.02, None)
    for number, (value, time) in enumerate(zip(values, times, strict=True)):
        before = values[number - 1] if number else None
        seconds = (time - times[number - 1]).total_seconds() if number else 1.0
        ours.append(missing if value is None else judge_rate(before, value, seconds, step))
    assert list(map(int, ours)) == theirs(qartod.rate_of_change_test(given, at, threshold=0.02))
