"""Reading rules off a gauge gives the tracks that stepping each of them gives."""

import random
from datetime import timedelta

from devices.model import QualityFlag
from rules.calm import Panel
from rules.engine import Track, step
from rules.model import Sample
from tests.unit.rules.series import at, ready, rule

EVERY = timedelta(minutes=1)
RULES = [
    "{at_least: 80, deadband: 5}",
    "{at_most: 20, deadband: 5}",
    "{outside: [10, 90], deadband: 2}",
    "{not: {at_most: 60, deadband: 3}}",
    "{all: [{at_least: 50}, {at_most: 70}]}",
    "{any: [{at_least: 85}, {not: {at_least: 15, deadband: 3}}]}",
    "{all: [{at_least: 75}, {not: {no_data: 3}}]}",
    "{no_data: 3}",
    "{rate_of_change: 40, per: 1m}",
    "{all: [{at_least: 50}, {at_most: 50, property: occupancy}]}",
]
# Every limit there is, with and without its deadband, and what lies between and beside them.
VALUES = [5, 10, 12, 15, 18, 20, 25, 40, 50, 55, 57, 60, 63, 70, 72, 75, 80, 85, 88, 90, 95, float("nan"), None]


def test_a_gauge_leaves_the_tracks_that_stepping_leaves() -> None:
    watches = []
    for number, when in enumerate(RULES):
        delay = {} if "no_data" in when else {"on_delay": "2m"}
        watches.append(ready(rule(when, rule_id=f"r-{number}", **delay), EVERY))
    panel = Panel.of(watches)
    assert [each.rule_id for each in panel.rest] == ["r-8", "r-9"]
    calm = stepped = 0
    for seed in range(40):
        chance = random.Random(seed)
        read: dict[str, Track] = {}
        known = {each.rule_id: each.start() for each in watches}
        second = 0.0
        for _ in range(60):
            second += chance.choice([60, 60, 60, 400])
            flag = chance.choice([QualityFlag.GOOD] * 6 + [QualityFlag.SUSPECT, QualityFlag.FAIL])
            values = {"pm2_5": (chance.choice(VALUES), flag)}
            if chance.random() < 0.2:
                values = {"occupancy": (40.0, QualityFlag.GOOD)}
            sample = Sample(at(second), values)
            loud = panel.take(read, sample)
            for each in loud:
                read[each.rule_id], _ = step(each, read.get(each.rule_id) or each.start(), sample)
            for each in watches:
                if each.concerns(sample):
                    known[each.rule_id], _ = step(each, known[each.rule_id], sample)
            stepped += len(loud)
            calm += len(watches) - len(loud)
            assert {name: repr(track) for name, track in read.items()} == {
                name: repr(track) for name, track in known.items() if name in read
            }
    assert min(calm, stepped) > 1000  # so that the test has met both


def test_only_rules_on_one_value_are_read_off_a_gauge() -> None:
    silent = ready(rule("{no_data: 3, rhythm: learned}", rule_id="learned"), EVERY)
    whole = ready(rule("{no_data: 3}", select="{}", rule_id="whole"), EVERY)
    assert Panel.of([silent, whole]).gauges == ()
