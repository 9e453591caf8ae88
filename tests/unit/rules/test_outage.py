"""After an outage of ours no device is blamed for what waited at the broker, and one that is silent still is."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from rules.city import City
from rules.difference import Change, Kind
from rules.engine import Watch
from rules.judge import Judge
from rules.model import Subject
from sql.tail import TailBatch
from tests.unit.rules.series import START, rule

EVERY = timedelta(seconds=10)
DEVICES = 40
SECOND = timedelta(seconds=1)
Rows = list[tuple[int, datetime]]


def a_city() -> City:
    """Counters that do not say when they counted."""
    city = City()
    for number in range(DEVICES):
        device_id = f"counter-{number:02}"
        city.subjects[device_id] = Subject(
            device_id, "test", "traffic", expected_interval=EVERY, properties=frozenset({"vehicle_count"})
        )
        city.datastreams[number] = (device_id, "vehicle_count")
        city.ids[device_id, "vehicle_count"] = number
    city.assign([rule("{no_data: 3.5}", select="{}")])
    return city


class Tail:
    """Writes batches to a judge, and keeps what it says."""

    def __init__(self) -> None:
        self.judge = Judge(timedelta(minutes=2), a_city())
        self.said: list[tuple[str, Change]] = []
        self.seq = 0

    def write(self, at: datetime, rows: Rows, *, lagging: bool = False, worker: int = 0) -> None:
        """One batch of an ingest worker: device and arrival of each row."""
        self.seq += 1
        numbers, times = [number for number, _ in rows], [time for _, time in rows]
        results: list[float | None] = [1.0] * len(rows)
        quality = [1] * len(rows)
        batch = TailBatch(self.seq, at, numbers, times, times, results, quality, None, None, {}, worker, lagging)
        self._note(self.judge.take(batch))

    def tick(self, at: datetime) -> None:
        self._note(self.judge.tick(at))

    def _note(self, told: Iterable[tuple[str, Watch, Change]]) -> None:
        self.said += [(device_id, change) for device_id, _, change in told]


def live(tail: Tail, since: datetime, until: datetime, but: frozenset[int] = frozenset()) -> None:
    """Everybody is heard at its second, and time passes."""
    at = since
    while at < until:
        turn = int((at - START) / SECOND) % 10
        tail.write(at, [(number, at) for number in range(DEVICES) if number % 10 == turn and number not in but])
        tail.tick(at)
        at += SECOND


@pytest.mark.parametrize("noted", [True, False])
def test_what_waited_at_the_broker_is_no_silence(noted: bool) -> None:
    """A minute without store; then two workers need two minutes for what waited, device by device."""
    tail = Tail()
    away_at = START + timedelta(minutes=2)
    live(tail, START, away_at)
    assert tail.said == []
    back_at = away_at + timedelta(seconds=60)
    for second in range(0, 60):
        tail.tick(away_at + second * SECOND)
    # First what the inbox held when the store went, then what the broker kept, stamped as it comes.
    tail.write(back_at, [(number, away_at + SECOND) for number in range(DEVICES)], lagging=noted)
    for second in range(1, 121):
        at = back_at + second * SECOND
        tail.write(at, [(second * DEVICES // 121, at)], lagging=noted, worker=second % 2)
        tail.tick(at)
    caught_up = back_at + timedelta(seconds=121)
    for worker in (0, 1):
        tail.write(caught_up, [(worker, caught_up)], worker=worker)
    live(tail, caught_up + SECOND, caught_up + timedelta(minutes=2), but=frozenset({7}))
    raised = {device_id: change.at for device_id, change in tail.said if change.kind is Kind.RAISED}
    if noted:
        assert set(raised) == {"counter-07"}
        assert raised["counter-07"] >= caught_up
    else:
        assert len(raised) > DEVICES // 2, "so this is what the note is good for"
