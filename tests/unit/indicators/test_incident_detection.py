"""Incident detection on the worked series; states and alarms read as strings."""

from datetime import timedelta

import pytest

from indicators.errors import IndicatorError
from indicators.incident_detection import (
    California7,
    IncidentState,
    LowPass,
    StandardNormalDeviate,
    confirmed,
    false_alarms_per_hour,
)


def flags(text: str) -> list[bool]:
    return [letter == "x" for letter in text]


def test_california7_example() -> None:
    upstream = [12, 13, 12, 22, 30, 32, 31, 14, 12]
    downstream = [12, 12, 12, 10, 7, 8, 9, 12, 12]
    assert [state.value for state in California7().states(upstream, downstream)] == [0, 0, 0, 0, 1, 2, 3, 0, 0]


@pytest.mark.parametrize(
    ("state", "upstream", "downstream", "before", "after"),
    [
        pytest.param(0, 30, 7, None, 0, id="no step two back yet"),
        pytest.param(0, 30, 15, 15, 0, id="downstream did not fall"),
        pytest.param(0, 14, 7, 12, 0, id="difference below T1"),
        pytest.param(1, 30, 16, 12, 0, id="a tentative one that fades"),
        pytest.param(3, 30, 10, 12, 3, id="goes on while the relative difference stays"),
        pytest.param(0, 0, 0, 0, 0, id="an empty road divides by nothing"),
    ],
)
def test_california7_step(state: int, upstream: float, downstream: float, before: float | None, after: int) -> None:
    assert California7().step(IncidentState(state), upstream, downstream, before) == after


def test_standard_normal_deviate_example() -> None:
    method = StandardNormalDeviate(window=5, limit=3)
    values = [10, 11, 9, 10, 12, 10.5, 18, 20]
    scores = method.scores(values)
    assert scores[:5] == [None] * 5
    assert [round(score, 4) for score in scores[5:] if score is not None] == [0.0877, 6.7082, 2.2640]
    assert method.alarms(values) == flags("......x.")


@pytest.mark.parametrize(
    ("values", "successive", "alarms"),
    [
        pytest.param([1, 1, 1, 1, 1, 9], 1, "......", id="no spread, no decision"),
        pytest.param([1, 2, 1, 2, 1, 9, 99], 2, "......x", id="two in a row"),
    ],
)
def test_standard_normal_deviate_alarms(values: list[float], successive: int, alarms: str) -> None:
    assert StandardNormalDeviate(window=5, limit=3, successive=successive).alarms(values) == flags(alarms)


def test_standard_normal_deviate_needs_a_window() -> None:
    with pytest.raises(IndicatorError, match="window of 2"):
        StandardNormalDeviate(window=1, limit=3).scores([1, 2])


@pytest.mark.parametrize(
    ("upstream", "downstream", "alarms"),
    [
        pytest.param([10] * 5 + [30] * 3, [10] * 5 + [6] * 3, ".......x", id="queue above, free below"),
        pytest.param([10] * 5 + [30] * 3, [10] * 5 + [28] * 3, "........", id="both fill: recurrent congestion"),
        pytest.param([30] * 8, [6] * 8, "........", id="a standing bottleneck is no news"),
        pytest.param([0] * 8, [0] * 8, "........", id="an empty road"),
    ],
)
def test_low_pass(upstream: list[float], downstream: list[float], alarms: str) -> None:
    assert LowPass(after=3, before=5).alarms(upstream, downstream) == flags(alarms)


@pytest.mark.parametrize(
    ("calls", "others", "verdicts"),
    [
        pytest.param("x.x.xx", ["xxxxxx"], ".....x", id="a flicker does not persist"),
        pytest.param("xxxx", ["...x"], "...x", id="waits for a second voice"),
        pytest.param("xxxx", ["x..."], ".x..", id="the second voice must be recent"),
        pytest.param("xxxx", [], "....", id="alone is not enough"),
    ],
)
def test_confirmation_asks_for_persistence_and_a_neighbour(calls: str, others: list[str], verdicts: str) -> None:
    assert confirmed(flags(calls), [flags(other) for other in others], persistence=2) == flags(verdicts)


def test_confirmation_refuses_no_persistence() -> None:
    with pytest.raises(IndicatorError, match="not 0"):
        confirmed([True], [], persistence=0)


@pytest.mark.parametrize(("share", "seconds", "an_hour"), [(0.0005, 20, 7.8), (0.00134, 30, 14.0)])
def test_a_rate_per_decision_is_many_calls_an_hour(share: float, seconds: int, an_hour: float) -> None:
    assert false_alarms_per_hour(share, stations=87, step=timedelta(seconds=seconds)) == pytest.approx(
        an_hour, abs=0.05
    )


def test_decisions_take_time() -> None:
    with pytest.raises(IndicatorError, match="not every 0:00:00"):
        false_alarms_per_hour(0.01, 1, timedelta(0))
