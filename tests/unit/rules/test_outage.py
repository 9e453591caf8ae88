"""After an outage of ours no device is blamed for what waited at the broker, and one that is silent still is."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from rules.arrival import apply, forgive, tick
from rules.city import City
from rules.deaf import Outage, through
from rules.difference import Change, Kind
from rules.engine import Watch, extend
from rules.frozen import freeze_stream, thaw_stream
from rules.judge import Judge
from rules.model import Sample, Subject
from rules.stream import Stream
from sql.tail import TailBatch
from tests.unit.rules.series import START, rule
from tests.unit.rules.test_event_time import ALLOWANCE, PANEL, WATCHES, Book, a_series, disturb, expected

EVERY = timedelta(seconds=10)
DEVICES = 40
SECOND = timedelta(seconds=1)
Rows = list[tuple[int, datetime]]


def over(watches: list[Watch], samples: list[Sample], outage: Outage, until: datetime) -> list[tuple[object, ...]]:
    """The journal of the samples in time order, over the outage."""
    found = []
    for one in watches:
        mine = [each for each in samples if one.concerns(each)]
        _, told = through(one, one.start(), mine, [outage], until)
        episodes = extend([], told)
        found += [(one.rule_id, e.raised_at, e.cleared_at, e.silent) for e in episodes]
    return sorted(found, key=lambda line: (line[0], line[1]))


def test_over_an_outage_any_order_gives_the_same_journal() -> None:
    """What came before, in and after it, late or not: silence is what the whole of it says, whenever it is judged."""
    excused = 0
    for seed in range(150):
        chance = random.Random(seed)
        samples = a_series(chance)
        last = samples[-1].at + ALLOWANCE
        since = chance.choice(samples).at + chance.random() * timedelta(minutes=4)
        back = since + chance.random() * timedelta(minutes=5)
        over_at = back + chance.random() * timedelta(minutes=2)
        until = max(last, over_at) + chance.choice([timedelta(), timedelta(hours=1)])
        book, stream, forgiven = Book(), Stream(), since
        for when, batch in disturb(chance, samples):
            arrived_at = max(when, back) if when > since else when
            while arrived_at >= back and forgiven < over_at:
                forgiven = min(over_at, max(forgiven, back) + timedelta(seconds=20))
                book.write(forgive(WATCHES, stream, since, forgiven))
            book.write(apply(PANEL, stream, batch, arrived_at, ALLOWANCE + timedelta(minutes=7)).changes)
            if chance.random() < 0.3 and not since < arrived_at < over_at:
                book.write(tick(WATCHES, stream, when))
            if chance.random() < 0.2:
                stream = thaw_stream(freeze_stream(stream))
        if forgiven < over_at:
            book.write(forgive(WATCHES, stream, since, over_at))
        book.write(tick(WATCHES, stream, until))
        wanted = over(WATCHES, samples, (since, over_at), until)
        assert book.journal() == wanted, seed
        excused += wanted != expected(WATCHES, samples, until)
    assert excused > 20, "so the outages matter"


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


def live(tail: Tail, since: datetime, until: datetime, but: frozenset[int] = frozenset(), workers: int = 2) -> None:
    """Everybody is heard at its second, by one worker or another, and time passes."""
    at = since
    while at < until:
        turn = int((at - START) / SECOND) % 10
        rows = [(number, at) for number in range(DEVICES) if number % 10 == turn and number not in but]
        tail.write(at, rows, worker=int((at - START) / SECOND) % workers)
        tail.tick(at)
        at += SECOND


@pytest.mark.parametrize("noted", [True, False])
def test_what_waited_at_the_broker_is_no_silence(noted: bool) -> None:
    """A minute without store; then two workers need two minutes for what waited, device by device."""
    tail = Tail()
    away_at = START + timedelta(minutes=2)
    live(tail, START, away_at, but=frozenset({DEVICES - 1}))  # one is new: nothing came of it before
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


@pytest.mark.parametrize("there", [True, False])
def test_while_one_of_two_workers_is_gone_no_device_is_blamed_for_what_waits_for_it(there: bool) -> None:
    """Half of what devices send is the gone one's to take, of some everything; the other one delivers all the while."""
    tail = Tail()
    gone_at = START + timedelta(minutes=2)
    live(tail, START, gone_at)
    waiting = frozenset(range(0, DEVICES, 2))
    for second in range(90):
        at = gone_at + second * SECOND
        if there and second % 4 == 0:
            tail.write(at, [], worker=1)  # it says that it is there
        tail.write(
            at, [(number, at) for number in range(DEVICES) if number % 10 == second % 10 and number not in waiting]
        )
        tail.tick(at)
    back_at = gone_at + timedelta(seconds=90)
    tail.write(back_at, [(number, back_at) for number in waiting if number], worker=1)
    live(tail, back_at + SECOND, back_at + timedelta(minutes=2), but=frozenset({0}))
    raised = {device_id for device_id, change in tail.said if change.kind is Kind.RAISED}
    assert raised == ({f"counter-{number:02}" for number in waiting} if there else {"counter-00"})


def test_a_worker_that_is_gone_for_good_holds_nothing_back_for_ever() -> None:
    tail = Tail()
    tail.write(START, [(number, START) for number in range(DEVICES)], worker=1)
    live(tail, START + SECOND, START + timedelta(minutes=12), but=frozenset({3}), workers=1)
    (first, *_) = [(device_id, change.at) for device_id, change in tail.said if change.kind is Kind.RAISED]
    assert first[0] == "counter-03"
    assert timedelta(minutes=10) < first[1] - START < timedelta(minutes=11)
