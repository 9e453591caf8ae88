"""Series in few characters stand for few values."""

import pytest

from citywatch.errors import RuleError
from rules.trials import MOST, expand, parse_trials
from tests.unit.rules.series import rule


def test_a_series_is_written_out() -> None:
    assert expand("1 2+3x2 _x2 7x1") == [1, 2, 5, 8, None, None, 7, 7]
    assert len(expand(f"1x{MOST - 1}")) == MOST


@pytest.mark.parametrize("series", ["1x2000000000", f"1x{MOST}", f"_ 1+1x{MOST - 1}", "_x" + "9" * 5000, "5x9999 5x1"])
def test_a_bomb_is_refused_before_it_is_written_out(series: str) -> None:
    with pytest.raises(RuleError, match="10000 values at most"):
        expand(series)


def test_many_series_of_one_text_count_together() -> None:
    trial = '  - {name: t, every: 5m, series: {fill_level: "1x4000"}, alerts: []}\n'
    limit = rule("{at_least: 80}", rule_id="bin-full")
    assert len(parse_trials("rule: bin-full\ntests:\n" + trial * 2, limit, "tests")) == 2
    with pytest.raises(RuleError, match=r"tests:5: .* 10000 values at most"):
        parse_trials("rule: bin-full\ntests:\n" + trial * 3, limit, "tests")
