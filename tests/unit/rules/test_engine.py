from datetime import timedelta

import pytest

from devices.model import QualityFlag
from rules.engine import run
from rules.model import Episode, Rule, Sample
from tests.unit.rules.series import START, at, ready, rule, samples

LIMIT = rule("{at_least: 80, deadband: 5}", on_delay="120s", off_delay="120s")


def spans(
    made: Rule, found: list[Sample], *, every: float = 60, until: float | None = None
) -> list[tuple[float, float | None]]:
    one = ready(made, timedelta(seconds=every))
    _, episodes = run(one, one.start(), found, None if until is None else at(until))
    return [_seconds(episode) for episode in episodes]


def _seconds(episode: Episode) -> tuple[float, float | None]:
    end = (episode.cleared_at - START).total_seconds() if episode.cleared_at else None
    return (episode.raised_at - START).total_seconds(), end


def test_the_worked_example_of_deadband_and_delays() -> None:
    series = samples([78, 81, 79, 82, 83, 85, 78, 76, 74, 73, 76, 74, 72, 70])
    assert spans(LIMIT, series) == [(300, 780)]


def test_for_five_minutes_fires_at_the_eighth() -> None:
    series = samples([0, 0, 0, 9, 9, 9, 9, 9, 9])
    assert spans(rule("{at_least: 1}", on_delay="5m"), series) == [(480, None)]


def test_for_a_daily_reporter_one_reading_decides() -> None:
    series = samples([70, 80, 70], every=86400)
    assert spans(LIMIT, series, every=86400) == [(86400, 172800)]


def test_a_gap_breaks_no_timer() -> None:
    assert spans(LIMIT, [Sample(at(t), {"pm2_5": (85.0, QualityFlag.GOOD)}) for t in (0, 3600)]) == [(3600, None)]


@pytest.mark.parametrize(
    ("quality", "counts", "expected"),
    [
        pytest.param(QualityFlag.GOOD, False, [(120, None)], id="good counts"),
        pytest.param(QualityFlag.NOT_EVALUATED, False, [(120, None)], id="not evaluated counts"),
        pytest.param(QualityFlag.SUSPECT, False, [], id="suspect does not"),
        pytest.param(QualityFlag.SUSPECT, True, [(120, None)], id="suspect does where the rule says so"),
        pytest.param(QualityFlag.FAIL, True, [], id="fail never does"),
    ],
)
def test_quality_decides_what_counts(
    quality: QualityFlag, counts: bool, expected: list[tuple[float, float | None]]
) -> None:
    made = rule("{at_least: 80}", on_delay="120s", suspect_counts=str(counts).lower())
    assert spans(made, samples([90, 90, 90], quality=quality)) == expected


def test_a_failed_reading_does_nothing_at_all() -> None:
    good = samples([81, 82, 83, 84])
    bad = Sample(at(90), {"pm2_5": (0.0, QualityFlag.FAIL)})
    assert spans(LIMIT, sorted([*good, bad], key=lambda each: each.at)) == spans(LIMIT, good) == [(120, None)]


def test_silence_is_dated_by_its_limit_not_by_who_looked() -> None:
    silence = rule("{no_data: 3}", select="{}", off_delay="1m")
    found = [samples([1.0])[0], *(Sample(at(t), {"pm2_5": (1.0, QualityFlag.GOOD)}) for t in (600, 660, 720))]
    assert spans(silence, found) == [(180, 660)]
    assert spans(silence, found[:1], until=181) == [(180, None)]
    assert spans(silence, found[:1], until=179) == []
