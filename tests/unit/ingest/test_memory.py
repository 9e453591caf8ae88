"""All tests of one datastream together, reading by reading."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.limits import FlatLine, Gap, GrossRange, Limits, Step
from devices.model import QualityFlag, QualityTest
from ingest.model import Channel, Revision, Row
from ingest.quality.memory import Memory, judge

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def channel(limits: Limits) -> Channel:
    return Channel("air-1", "pm2_5", "ug/m3", limits, MINUTE, 1, Memory())


def run(limits: Limits, *values: float | None, step: timedelta = MINUTE) -> tuple[list[Row], list[Revision | None]]:
    """Judge a series, each reading sealed before the next comes."""
    own, rows, revisions = channel(limits), [], []
    for number, value in enumerate(values):
        quality = QualityFlag.MISSING if value is None else QualityFlag.GOOD
        row = Row(own, BEGIN + number * step, BEGIN, value, quality, 0)
        revisions.append(judge(row))
        row.sealed = True
        rows.append(row)
    return rows, revisions


def flags(rows: list[Row]) -> str:
    return "".join(str(int(row.quality)) for row in rows)


def test_a_spike_is_known_only_when_its_successor_has_come() -> None:
    limits = Limits(GrossRange((-100, 1000)), spike=Step(5, 10))
    rows, revisions = run(limits, 10, 11, 30, 11, 10, 12, 18, 12, 11)
    assert flags(rows) == "134311311"
    revised = {n: (r.old_quality, r.row is rows[n - 1]) for n, r in enumerate(revisions) if r is not None}
    assert revised == {2: (1, True), 3: (1, True), 4: (1, True), 7: (1, True)}
    assert rows[2].tests == QualityTest.SPIKE


def test_a_spike_inside_one_batch_needs_no_revision() -> None:
    own = channel(Limits(GrossRange((-100, 1000)), spike=Step(5, 10)))
    rows = [Row(own, BEGIN + n * MINUTE, BEGIN, v, QualityFlag.GOOD, 0) for n, v in enumerate([10, 11, 30, 11, 10])]
    assert [judge(row) for row in rows] == [None] * 5
    assert flags(rows) == "13431"


@pytest.mark.parametrize(
    ("limits", "values", "expected", "test"),
    [
        pytest.param(
            Limits(GrossRange((-999, 999)), rate_of_change=Step(0.5, 1.0)),
            [10, 20, 20, 100, 90], "11141", QualityTest.RATE_OF_CHANGE, id="rate per second, first passes",
        ),
        pytest.param(
            Limits(GrossRange((0, 100), (10, 90))), [5, 50, 101, None, 95], "31493", QualityTest.GROSS_RANGE,
            id="gross range, missing stays missing",
        ),
        pytest.param(
            Limits(GrossRange((0, 100)), flat_line=FlatLine(0.01, 3 * MINUTE, 5 * MINUTE)),
            [10, 12, 12, 12, 12, 12, 12, 12, 13, 14], "1111334411", QualityTest.FLAT_LINE, id="flat line",
        ),
    ],
)  # fmt: skip
def test_each_flag_says_which_test(
    limits: Limits, values: list[float | None], expected: str, test: QualityTest
) -> None:
    rows, _ = run(limits, *values)
    assert flags(rows) == expected
    assert {row.tests for row in rows if row.quality in (3, 4)} == {int(test)}


def test_a_reading_after_a_silence_is_flagged_by_gap_alone() -> None:
    own = channel(Limits(GrossRange((0, 100)), gap=Gap(fail_after=timedelta(hours=2))))
    rows = [Row(own, BEGIN + timedelta(hours=h), BEGIN, 5.0, QualityFlag.GOOD, 0) for h in (0, 1, 4, 5, 7)]
    for row in rows:
        judge(row)
    assert flags(rows) == "11411"


def test_a_late_reading_has_no_neighbours() -> None:
    own = channel(Limits(GrossRange((0, 100)), rate_of_change=Step(0.001)))
    newest = Row(own, BEGIN + MINUTE, BEGIN, 5.0, QualityFlag.GOOD, 0)
    late = Row(own, BEGIN, BEGIN, 99.0, QualityFlag.GOOD, 0)
    assert [judge(newest), judge(late)] == [None, None]
    assert late.quality == QualityFlag.GOOD
    assert own.memory is not None
    assert own.memory.last is newest
