from datetime import UTC, datetime, timedelta

import pytest

from sql.engine import WEEK, Chunk
from sql.retention import expired, to_shed

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def weeks(*sizes: int) -> list[Chunk]:
    """Chunks of these sizes, the newest ending now."""
    ends = [NOW - WEEK * age for age in reversed(range(len(sizes)))]
    return [
        Chunk(str(at), end - WEEK, end, size, False) for at, (end, size) in enumerate(zip(ends, sizes, strict=True))
    ]


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        pytest.param(None, "", id="kept for ever where nothing is said"),
        pytest.param(timedelta(days=7), "012", id="a week that has just come of age goes"),
        pytest.param(timedelta(days=8), "01", id="a week of which one row is young stays whole"),
        pytest.param(timedelta(days=99), "", id="nothing is that old"),
    ],
)
def test_expired_takes_whole_weeks_only(keep: timedelta | None, gone: str) -> None:
    assert "".join(chunk.name for chunk in expired(weeks(5, 5, 5, 5), keep, NOW)) == gone


@pytest.mark.parametrize(
    ("excess", "gone"),
    [
        pytest.param(1, "0", id="the oldest first"),
        pytest.param(10, "0", id="no more than is needed"),
        pytest.param(11, "01", id="the next one too"),
        pytest.param(1000, "01", id="never what is young, however full the disk"),
    ],
)
def test_to_shed_frees_what_is_missing_and_spares_live_data(excess: int, gone: str) -> None:
    assert "".join(c.name for c in to_shed(weeks(10, 10, 10, 10), excess, timedelta(days=14), NOW)) == gone
