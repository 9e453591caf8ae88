"""Conditions on several devices: however the readings of all come in, the journal is that of the undisturbed series."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from citywatch.errors import RuleError
from devices.model import QualityFlag
from rules.city import City
from rules.crowd import how_many, is_part, near
from rules.engine import run
from rules.frozen import freeze_stream, thaw_stream
from rules.judge import Judge
from rules.model import Episode, Rule, Sample, Subject
from rules.scan import Column, count_column, micros, scan
from rules.trials import merge
from sql.tail import TailBatch
from tests.unit.rules.series import START, at, rule
from tests.unit.rules.test_event_time import ALLOWANCE, Book

COUNTING = rule("{count: 3, in: district, of: {at_least: 80, deadband: 5}}", on_delay="1m", rule_id="many")
TWICE = rule(
    "{all: [{count: 2, in: corridor, of: {at_least: 70}}, {not: {count: 4, in: corridor, of: {at_least: 85}}}]}",
    rule_id="some-not-all",
)
AGREEING = rule(
    "{all: [{at_least: 75}, {neighbours: 2, radius: 500, of: {at_least: 60}}]}",
    on_delay="1m",
    off_delay="1m",
    rule_id="agreed",
)
ALONE = rule("{all: [{at_least: 80}, {not: {neighbours: 1, radius: 500, of: {at_least: 50}}}]}", rule_id="contradicted")
RULES = [COUNTING, TWICE, AGREEING, ALONE]
DEVICES = 5


def a_city(rules: list[Rule] = RULES) -> City:
    """Five devices in a row, 300 m apart, in one district and one corridor, reporting once a minute."""
    city = City()
    for number in range(DEVICES):
        device_id = f"d{number}"
        city.subjects[device_id] = Subject(
            device_id,
            "test",
            "air",
            district_id="north",
            source_id="replay",  # where nobody holds a pause of all devices to be our own fault
            expected_interval=timedelta(minutes=1),
            tags={"corridor": "A1"},
            properties=frozenset({"pm2_5"}),
            latitude=10 + number * 300 / 111_195,
            longitude=20.0,
        )
        city.datastreams[number] = (device_id, "pm2_5")
        city.ids[device_id, "pm2_5"] = number
    city.assign(rules)
    return city


def some_series(chance: random.Random) -> dict[str, list[Sample]]:
    """Return half an hour of each device: the same wave for all, noise and silence of its own."""
    found: dict[str, list[Sample]] = {}
    wave = [chance.choice([40, 55, 72, 78, 83, 90]) for _ in range(8)]
    for number in range(DEVICES):
        samples = []
        second = chance.choice([0.0, 0.0, 7.0, 20.0])
        while second < 1800:
            quality = chance.choice([QualityFlag.GOOD] * 9 + [QualityFlag.FAIL])
            value = wave[int(second // 225) % 8] + chance.choice([-9.0, -4.0, 0.0, 0.0, 4.0])
            samples.append(Sample(at(second), {"pm2_5": (value, quality)}))
            second += chance.choice([60, 60, 60, 60, 120, 300])
        found[f"d{number}"] = samples
    return found


def expected(city: City, series: dict[str, list[Sample]], until: datetime) -> list[tuple[object, ...]]:
    """Return the journal of the undisturbed series, found by stepping; assert that scanning finds the same."""
    told: dict[str, dict[str, dict[str, list[Episode]]]] = {}
    found = []
    for device_id, samples in series.items():
        for ready in city.watches[device_id]:
            if is_part(ready.rule.rule_id):
                _, episodes = run(ready, ready.start(), samples, until)
                for hearer in city.hearers.get((ready.rule.rule_id, device_id), ()):
                    told.setdefault(hearer, {}).setdefault(ready.rule.rule_id, {})[device_id] = episodes
    for who, watches in city.watches.items():
        counts = {name: how_many(members) for name, members in told.get(who, {}).items()}
        extra = [
            Sample(when, {name: (count, QualityFlag.GOOD)}) for name, each in counts.items() for when, count in each
        ]
        for ready in watches:
            if is_part(ready.rule.rule_id):
                continue
            mine = [each for each in merge(series.get(who, []), extra) if ready.concerns(each)]
            _, episodes = run(ready, ready.start(), mine, until)
            columns = {name: count_column(each) for name, each in counts.items()} | own_column(series.get(who, []))
            assert scan(ready, columns, until) == episodes
            found += [(f"{ready.rule.rule_id}:{who}", e.raised_at, e.cleared_at, e.silent) for e in episodes]
    return sorted(found, key=lambda line: (str(line[0]), str(line[1])))


def own_column(samples: list[Sample]) -> dict[str, Column]:
    if not samples:
        return {}
    values = [each.values["pm2_5"] for each in samples]
    return {
        "pm2_5": Column(
            np.array([micros(each.at) for each in samples], np.int64),
            np.array([value for value, _ in values], np.float64),
            np.array([int(flag) for _, flag in values], np.int16),
        )
    }


def play(
    chance: random.Random, series: dict[str, list[Sample]], until: datetime, rules: list[Rule] = RULES
) -> tuple[list[tuple[object, ...]], int]:
    """Let every reading arrive late by up to the allowance, some twice, in batches; return journal and corrections."""
    judge = Judge(ALLOWANCE, a_city(rules))
    arrivals = []
    for device_id, samples in series.items():
        for sample in samples:
            for _ in range(chance.choice([1, 1, 2])):
                late = ALLOWANCE * chance.choice([0, 0, chance.random(), 1])
                arrivals.append((sample.at + late, int(device_id[1:]), sample))
    arrivals.sort(key=lambda each: each[0])
    books: dict[str, Book] = {}
    for seq, (received_at, number, sample) in enumerate(arrivals):
        (value, flag) = sample.values["pm2_5"]
        batch = TailBatch(seq, received_at, [number], [sample.at], [received_at], [value], [int(flag)], None, None, {})
        write(books, judge.take(batch))
        if chance.random() < 0.2:
            write(books, judge.tick(received_at))
        if chance.random() < 0.02:  # a restart: everything through JSON and back
            judge.streams = {key: thaw_stream(freeze_stream(each)) for key, each in judge.streams.items()}
    judge.clocks["replay"] = until
    write(books, judge.tick(until))
    lines = [
        (f"{rule_id}:{who}", begins, ends, silent)
        for who, book in books.items()
        for rule_id, begins, ends, silent in book.journal()
    ]
    return sorted(lines, key=lambda line: (str(line[0]), str(line[1]))), sum(
        each.corrections for each in books.values()
    )


def clock(at: datetime) -> dict[str, str]:
    return {"replay": at.isoformat()}


def write(books: dict[str, Book], told: object) -> None:
    for who, _, change in told:  # type: ignore[attr-defined]
        books.setdefault(who, Book()).write([change])


def differing(series: int, seed: int) -> tuple[int, int, int]:
    """Return how many of so many disturbed cities give another journal; how many alerts and corrections there were."""
    wrong = alerts = corrections = 0
    for number in range(series):
        chance = random.Random(seed * 1_000_003 + number)
        made = some_series(chance)
        until = max(each.at for samples in made.values() for each in samples) + timedelta(minutes=20)
        found, corrected = play(chance, made, until)
        wrong += found != expected(a_city(), made, until)
        alerts += len(found)
        corrections += corrected
    return wrong, alerts, corrections


def test_any_order_over_all_devices_gives_the_journal_of_the_undisturbed_series() -> None:
    wrong, alerts, corrections = differing(10, seed=5)
    assert wrong == 0
    assert alerts > 40
    assert corrections > 5


def test_an_area_counts_those_that_meet_the_condition_and_are_heard() -> None:
    told = {"a": [Episode(at(0), at(100))], "b": [Episode(at(50))], "c": [Episode(at(60), at(60))]}
    assert how_many(told) == [(at(0), 1), (at(50), 2), (at(100), 1)]
    assert how_many({"a": [Episode(at(0), None, silent=True)]}) == []


def test_neighbours_are_those_within_the_radius() -> None:
    city = a_city()
    found = near(list(city.subjects.values())[:DEVICES], 500)
    assert sorted(found["d2"]) == ["d1", "d3"]
    assert found["d0"] == ["d1"]
    elsewhere = replace(city.subjects["d1"], source_id="other")
    assert near([city.subjects["d0"], elsewhere], 500)["d0"] == []


@pytest.mark.parametrize(
    ("when", "more", "complaint"),
    [
        ("{count: 0, in: district, of: {at_least: 1}}", {}, "at least 1"),
        ("{count: 2.5, in: district, of: {at_least: 1}}", {}, "whole number"),
        ("{count: 2, of: {at_least: 1}}", {}, "'in' is missing"),
        ("{all: [{count: 2, in: district, of: {at_least: 1}}, {at_least: 2}]}", {}, "counts in one kind of area"),
        ("{count: 2, in: district, of: {at_least: 1}}", {"off_delay": "1m"}, "has no off_delay"),
        ("{neighbours: 2, radius: 500, of: {no_data: 3}}", {}, "not silence"),
        ("{neighbours: 2, radius: 0, of: {at_least: 3}}", {}, "above 0"),
    ],
)
def test_what_cannot_be_counted_is_said_with_its_line(when: str, more: dict[str, str], complaint: str) -> None:
    with pytest.raises(RuleError, match=complaint):
        rule(when, **more)


def test_a_device_that_is_counted_no_more_ends_what_it_held_up() -> None:
    judge = Judge(ALLOWANCE, a_city([COUNTING]))
    books: dict[str, Book] = {}
    for seq, number in enumerate([0, 1, 2] * 3):
        when = START + timedelta(minutes=seq // 3)
        batch = TailBatch(seq, when, [number], [when], [when], [90.0], [1], None, None, clock(when))
        write(books, judge.take(batch))
    (line,) = books["district:north@replay"].journal()
    assert line[2] is None
    city = a_city([COUNTING])
    del city.subjects["d2"]
    city.assign([COUNTING])
    judge.city = city
    judge.adopt()
    write(books, judge.tick(START + timedelta(minutes=3)))
    (line,) = books["district:north@replay"].journal()
    assert line[2] == START + timedelta(minutes=3)
