"""A city divided among several judges, and divided anew: what they say together is what one alone says."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from devices.model import QualityFlag
from rules.city import City
from rules.crowd import is_part
from rules.difference import Change
from rules.division import redivide
from rules.frozen import freeze_stream, thaw_stream
from rules.judge import Judge
from rules.model import Subject
from rules.stream import Stream
from sql.share import WHOLE, Share
from sql.tail import TailBatch
from tests.unit.rules import test_crowd, test_event_time
from tests.unit.rules.series import at

ALLOWANCE = timedelta(minutes=5)
RULES = [*test_crowd.RULES, *test_event_time.RULES]
Said = dict[tuple[str, str], list[Change]]  # by device or area, and rule


def a_city(chance: random.Random) -> City:
    """Return a dozen devices in two districts and two corridors, live and replayed, quick and slow."""
    city = City()
    for number in range(12):
        device_id = f"d{number}"
        city.subjects[device_id] = Subject(
            device_id,
            "test",
            "air",
            district_id=chance.choice(["north", "south"]),
            source_id=chance.choice(["live", "live", "replay"]),
            expected_interval=timedelta(seconds=chance.choice([20, 60, 60, 600])),
            tags={"corridor": chance.choice(["A1", "A2"])},
            properties=frozenset({"pm2_5", "occupancy"}),
            latitude=10 + chance.random() * 1500 / 111_195,
            longitude=20.0,
        )
        for offset, name in enumerate(("pm2_5", "occupancy")):
            city.datastreams[2 * number + offset] = (device_id, name)
            city.ids[device_id, name] = 2 * number + offset
    return city


def some_batches(chance: random.Random, city: City) -> Iterator[TailBatch]:
    """Yield half an hour of the city as ingest writes it: late readings, silences, pauses of all, revisions."""
    wave = [chance.choice([15, 40, 55, 72, 78, 83, 90]) for _ in range(8)]
    mute = {device_id: chance.choice([0, 0, 500, 900]) for device_id in city.subjects}
    pause = chance.choice([10_000, 600])
    rows: list[tuple[float, int, float, float]] = []  # received, datastream, time, result
    for datastream_id, (device_id, name) in city.datastreams.items():
        second = chance.random() * 60
        while second < 1500:
            if not mute[device_id] < second < mute[device_id] + 300 and not pause < second < pause + 120:
                late = chance.choice([0.0, 0.0, 0.0, 100.0, 290.0, 700.0])
                value = wave[int(second // 225) % 8] + chance.choice([-9.0, -4.0, 0.0, 4.0])
                rows.append((second + late, datastream_id, second, value if name == "pm2_5" else value - 30))
            second += city.subjects[device_id].expected_interval.total_seconds() * chance.choice([1, 1, 1, 2])
    rows.sort()
    # Each is heard before others count it: a device that never spoke is known to its own share only.
    first = len(city.datastreams)
    yield TailBatch(
        0,
        at(-60),
        list(city.datastreams),
        [at(-60)] * first,
        [at(-60)] * first,
        [50.0] * first,
        [1] * first,
        None,
        None,
        {},
    )
    seq = 0
    while rows:
        size = chance.randint(1, 12)
        batch, rows = rows[:size], rows[size:]
        seq += 1
        ids, times = [row[1] for row in batch], [at(row[2]) for row in batch]
        received = [at(row[0]) for row in batch]
        flags = [chance.choice([1, 1, 1, 1, 3, 4]) for _ in batch]
        results: list[float | None] = [row[3] for row in batch]
        clocks = {"replay": received[-1].isoformat()}
        yield TailBatch(seq, received[-1], ids, times, received, results, flags, None, None, clocks)
        if chance.random() < 0.1:
            seq += 1
            bad = [int(QualityFlag.FAIL)] * len(ids)
            yield TailBatch(seq, received[-1], ids, times, received, results, bad, results, flags, {})


def write(said: Said, told: Iterator[tuple[str, object, Change]]) -> None:
    for about, _, change in told:
        assert not is_part(change.rule_id)
        said.setdefault((about, change.rule_id), []).append(change)


class Divided:
    """Judges of all shares of one city."""

    def __init__(self, make: Callable[[Share], City], parts: int) -> None:
        self._make = make
        self.judges = [Judge(ALLOWANCE, make(Share(number, parts))) for number in range(parts)]

    def restart(self) -> None:
        """Keep everything as JSON and read it back."""
        self._begin(
            [judge.city for judge in self.judges],
            [{key: thaw_stream(freeze_stream(each)) for key, each in judge.streams.items()} for judge in self.judges],
        )

    def divide(self, parts: int) -> None:
        """Go over to so many shares."""
        cities = [self._make(Share(number, parts)) for number in range(parts)]
        self._begin(cities, redivide(self.judges, cities))

    def _begin(self, cities: list[City], streams: list[dict[str, Stream]]) -> None:
        old = self.judges[0]
        assert all(judge.clocks == old.clocks for judge in self.judges)
        heard = {each for judge in self.judges for each in judge.streams}
        self.judges = [
            Judge(ALLOWANCE, city, kept, dict(old.clocks), elsewhere=set(heard))
            for city, kept in zip(cities, streams, strict=True)
        ]
        for judge in self.judges:
            # Whether messages wait just now is not kept: the next batch says so.
            judge._lagging, judge._outage_from, judge._excused_at = {}, old._outage_from, old._excused_at
            assert judge.adopt() == []


def play(seed: int, *, anew: bool) -> tuple[Said, Said]:
    """Return what one judge says of a random city, and what several say who are started and divided anew at times."""
    chance = random.Random(seed)
    plan = a_city(chance)
    batches = list(some_batches(chance, plan))

    def make(share: Share) -> City:
        city = City(dict(plan.subjects), dict(plan.datastreams), dict(plan.ids))
        city.assign(RULES, share)
        return city

    alone, several = Judge(ALLOWANCE, make(WHOLE)), Divided(make, chance.randint(2, 5))
    one: Said = {}
    many: Said = {}
    for batch in batches:
        write(one, alone.take(batch))
        for judge in several.judges:
            write(many, judge.take(batch))
        if chance.random() < 0.3:
            now = batch.at + timedelta(seconds=chance.choice([0, 5, 30, 90]))
            write(one, alone.tick(now))
            for judge in several.judges:
                write(many, judge.tick(now))
                assert judge.deaf_from(now) == alone.deaf_from(now)
        if chance.random() < 0.02:
            several.restart()
        if anew and chance.random() < 0.05:
            several.divide(chance.randint(1, 5))
    return one, many


@pytest.mark.parametrize("anew", [False, True])
def test_all_shares_together_say_what_one_says(anew: bool) -> None:
    said: Said = {}
    for seed in range(3):
        one, many = play(seed, anew=anew)
        assert many == one
        said |= one
    told = {(rule_id, change.kind) for (_, rule_id), changes in said.items() for change in changes}
    assert {rule_id for rule_id, _ in told} >= {"many", "some-not-all", "agreed", "contradicted", "silent"}
    assert {kind.value for _, kind in told} >= {"raised", "cleared", "moved", "retracted"}, "and there is much to say"


def test_every_device_belongs_to_one_share_and_a_share_must_exist() -> None:
    names = [f"device-{number}" for number in range(3000)]
    shares = [Share(number, 3) for number in range(3)]
    held = [sum(share.holds(name) for name in names) for share in shares]
    assert sum(held) == 3000
    assert min(held) > 900
    assert [share.holds("bin-1") for share in shares] == [False, True, False], "the same in every version"
    with pytest.raises(ValueError, match="no part 3 of a city in 3 parts: they are 0 to 2"):
        Share(3, 3)
