"""Every published vector of ioos_qc's own tests, against the incremental tests."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from devices.limits import Attenuated, FlatLine, GrossRange, Step
from devices.model import QualityFlag
from ingest.quality.attenuated import SignalWindow
from ingest.quality.flat_line import FlatRun
from ingest.quality.gross_range import judge_range
from ingest.quality.location import judge_location
from ingest.quality.rate_of_change import judge_rate
from ingest.quality.spike import judge_spike

MISSING = QualityFlag.MISSING


def times(args: dict[str, Any]) -> list[datetime]:
    return [
        datetime.fromtimestamp(t, UTC) if isinstance(t, int | float) else datetime.fromisoformat(t).replace(tzinfo=UTC)
        for t in args["tinp"]
    ]


def gross_range(args: dict[str, Any]) -> Iterator[QualityFlag]:
    limits = GrossRange(tuple(args["fail_span"]), tuple(args["suspect_span"]))
    return (judge_range(value, limits) for value in args["inp"])


def spike(args: dict[str, Any]) -> Iterator[QualityFlag]:
    values = [None, *args["inp"], None]
    limits = Step(args["suspect_threshold"], args["fail_threshold"])
    for before, value, after in zip(values, values[1:], values[2:], strict=False):
        yield MISSING if value is None else judge_spike(before, value, after, limits, args["method"])


def rate_of_change(args: dict[str, Any]) -> Iterator[QualityFlag]:
    limits, before, at = Step(args["threshold"], args["fail_threshold"]), None, None
    for value, time in zip(args["inp"], times(args), strict=True):
        seconds = 1.0 if at is None else (time - at).total_seconds()
        yield MISSING if value is None else judge_rate(before, value, seconds, limits)
        before, at = value, time


def flat_line(args: dict[str, Any]) -> Iterator[QualityFlag]:
    at = times(args)
    steps = [(later - earlier).total_seconds() for earlier, later in pairwise(at)]
    interval = timedelta(seconds=median(steps) if steps else 1)
    limits = FlatLine(
        args["tolerance"],
        timedelta(seconds=args["suspect_threshold"]),
        timedelta(seconds=args["fail_threshold"]),
    )
    run = FlatRun()
    for value, time in zip(args["inp"], at, strict=False):
        run.add(value, time, interval, limits.tolerance)
        yield MISSING if value is None else run.judge(limits, interval)


def attenuated_signal(args: dict[str, Any]) -> Iterator[QualityFlag]:
    at, period = times(args), args["test_period"]
    least = args["min_obs"]
    if least is None:
        step = (at[1] - at[0]).total_seconds()
        least = 1 if args["min_period"] is None else int(args["min_period"] / step)
    limits = Attenuated(
        None if period is None else timedelta(seconds=period),
        args["suspect_threshold"],
        args["fail_threshold"],
        args["check_type"],
        least,
    )
    window, verdicts = SignalWindow(), []
    for value, time in zip(args["inp"], at, strict=True):
        window.add(value, time, limits)
        verdicts.append(window.judge(limits))
    for value, verdict in zip(args["inp"], verdicts, strict=True):
        # Without a period ioos_qc judges the whole series at once: that is our verdict at its end.
        yield MISSING if value is None else verdict if period else verdicts[-1]


def location(args: dict[str, Any]) -> Iterator[QualityFlag]:
    before = None
    for position in zip(args["lon"], args["lat"], strict=True):
        yield judge_location(position, before, args["range_max"])
        before = position


TESTS: dict[str, Callable[[dict[str, Any]], Iterator[QualityFlag]]] = {
    "gross_range_test": gross_range,
    "spike_test": spike,
    "rate_of_change_test": rate_of_change,
    "flat_line_test": flat_line,
    "attenuated_signal_test": attenuated_signal,
    "location_test": location,
}


def test_all_39_published_vectors_come_out_equal(shared_data: Path) -> None:
    text = (shared_data / "reference" / "qartod_vectors.jsonl").read_text(encoding="utf-8")
    vectors = [json.loads(line) for line in text.splitlines()]
    wrong = [
        (number, vector["test"], said, vector["flags"])
        for number, vector in enumerate(vectors, 1)
        if (said := [int(flag) for flag in TESTS[vector["test"]](vector["args"])]) != vector["flags"]
    ]
    assert not wrong
    assert len(vectors) == 39


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        pytest.param([-5.1, -5, 0, 10, 500, 500.1, 1000, 1000.1], [4, 3, 1, 1, 1, 3, 3, 4], id="bounds are inside"),
    ],
)
def test_gross_range_bounds(values: list[float], flags: list[int]) -> None:
    limits = GrossRange((-5, 1000), (0, 500))
    assert [judge_range(value, limits) for value in values] == flags


def test_equal_values_across_a_silence_are_no_flat_line() -> None:
    limits = FlatLine(0.01, timedelta(hours=3), timedelta(hours=5))
    hours = [0, 1, 2, 7, 8, 9]  # nothing was heard for five hours
    run, interval, flags = FlatRun(), timedelta(hours=1), []
    for hour in hours:
        run.add(12.0, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour), interval, limits.tolerance)
        flags.append(int(run.judge(limits, interval)))
    assert flags == [1, 1, 1, 1, 1, 1]
