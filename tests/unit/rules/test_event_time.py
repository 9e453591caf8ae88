"""Shuffled, repeated and delayed inside the allowance: the journal is the one of the undisturbed series."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from devices.model import QualityFlag
from rules.arrival import adopt, apply, revise, tick
from rules.calm import Panel
from rules.difference import Change
from rules.engine import Watch, run
from rules.lifecycle import AlertEventKind, Standing, advance, raised
from rules.model import Episode, Sample
from rules.stream import Stream
from tests.unit.rules.series import at, ready, rule

ALLOWANCE = timedelta(minutes=15)
RULES = [
    rule("{at_least: 80, deadband: 5}", on_delay="2m", off_delay="3m", rule_id="level"),
    rule("{at_least: 80}", rule_id="instant"),
    rule("{at_most: 20, deadband: 5}", on_delay="1m", suspect_counts="true", rule_id="low"),
    rule("{rate_of_change: 40, per: 1m}", rule_id="jump"),
    rule("{flat: 3m, tolerance: 5}", rule_id="flat"),
    rule("{no_data: 3}", select="{}", off_delay="1m", rule_id="silent"),
    rule("{no_data: 4}", rule_id="no-pm"),
    rule("{no_data: 3, rhythm: learned}", rule_id="learned"),
    rule("{crossing: 90, within: 10m, over: 5m, restart: 30, deadband: 3}", on_delay="1m", rule_id="heading"),
    rule("{deviation: 2, least: 5}", rule_id="unusual"),
    rule("{all: [{at_least: 50}, {at_most: 50, property: occupancy}]}", on_delay="2m", rule_id="both"),
    rule("{any: [{at_least: 90}, {not: {at_least: 15, deadband: 3}}]}", rule_id="either"),
]
WATCHES = [ready(each, timedelta(minutes=1)) for each in RULES]
PANEL = Panel.of(WATCHES)


class Book:
    """What somebody who hears every change has written down."""

    def __init__(self) -> None:
        self.episodes: dict[tuple[str, datetime], Episode] = {}
        self.corrections = 0

    def write(self, changes: list[Change]) -> None:
        for change in changes:
            key = (change.rule_id, change.episode.raised_at)
            if change.kind is AlertEventKind.RAISED:
                assert key not in self.episodes
                self.episodes[key] = change.episode
                continue
            before = self.episodes.pop((change.rule_id, change.was or change.episode.raised_at))
            if change.kind is AlertEventKind.RETRACTED:
                self.corrections += 1
                continue
            assert (change.kind is AlertEventKind.CLEARED) <= (before.cleared_at is None)
            self.corrections += change.kind in (AlertEventKind.MOVED, AlertEventKind.REOPENED)
            self.episodes[key] = change.episode

    def journal(self) -> list[tuple[str, datetime, datetime | None, bool]]:
        found = [(rule_id, e.raised_at, e.cleared_at, e.silent) for (rule_id, _), e in self.episodes.items()]
        return sorted(found, key=lambda line: (line[0], line[1]))


def expected(watches: list[Watch], samples: list[Sample], until: datetime) -> list[tuple[str, datetime, object, bool]]:
    found = []
    for one in watches:
        _, episodes = run(one, one.start(), [each for each in samples if one.concerns(each)], until)
        found += [(one.rule.rule_id, e.raised_at, e.cleared_at, e.silent) for e in episodes]
    return sorted(found, key=lambda line: (line[0], line[1]))


def a_series(chance: random.Random) -> list[Sample]:
    """About forty minutes of a device: levels that dwell, jumps, gaps, bad flags, a second property at times."""
    found, second, level = [], 0.0, 50.0
    for _ in range(chance.randint(3, 40)):
        second += chance.choice([60, 60, 60, 60, 61, 30, 180, 240, 400])
        if chance.random() < 0.4:
            level = chance.choice([5, 14, 17, 22, 50, 74, 76, 79, 80, 85, 95])
        quality = chance.choice([QualityFlag.GOOD] * 8 + [QualityFlag.SUSPECT, QualityFlag.FAIL])
        values: dict[str, tuple[float | None, QualityFlag]] = {"pm2_5": (level + chance.choice([0, 1]), quality)}
        if chance.random() < 0.1:
            values["pm2_5"] = (None, QualityFlag.MISSING)
        if chance.random() < 0.5:
            values["occupancy"] = (chance.choice([10.0, 50.0, 60.0]), QualityFlag.GOOD)
        if chance.random() < 0.1:
            del values["pm2_5"]
        if values:
            found.append(Sample(at(second), values))
    return found


def disturb(chance: random.Random, samples: list[Sample]) -> list[tuple[datetime, list[Sample]]]:
    """Return arrivals in order: every sample late by up to the allowance, some in halves, some again."""
    single: list[tuple[datetime, Sample]] = []
    for sample in samples:
        parts = [sample]
        if len(sample.values) == 2 and chance.random() < 0.3:
            parts = [Sample(sample.at, {name: value}) for name, value in sample.values.items()]
        for part in parts:
            for _ in range(chance.choice([1, 1, 1, 2, 3])):
                single.append((sample.at + ALLOWANCE * chance.choice([0, 0, chance.random(), 1]), part))
    single.sort(key=lambda each: each[0])
    batches: list[tuple[datetime, list[Sample]]] = []
    for when, sample in single:
        if batches and (batches[-1][0] == when or chance.random() < 0.2):
            # One write may hold what came over a while; it is judged at the arrival of its first.
            batches[-1][1].append(sample)
        else:
            batches.append((when, [sample]))
    for _, batch in batches:
        chance.shuffle(batch)
    return batches


def play(chance: random.Random, samples: list[Sample], until: datetime) -> Book:
    book, stream = Book(), Stream()
    for when, batch in disturb(chance, samples):
        applied = apply(PANEL, stream, batch, when, ALLOWANCE)
        assert not applied.history
        book.write(applied.changes)
        if chance.random() < 0.3:
            book.write(tick(WATCHES, stream, when))
    book.write(tick(WATCHES, stream, until))
    return book


def differing(series: int, seed: int) -> tuple[int, int, int]:
    """Return how many of so many random series give another journal; how many alerts and corrections there were."""
    wrong = alerts = corrections = 0
    for number in range(series):
        chance = random.Random(seed * 1_000_003 + number)
        samples = a_series(chance)
        until = samples[-1].at + timedelta(minutes=20)
        book = play(chance, samples, until)
        wrong += book.journal() != expected(WATCHES, samples, until)
        alerts += len(book.episodes)
        corrections += book.corrections
    return wrong, alerts, corrections


def test_any_order_gives_the_journal_of_the_undisturbed_series() -> None:
    wrong, alerts, corrections = differing(400, seed=1)
    assert wrong == 0
    assert alerts > 1000
    assert corrections > 100  # so that the test has met what it is about


class Lives:
    """The lives of the alerts that every change brings about, as the store has them; somebody acknowledges a few."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.book = Book()
        self.standings: dict[tuple[str, datetime], Standing] = {}
        self.told: list[AlertEventKind] = []

    def write(self, changes: list[Change]) -> None:
        for change in changes:
            self.book.write([change])
            self.told.append(change.kind)
            key = (change.rule_id, change.episode.raised_at)
            if change.kind is AlertEventKind.RAISED:
                self.standings[key] = raised(latched=self._chance.random() < 0.3)
                if change.episode.cleared_at is not None:
                    self.standings[key] = advance(self.standings[key], AlertEventKind.CLEARED)
                continue
            standing = self.standings.pop((change.rule_id, change.was or change.episode.raised_at))
            is_so = standing.active == (change.kind is AlertEventKind.REOPENED)
            if change.kind not in (AlertEventKind.CLEARED, AlertEventKind.REOPENED) or not is_so:
                standing = advance(standing, change.kind)
            if change.kind is not AlertEventKind.RETRACTED:
                assert standing.active <= (change.episode.cleared_at is None)
                self.standings[key] = standing
        for key, standing in self.standings.items():
            if self._chance.random() < 0.1 and standing.open:
                self.standings[key] = advance(standing, AlertEventKind.ACKNOWLEDGED)


