"""A consumer in parts is one process on the status page: the slowest part counts, and who holds which is said."""

import pytest

from api.overview import held_parts
from sql.read import TailLag, slowest


def test_the_slowest_part_counts() -> None:
    lags = [
        TailLag("fold", 9, 0, 0, 0.0),
        TailLag("rules", 8, 1, 10, 1.0),
        TailLag("rules-1", 3, 6, 60, 6.0),
        TailLag("rules-2", 9, 0, 0, 0.0),
    ]
    assert {name: lag.seq for name, lag in slowest(lags).items()} == {"fold": 9, "rules": 3}


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ({"a": ["0"]}, ""),
        ({"a": ["0"], "a/2": []}, ""),
        ({"a/1": ["0", "2"], "b/1": ["1"]}, " [0 2: a/1; 1: b/1]"),
        ({"a/1": ["0", "1"], "b/1": []}, " [0 1: a/1; –: b/1]"),
    ],
)
def test_who_holds_which_parts_is_said_where_there_are_several(reports: dict[str, list[str]], said: str) -> None:
    line = 'citywatch_part_held{{consumer="rules",part="{}"}} 1.0\n'
    rows = [
        {"instance": name, "exposition": "# HELP x\n" + "".join(line.format(part) for part in parts)}
        for name, parts in reports.items()
    ]
    assert held_parts(rows) == said
