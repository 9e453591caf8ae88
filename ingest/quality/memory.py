"""What ingest remembers of one datastream between readings, and the tests that need it."""

from datetime import datetime

from devices.limits import Limits
from devices.model import QualityFlag, QualityTest
from ingest.model import Revision, Row
from ingest.quality.attenuated import SignalWindow
from ingest.quality.flags import GOOD, NOT_EVALUATED, PRECEDENCE
from ingest.quality.flat_line import FlatRun
from ingest.quality.gap import judge_gap
from ingest.quality.gross_range import judge_range
from ingest.quality.rate_of_change import judge_rate
from ingest.quality.spike import judge_spike

_TIME = int(QualityTest.TIME)
_GROSS_RANGE = int(QualityTest.GROSS_RANGE)
_SPIKE = int(QualityTest.SPIKE)
_RATE = int(QualityTest.RATE_OF_CHANGE)
_FLAT = int(QualityTest.FLAT_LINE)
_ATTENUATED = int(QualityTest.ATTENUATED_SIGNAL)
_GAP = int(QualityTest.GAP)


class Memory:
    """The newest reading, the one before it, and the shapes of the recent past that some tests need."""

    __slots__ = ("before", "flat", "last", "signal")

    def __init__(self) -> None:
        self.last: Row | None = None
        self.before: float | None = None
        self.flat: FlatRun | None = None
        self.signal: SignalWindow | None = None

    @property
    def last_time(self) -> datetime | None:
        """Return when the newest reading was true."""
        return None if self.last is None else self.last.phenomenon_time


def needs_memory(limits: Limits) -> bool:
    """Return whether any test of these limits looks at earlier readings."""
    return bool(limits.spike or limits.rate_of_change or limits.flat_line or limits.attenuated_signal or limits.gap)


def judge(row: Row) -> Revision | None:
    """Write the verdict of every test into `row`; return what it reveals about the reading before, if anything.

    A reading that is not newer than the newest one, or whose
    time is not its own, has no neighbours to be compared with: only its range is judged.
    """
    channel, result = row.channel, row.result
    limits, memory = channel.limits, channel.memory
    if result is not None:
        flag = judge_range(result, limits.gross_range)
        if flag is not GOOD:
            add_fault(row, flag, _GROSS_RANGE)
    if memory is None or row.tests & _TIME:
        return None
    last, interval = memory.last, channel.interval
    if last is not None and row.phenomenon_time <= last.phenomenon_time:
        return None
    revision = None
    if last is not None:
        elapsed = row.phenomenon_time - last.phenomenon_time
        if limits.gap is not None and result is not None:
            _note(row, judge_gap(elapsed, limits.gap), _GAP)
        if limits.rate_of_change is not None and result is not None:
            _note(row, judge_rate(last.result, result, elapsed.total_seconds(), limits.rate_of_change), _RATE)
        if limits.spike is not None and last.result is not None:
            flag = judge_spike(memory.before, last.result, result, limits.spike)
            if flag is not GOOD and flag is not NOT_EVALUATED:
                revision = revise(last, flag, _SPIKE)
    if limits.flat_line is not None:
        flat = memory.flat
        if flat is None:
            flat = memory.flat = FlatRun()
        flat.add(result, row.phenomenon_time, interval, limits.flat_line.tolerance)
        if result is not None:
            _note(row, flat.judge(limits.flat_line, interval), _FLAT)
    if limits.attenuated_signal is not None:
        signal = memory.signal
        if signal is None:
            signal = memory.signal = SignalWindow()
        signal.add(result, row.phenomenon_time, limits.attenuated_signal)
        if result is not None:
            _note(row, signal.judge(limits.attenuated_signal), _ATTENUATED)
    memory.before = None if last is None else last.result
    memory.last = row
    return revision


def add_fault(row: Row, flag: QualityFlag, test: int) -> None:
    """Note that `test` found fault, and let the flag say so where it is the worst so far."""
    row.tests |= test
    if PRECEDENCE[flag] > PRECEDENCE[row.quality]:
        row.quality = flag


def revise(row: Row, flag: QualityFlag, test: int) -> Revision | None:
    """Add a fault found later: in place while the row is not on its way to the store, else as a revision."""
    old = row.quality
    add_fault(row, flag, test)
    return Revision(row, old) if row.sealed else None


def _note(row: Row, flag: QualityFlag, test: int) -> None:
    if flag is not GOOD and flag is not NOT_EVALUATED:
        add_fault(row, flag, test)
