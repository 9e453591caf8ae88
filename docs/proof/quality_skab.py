"""Which labelled faults of the SKAB test rig the quality tests flag, and how often they cry wolf. A figure, no promise.

Eight sensors at 1 Hz; a person labelled the rows of each experiment (a valve half shut, a pump unbalanced). Limits are
set as an engineer would, from what the rig did before anything was wrong: the first 300 rows of each file. The tests
are those of one reading and its neighbours; a shift that is gradual, small, or in the relation between sensors is not
theirs to see, and the figures say so.
"""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from devices.limits import FlatLine, GrossRange, Limits, Step
from devices.model import QualityFlag, QualityTest
from docs.proof.shared_data import data_folder
from ingest.model import Channel, Row
from ingest.quality.memory import Memory, judge

LEARNT = 300  # rows
SECOND = timedelta(seconds=1)


def limits_of(values: list[float]) -> Limits:
    """Return limits from a quiet stretch: half its span around it; steps of half as much again as the largest."""
    low, high = min(values), max(values)
    room = (high - low) / 2
    step = max(abs(later - earlier) for earlier, later in pairwise(values))
    spike = max(abs(b - (a + c) / 2) for a, b, c in zip(values, values[1:], values[2:], strict=False))
    return Limits(
        gross_range=GrossRange((low - 10 * room, high + 10 * room), (low - room, high + room)),
        spike=Step(1.5 * spike, None),
        rate_of_change=Step(1.5 * step, None),
        flat_line=FlatLine(0.0, timedelta(seconds=30), None),
    )


def judged(path: Path) -> dict[str, object]:
    """Return what the tests say of one file beside what its labels say."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    at = [datetime.fromisoformat(line["datetime"]).replace(tzinfo=UTC) for line in lines]
    labelled = [float(line["anomaly"]) == 1.0 for line in lines]
    names = [name for name in lines[0] if name not in ("datetime", "anomaly", "changepoint")]
    flagged: list[set[str]] = [set() for _ in lines]
    by_test: dict[str, int] = {}
    for name in names:
        values = [float(line[name]) for line in lines]
        channel = Channel("skab", name, "1", limits_of(values[:LEARNT]), SECOND, memory=Memory(), watched=True)
        rows = [Row(channel, time, time, value, QualityFlag.GOOD, 0) for time, value in zip(at, values, strict=True)]
        for row in rows:
            judge(row)
        for number, row in enumerate(rows[LEARNT:], LEARNT):
            if row.quality is not QualityFlag.GOOD:
                flagged[number].add(name)
                for test in QualityTest:
                    if row.tests & test:
                        by_test[str(test.name).lower()] = by_test.get(str(test.name).lower(), 0) + 1
    tail = range(LEARNT, len(lines))
    begins = [n for n in tail if labelled[n] and not labelled[n - 1]]
    ends = [next((n for n in range(begin, len(lines)) if not labelled[n]), len(lines)) for begin in begins]
    rows_at_fault = sum(labelled[n] for n in tail)
    return {
        "rows_after_the_quiet_stretch": len(tail),
        "rows_labelled": rows_at_fault,
        "labelled_rows_flagged": sum(labelled[n] and bool(flagged[n]) for n in tail),
        "other_rows_flagged": sum(not labelled[n] and bool(flagged[n]) for n in tail),
        "faults": len(begins),
        "faults_flagged": sum(
            any(flagged[n] for n in range(begin, end)) for begin, end in zip(begins, ends, strict=True)
        ),
        "seconds_to_the_first_flag": [
            next((n - begin for n in range(begin, end) if flagged[n]), None)
            for begin, end in zip(begins, ends, strict=True)
        ],
        "flags_by_test": by_test,
    }


def prove() -> dict[str, object]:
    """Judge every file; the only thing asserted is that all of them were."""
    folder = data_folder() / "timeseries" / "faults_skab"
    files = sorted(folder.glob("*.csv.gz"))
    assert len(files) == 6, f"{len(files)} files in {folder}"
    figures: dict[str, object] = {path.name.removesuffix(".csv.gz"): judged(path) for path in files}
    names = ("rows_labelled", "labelled_rows_flagged", "other_rows_flagged", "faults", "faults_flagged")
    figures["all"] = {name: sum(each[name] for each in figures.values()) for name in names}  # type: ignore[index]
    return figures