def test_the_lifecycle_allows_all_that_late_readings_and_corrections_bring_about() -> None:
    told: list[AlertEventKind] = []
    silent = 0
    for number in range(200):
        chance = random.Random(7_000_003 + number)
        lives, stream = Lives(chance), Stream()
        samples = a_series(chance)
        back_at = chance.choice(samples).at  # the device was offline until then
        held_up = [(max(each.at, back_at) + ALLOWANCE * chance.choice([0, 0, 0, 0.4, 0.9]), each) for each in samples]
        for when, sample in sorted(held_up, key=lambda each: each[0]):
            lives.write(apply(PANEL, stream, [sample], when, ALLOWANCE).changes)
            if chance.random() < 0.2:
                lives.write(tick(WATCHES, stream, when))
            if chance.random() < 0.2:  # the spike test, which looks at what came before
                flagged = chance.choice(samples)
                flags = {name: (value, QualityFlag.FAIL) for name, (value, _) in flagged.values.items()}
                lives.write(revise(WATCHES, stream, [replace(flagged, values=flags)]))
        told += lives.told
        silent += sum(each.silent for each in lives.book.episodes.values())
    assert told.count(AlertEventKind.ANNUNCIATED) > 40
    assert told.count(AlertEventKind.REOPENED) > 20
    assert silent > 100


def test_what_was_said_before_a_rule_changed_stays_said_and_is_forgotten_in_time() -> None:
    first = ready(rule("{at_least: 80}"))
    second = ready(replace(first.rule, version=2))
    book, stream = Book(), Stream(versions={"test": 1})
    arrivals = [(60, 90.0), (120, 50.0), (300, 50.0), (240, 90.0), (1000, 50.0), (1500, 50.0)]
    for number, (second_of, value) in enumerate(arrivals):
        if number == 2:
            assert adopt([second], stream) == []
        panel = Panel.of([second if number >= 2 else first])
        sample = Sample(at(second_of), {"pm2_5": (value, QualityFlag.GOOD)})
        book.write(apply(panel, stream, [sample], at(max(300, second_of)), ALLOWANCE).changes)
    assert [line[1:3] for line in book.journal()] == [(at(60), at(120)), (at(240), at(300))]
    assert stream.said == {"test": []}


def test_a_silence_that_stands_when_its_rule_changes_does_not_end_before_it_began() -> None:
    first = ready(rule("{no_data: 3}", select="{}"))
    second = ready(replace(first.rule, version=2))
    book, stream = Book(), Stream(versions={"test": 1})
    heard = [Sample(at(second_of), {"pm2_5": (50.0, QualityFlag.GOOD)}) for second_of in (0, 120, 300)]
    book.write(apply(Panel.of([first]), stream, heard[:1], at(0), ALLOWANCE).changes)
    book.write(tick([first], stream, at(240)))
    adopt([second], stream)
    for sample in heard[1:]:
        book.write(apply(Panel.of([second]), stream, [sample], at(300), ALLOWANCE).changes)
    assert [line[1:3] for line in book.journal()] == [(at(180), at(300))]
