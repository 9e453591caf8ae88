"""Which past hours are like this one, and how far this one is off."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from devices.model import QualityFlag
from indicators.usual_hour import Calendar, like_hours, usual_hour

PARIS = ZoneInfo("Europe/Paris")


def test_like_hours_are_those_of_the_same_weekday_by_the_clock_on_the_wall() -> None:
    start = datetime(2026, 4, 8, 8, tzinfo=PARIS)  # a Wednesday, ten days after the clocks went forward
    alike = like_hours(start.astimezone(UTC), Calendar(PARIS))
    assert len(alike) == 8
    assert {each.astimezone(PARIS).hour for each in alike} == {8}
    assert {each.astimezone(PARIS).weekday() for each in alike} == {2}
    assert {each.hour for each in alike} == {6, 7}, "two offsets of UTC"


def test_a_holiday_is_like_sundays_and_no_weekday() -> None:
    calendar = Calendar(UTC, frozenset({date(2026, 4, 6), date(2026, 3, 11)}))
    monday = like_hours(datetime(2026, 4, 6, 8, tzinfo=UTC), calendar)
    assert {each.date() for each in monday} >= {date(2026, 4, 5), date(2026, 3, 11)}
    assert {calendar.slot(each.date()) for each in monday} == {6}
    wednesday = like_hours(datetime(2026, 4, 8, 8, tzinfo=UTC), calendar)
    assert date(2026, 3, 11) not in {each.date() for each in wednesday}
    assert len(wednesday) == 7


def test_the_worked_example_of_a_robust_score() -> None:
    past = [410, 398, 405, 420, 402, 415, 399, 408]
    found = usual_hour("vehicle_flow", 455, past, QualityFlag.GOOD)
    assert found["vehicle_flow_usual"].result == 406.5
    assert found["vehicle_flow_deviation"].result == 5.452
    assert usual_hour("vehicle_flow", 455, past[:3], QualityFlag.GOOD)["vehicle_flow_usual"].result is None
    same = usual_hour("vehicle_flow", 455, [400] * 5, QualityFlag.GOOD)
    assert (same["vehicle_flow_usual"].result, same["vehicle_flow_deviation"].result) == (400, None)
    assert usual_hour("vehicle_flow", 9000, past, QualityFlag.GOOD)["vehicle_flow_deviation"].result == 100
