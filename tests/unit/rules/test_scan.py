"""Scanning whole arrays gives what the engine gives, series by series."""

import random
from datetime import timedelta

import numpy as np
import pytest

from devices.model import QualityFlag
from rules.conditions import leaves
from rules.crowd import watches_areas
from rules.definitions import Definition, load_definitions
from rules.engine import run
from rules.model import Rule, Sample
from rules.scan import Column, micros, scan
from rules.trials import properties_of
from tests.unit.rules.series import at, ready
from tests.unit.rules.test_event_time import WATCHES, a_series


def columns(samples: list[Sample]) -> dict[str, Column]:
    found: dict[str, list[tuple[int, float, int]]] = {}
    for sample in samples:
        for name, (result, quality) in sample.values.items():
            line = (micros(sample.at), np.nan if result is None else result, int(quality))
            found.setdefault(name, []).append(line)
    return {
        name: Column(
            np.array([line[0] for line in lines], np.int64),
            np.array([line[1] for line in lines], np.float64),
            np.array([line[2] for line in lines], np.int16),
        )
        for name, lines in found.items()
    }


def test_a_scan_finds_the_episodes_of_the_engine() -> None:
    episodes = 0
    for number in range(500):
        samples = [each for each in a_series(random.Random(number)) if each.values]
        until = samples[-1].at + timedelta(minutes=random.Random(number).choice([0, 2, 3, 20]))
        arrays = columns(samples)
        for one in WATCHES:
            _, expected = run(one, one.start(), [each for each in samples if one.concerns(each)], until)
            assert scan(one, arrays, until) == expected, (number, one.rule.rule_id)
            episodes += len(expected)
    assert episodes > 1000


# Those that count in areas: see test_crowd.
@pytest.mark.parametrize(
    "definition",
    [each for each in load_definitions() if not watches_areas(each.rule)],
    ids=lambda each: each.rule.rule_id,
)
def test_a_scan_finds_what_a_shipped_rule_finds(definition: Definition) -> None:
    rule = definition.rule
    names = sorted(properties_of(rule)) or ["fill_level"]
    one = ready(rule, timedelta(minutes=5), *names)
    chance = random.Random(rule.rule_id)
    levels = {name: _levels(rule, name) for name in names}
    samples, second = [], 0
    for _ in range(600):
        second += chance.choice([300, 300, 300, 900, 3600])
        values = {
            name: (chance.choice(levels[name]) + chance.choice([-1.0, 0.0, 1.0]), QualityFlag.GOOD) for name in names
        }
        samples.append(Sample(at(second), values))
    _, expected = run(one, one.start(), samples)
    assert scan(one, columns(samples)) == expected


def _levels(rule: Rule, name: str) -> list[float]:
    """Return values around every limit that the rule has for a property."""
    found = [0.0]
    for leaf in leaves(rule.condition):
        if (leaf.property or rule.selector.property) == name:
            for attribute in ("limit", "low", "high"):
                value = getattr(leaf, attribute, None)
                if isinstance(value, float):
                    deadband = getattr(leaf, "deadband", 0.0)
                    found += [value, value - deadband, value + deadband]
    return found
