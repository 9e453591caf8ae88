"""Before and after a measure: a planted effect is found, none is invented, and matching does its work."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from indicators.compare import compare, compare_by_district
from indicators.errors import IndicatorError
from indicators.quantiles import student

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SHAPE = [20, 10, 8, 8, 12, 30, 70, 100, 110, 90, 80, 80, 85, 85, 85, 95, 110, 115, 95, 70, 50, 40, 30, 25]


def hours(first_day: int, days: int, factor: float = 1.0, seed: int = 1) -> list[tuple[datetime, float]]:
    chance = random.Random(f"{seed} {first_day}")
    found = []
    for day in range(first_day, first_day + days):
        of_day = factor * chance.gauss(1, 0.05) * (0.7 if day % 7 >= 5 else 1.0)
        found += [(MONDAY + timedelta(days=day, hours=h), of_day * SHAPE[h] * chance.gauss(1, 0.1)) for h in range(24)]
    return found


def test_a_planted_tenth_is_found_with_its_interval() -> None:
    effect = compare(hours(0, 56), hours(56, 56, factor=0.9))
    assert effect is not None
    assert effect.found and effect.low < -0.1 < effect.high < 0
    assert effect.change == pytest.approx(-0.1, abs=0.04)
    assert (effect.days_before, effect.days_after, effect.hours) == (56, 56, 112 * 24)


def test_nothing_is_found_where_nothing_changed() -> None:
    effect = compare(hours(0, 56), hours(56, 56))
    assert effect is not None and not effect.found and effect.low < 0 < effect.high


def test_matching_keeps_other_hours_and_weekdays_from_looking_like_an_effect() -> None:
    nights_missing = [each for each in hours(56, 56) if each[0].hour >= 6]
    weekdays_only = [each for each in hours(56, 56) if each[0].weekday() < 5]
    for after in (nights_missing, weekdays_only):
        effect = compare(hours(0, 56), after)
        assert effect is not None and not effect.found


def test_a_control_place_takes_the_season_out() -> None:
    season = compare(hours(0, 56), hours(56, 56, factor=1.2))
    assert season is not None and season.found
    control = hours(0, 56, seed=2) + hours(56, 56, factor=1.2, seed=2)
    effect = compare(hours(0, 56), hours(56, 56, factor=1.2), control=control)
    assert effect is not None and not effect.found


def test_a_holiday_is_matched_with_sundays() -> None:
    friday = date(2026, 5, 1)
    quiet = [(time, value * 0.7 if time.date() == friday else value) for time, value in hours(56, 14)]
    plain, matched = compare(hours(0, 56), quiet), compare(hours(0, 56), quiet, holidays={friday})
    assert plain is not None and matched is not None
    assert abs(matched.change) < abs(plain.change)


def test_two_weeks_are_needed_on_either_side() -> None:
    assert compare(hours(0, 13), hours(56, 56)) is None
    assert compare(hours(0, 56), hours(56, 13)) is None
    assert compare(hours(0, 56), []) is None


def test_periods_must_not_overlap_and_values_must_be_above_zero() -> None:
    with pytest.raises(IndicatorError, match="must end ahead"):
        compare(hours(0, 56), hours(50, 56))
    with pytest.raises(IndicatorError, match="above 0"):
        compare(hours(0, 56), hours(56, 56, factor=-1))
    with pytest.raises(IndicatorError, match="between 0 and 1"):
        compare(hours(0, 56), hours(56, 56), share=95)


def test_districts_are_compared_one_by_one() -> None:
    effects = compare_by_district(
        {"north": hours(0, 56), "south": hours(0, 56, seed=3), "gone": hours(0, 56)},
        {"north": hours(56, 56, factor=0.9), "south": hours(56, 56, seed=3)},
    )
    assert {name: effect is not None and effect.found for name, effect in effects.items()} == {
        "north": True,
        "south": False,
    }


@pytest.mark.parametrize(
    ("share", "freedom", "table"), [(0.95, 5, 2.571), (0.95, 10, 2.228), (0.99, 10, 3.169), (0.99, 30, 2.750)]
)
def test_student_quantile_agrees_with_the_table(share: float, freedom: float, table: float) -> None:
    assert student(share, freedom) == pytest.approx(table, rel=0.005)
