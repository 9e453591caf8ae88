"""Buckets, and counts of people that are too small to be told."""

from api.buckets import Buckets
from api.open_data import withhold, withhold_districts


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = 0.0
    buckets = Buckets(rate=0.5, burst=3, clock=lambda: now)
    assert [buckets.take("a") for _ in range(4)] == [None, None, None, 2.0]
    assert buckets.take("b") is None, "each key has its own"
    now = 2.0
    assert [buckets.take("a"), buckets.take("a")] == [None, 2.0]


def test_small_counts_of_people_are_withheld_and_zero_is_not() -> None:
    values = [("{persons}/h", 3), ("{persons}/h", 0), ("{persons}", 5), ("ug/m3", 2)]
    told = withhold({"unit": unit, "result": result} for unit, result in values)
    assert [(row["result"], row["withheld"]) for row in told] == [(None, True), (0, False), (5, False), (2, False)]


def test_one_small_district_takes_the_next_smallest_with_it() -> None:
    def row(district: str, mean: float, unit: str = "{persons}/h") -> dict[str, object]:
        return {"district_id": district, "property": unit, "unit": unit, "devices": 1, "mean": mean, "min": 0, "max": 9}

    told = withhold_districts([row("a", 2), row("b", 90), row("c", 30), row("a", 2, "ug/m3")])
    assert [each["mean"] for each in told] == [None, 90, None, 2]
    assert [each["withheld"] for each in told] == [True, False, True, False]
