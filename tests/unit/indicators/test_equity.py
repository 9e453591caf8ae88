"""Equity between districts and small counts: worked examples of the domain reference, section 7."""

from datetime import timedelta

import pytest

from indicators.equity import District, equity, gini, parity, response_times, theil
from indicators.errors import IndicatorError
from indicators.small_counts import suppress, suppress_by_name

EXAMPLE = [District("A", 48_000, 12), District("B", 30_000, 9), District("C", 30_000, 3), District("D", 12_000, 6)]


def test_equity_example() -> None:
    result = equity(EXAMPLE)
    assert result.coverage == pytest.approx({"A": 2.5, "B": 3.0, "C": 1.0, "D": 5.0})
    assert result.parity == pytest.approx(0.20)
    assert (result.flagged, result.n) == (True, 4)
    assert result.gini == pytest.approx(0.2300, abs=5e-5)
    assert result.theil == pytest.approx(0.1017, abs=5e-5)


def test_equal_service_and_no_service_are_both_equal() -> None:
    even = equity([District("A", 100, 1), District("B", 300, 3)])
    assert [even.parity, even.gini, even.theil] == pytest.approx([1, 0, 0])
    assert not even.flagged
    none = equity([District("A", 100, 0)])
    assert (none.parity, none.flagged, none.gini, none.theil) == (None, False, 0.0, 0.0)


@pytest.mark.parametrize(("values", "ratio"), [([8, 10], 0.8), ([0, 10], 0.0), ([], None), ([0, 0], None)])
def test_parity(values: list[float], ratio: float | None) -> None:
    assert parity(values) == ratio


def test_equity_refuses_what_cannot_be_weighed() -> None:
    with pytest.raises(IndicatorError, match="no districts"):
        equity([])
    with pytest.raises(IndicatorError, match="district X has 0 residents"):
        equity([District("X", 0, 1)])
    for measure in (gini, theil):
        with pytest.raises(IndicatorError, match="more than 0"):
            measure([1], [0])


def test_response_times_show_median_tail_and_n() -> None:
    times = response_times([timedelta(minutes=minutes) for minutes in (5, 10, 15, 20, 60)])
    assert times is not None
    assert (times.median, times.p90, times.n) == (timedelta(minutes=15), timedelta(minutes=44), 5)
    assert response_times([]) is None


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        pytest.param([12, 3, 20], [None, None, 20], id="worked example: the smallest other cell hides the first"),
        pytest.param([12, 3, 0], [None, None, 0], id="a true zero stays"),
        pytest.param([3, 2, 20], [None, None, 20], id="two hidden ones hide each other"),
        pytest.param([5, 12], [5, 12], id="five is safe"),
        pytest.param([3], [None], id="alone"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_small_counts_are_hidden(counts: list[int], shown: list[int | None]) -> None:
    assert suppress(counts) == shown


def test_small_counts_by_name() -> None:
    assert suppress_by_name({"north": 12, "south": 3, "east": 20}) == {"north": None, "south": None, "east": 20}
    with pytest.raises(IndicatorError, match="-1 is not a count"):
        suppress([-1])
