"""The measures of ISA-18.2 on worked examples."""

from datetime import timedelta

import pytest

from rules.load import chattering, floods, load_of, periods_of, share_of
from tests.unit.rules.series import START, at


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    assert floods([12, 12, 6, 4, 1]) == [True, True, True, False, False]
    assert floods([10, 11, 5, 4, 11]) == [False, True, True, False, True]


def test_the_load_counts_quiet_periods_too() -> None:
    raised = [START + timedelta(minutes=n) for n in range(12) for _ in range(2)]
    load = load_of(raised, START, START + timedelta(hours=2))
    assert (load.alerts, load.per_hour, load.per_day, load.most_in_period) == (24, 12, 288, 20)
    assert load.share_over_ten == pytest.approx(1 / 12)
    halved = load_of(raised, START, START + timedelta(hours=2), operators=2)
    assert (halved.most_in_period, halved.share_over_ten) == (10, 0)
    assert sum(periods_of(raised).values()) == 24


def test_chattering_is_three_raises_within_a_minute() -> None:
    raises = {
        "a": [at(0), at(20), at(60), at(70), at(500), at(510), at(520)],
        "b": [at(0), at(31), at(61)],
        "c": [],
    }
    assert chattering(raises) == {"a": 2}


def test_shares_of_values() -> None:
    assert share_of([], 0.5) is None
    assert share_of([5.0, 1.0, 3.0], 0.5) == 3
    assert share_of([1.0], 0.9) == 1
