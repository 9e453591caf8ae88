"""Scenarios as the API tells them: every shipped one, as the simulator itself reads it."""

from api.routes.scenarios import read_scenarios
from dashboard.pages.simulator import KIND_NAMES
from simulators.scenarios import KINDS, load_scenario, scenario_names


def test_every_scenario_is_told_as_the_simulator_reads_it() -> None:
    told = {each.name: each for each in read_scenarios()}
    assert sorted(told) == scenario_names()
    for name, entry in told.items():
        read = load_scenario(name)
        plants = [each for each in entry.plants if each.per_day is None]
        mix = [each for each in entry.plants if each.per_day is not None]
        assert [(p.kind, p.count, p.clock, p.domain, p.district_id) for p in plants] == [
            (p.kind, p.count, p.clock, p.domain, p.district) for p in read.plants
        ]
        assert [p.after_s for p in plants if p.clock is None] == [
            p.after.total_seconds() for p in read.plants if p.clock is None
        ]
        assert [p.lasts_s for p in plants] == [[p.lasts.total_seconds()] * 2 for p in read.plants]
        assert [(m.kind, m.per_day, m.lasts_s) for m in mix] == [
            (m.kind, m.per_day, [each.total_seconds() for each in m.lasts]) for m in read.mix
        ]


def test_expected_alerts_are_those_of_the_scoreboard() -> None:
    (fire,) = (p for each in read_scenarios() if each.name == "everything" for p in each.plants if p.kind == "bin_fire")
    assert fire.alerts == ["bin-fire", "bin-heating", "co-high"]


def test_every_kind_has_words() -> None:
    assert set(KIND_NAMES) == KINDS
