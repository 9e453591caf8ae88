"""Deviation from a learned baseline, a limit in sight, levels by name, a learned rhythm."""

import random
from datetime import timedelta

import orjson
import pytest

from citywatch.errors import RuleError
from devices.model import QualityFlag
from rules.conditions import NoData
from rules.engine import run
from rules.frozen import freeze_track, thaw_track
from rules.leaf import Memory
from rules.model import Sample, Verdict
from rules.scan import scan
from rules.trends import Crossing, Deviation
from tests.unit.rules.series import START, at, ready, rule
from tests.unit.rules.test_scan import columns

HOUR = timedelta(hours=1)


def usual(days: int, chance: random.Random) -> list[Sample]:
    """Return days of one reading every ten minutes: quiet by night, busy at eight, a little noise."""
    found = []
    for n in range(days * 144):
        when = START + n * timedelta(minutes=10)
        level = 100 if when.hour == 8 and when.weekday() < 5 else 20
        found.append(Sample(when, {"pm2_5": (level + chance.uniform(-3, 3), QualityFlag.GOOD)}))
    return found


def test_a_deviation_knows_the_hour_and_the_kind_of_day() -> None:
    chance = random.Random(3)
    series = usual(9, chance)  # Monday to Tuesday of the next week
    odd = START + timedelta(days=8, hours=3, minutes=20)
    series = [Sample(s.at, {"pm2_5": (60.0, QualityFlag.GOOD)}) if s.at == odd else s for s in series]
    one = ready(rule("{deviation: 4, least: 15, direction: above}"), timedelta(minutes=10))
    track, found = run(one, one.start(), series)
    assert [(each.raised_at, each.cleared_at) for each in found] == [(odd, odd + timedelta(minutes=10))]
    assert thaw_track(orjson.loads(orjson.dumps(freeze_track(track)))) == track


def test_a_baseline_is_unknown_for_three_days_and_one_odd_day_moves_it_little() -> None:
    leaf = Deviation(4, 10)
    memory: Memory | None = None
    for day in range(4):
        memory = leaf.observe(memory, START + timedelta(days=day), 50.0 + day % 2)
        assert leaf.judge(memory, memory[0], HOUR, active=False) is (Verdict.UNKNOWN if day < 3 else Verdict.FALSE)
    assert memory is not None
    before = memory[2]
    memory = leaf.observe(memory, START + timedelta(days=4), 500.0)
    assert leaf.judge(memory, memory[0], HOUR, active=False) is Verdict.TRUE
    memory = leaf.observe(memory, START + timedelta(days=7), 50.0)
    assert abs(memory[2] - before) < 2


def test_scanning_follows_baselines_and_lines_as_stepping_does() -> None:
    chance = random.Random(8)
    series = [
        Sample(s.at, {"pm2_5": (value + chance.choice([0] * 20 + [40, -15]), flag)})
        for s in usual(8, chance)
        for value, flag in s.values.values()
        if value is not None and chance.random() < 0.95
    ]
    episodes = 0
    for when in (
        "{deviation: 3, least: 10, deadband: 2}",
        "{crossing: 80, within: 1h, over: 30m, restart: 50}",
        "{crossing: 15, within: 30m, over: 1h, direction: fall}",
        "{no_data: 2, rhythm: learned}",
    ):
        one = ready(rule(when), timedelta(minutes=10))
        _, expected = run(one, one.start(), series, series[-1].at + HOUR)
        assert scan(one, columns(series), series[-1].at + HOUR) == expected
        episodes += len(expected)
    assert episodes > 20


def test_a_line_says_when_the_limit_will_be_met_and_begins_anew_after_a_collection() -> None:
    leaf = Crossing(90, timedelta(hours=2), timedelta(hours=3), restart=30)
    memory: Memory | None = None
    verdicts = ""
    for n, value in enumerate([40, 50, 60, 71, 71, 10, 20, 21]):
        memory = leaf.observe(memory, at(3600 * n), value)
        verdicts += leaf.judge(memory, memory[0], HOUR, active=False).name[0]
    assert verdicts == "UUFTFUUF"
    assert leaf.forecast(memory or ()) == pytest.approx(32.0, abs=3)


def test_silence_is_judged_by_the_learned_rhythm_once_there_is_one() -> None:
    leaf = NoData(3, learned=True)
    memory: Memory | None = None
    for n in range(3):
        memory = leaf.observe(memory, at(60 * n), 0)
    assert memory is not None
    assert leaf.after(HOUR, memory) == 3 * HOUR
    for n in range(3, 12):
        memory = leaf.observe(memory, at(60 * n), 0)
    assert leaf.after(HOUR, memory) == timedelta(minutes=3)
    memory = leaf.observe(memory, at(60 * 300), 0)  # one long pause does not change what is usual
    assert leaf.after(HOUR, memory) == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        ("{deviation: 4}", "'least' is missing"),
        ("{deviation: 0, least: 3}", "above 0"),
        ("{crossing: 90, over: 1h}", "'within' is missing"),
        ("{crossing: 90, over: 0s, within: 1h}", "longer than nothing"),
        ("{level: Unhealthy}", "has no levels"),
        ("{level: Dreadful, property: us_aqi}", "unknown level"),
        ("{no_data: 5m, rhythm: learned}", "learns no rhythm"),
    ],
)
def test_a_mistake_in_them_is_named(when: str, complaint: str) -> None:
    with pytest.raises(RuleError, match=f"test.yaml:5: .*{complaint}"):
        rule(when)


def test_a_level_is_met_where_it_begins() -> None:
    one = ready(rule("{level: Unhealthy}", select="{property: us_aqi}"), HOUR, "us_aqi")
    series = [Sample(at(3600 * n), {"us_aqi": (value, QualityFlag.GOOD)}) for n, value in enumerate([150, 151, 150])]
    _, found = run(one, one.start(), series)
    assert [(each.raised_at, each.cleared_at) for each in found] == [(at(3600), at(7200))]
