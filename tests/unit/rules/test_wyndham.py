"""Sixteen bins over three years, through the shipped rule with the limit that the data itself names."""

from dataclasses import replace
from pathlib import Path

from rules.conditions import AtLeast
from rules.definitions import FOLDER, load_definition
from rules.engine import run
from tests.unit.rules.series import ready
from tests.wyndham import DAILY, day, full_periods, read_bins, to_samples


def test_every_full_period_of_the_bins_is_one_alert_and_no_other_day_is(shared_data: Path) -> None:
    shipped = load_definition(FOLDER / "bin-nearly-full.yaml").rule
    made = replace(shipped, condition=AtLeast(80, 5))
    one = ready(made, DAILY, "fill_level")
    periods = days = single = 0
    for rows in read_bins(shared_data).values():
        _, episodes = run(one, one.start(), to_samples(rows))
        assert [(each.raised_at, each.cleared_at) for each in episodes] == full_periods(rows)
        for row in rows:
            stands = [
                each
                for each in episodes
                if each.raised_at <= day(row) and (each.cleared_at is None or day(row) < each.cleared_at)
            ]
            if row["reason"] == "FULLNESS":
                days += 1
                assert len(stands) == 1
            elif row["reason"] == "NOT_READY":
                assert not stands
        full = [{day(row) for row in rows if each.raised_at <= day(row) < (each.cleared_at or day(rows[-1]) + DAILY)}
                for each in episodes]  # fmt: skip
        single += sum(len(each) == 1 for each in full)
        periods += len(episodes)
    assert days == 2145
    assert periods > 1500
    assert single > periods / 2
