"""Counts of people that are too small to be told."""

from api.open_data import withhold, withhold_districts


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
