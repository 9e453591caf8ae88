from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywatch.durations import format_duration, parse_duration
from citywatch.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("90s", 90, id="seconds"),
        pytest.param("1h30m", 5400, id="parts add up"),
        pytest.param("250ms", 0.25, id="milliseconds are not minutes"),
        pytest.param(" 2w ", 1209600, id="spaces around are ignored"),
    ],
)
def test_duration_reads_what_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "h", "-5s", "5s later"])
def test_duration_refuses_anything_else_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_duration_written_is_read_back(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration
