"""What is done beside the judging takes its share of the time and no more."""

import time
from datetime import UTC, datetime, timedelta

from rules.pace import Pace

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_it_is_due_at_first_and_then_when_its_share_allows() -> None:
    pace = Pace(0.1)
    assert pace.due(NOW)
    with pace.measured(NOW):
        time.sleep(0.02)
    assert pace.due_at - NOW >= timedelta(seconds=0.2)
    assert not pace.due(NOW + timedelta(seconds=0.19))
    assert pace.due(pace.due_at)
    assert pace.due(NOW - timedelta(hours=1)), "the clock was set back"


def test_it_is_done_no_more_often_than_it_must() -> None:
    pace = Pace(0.5, timedelta(seconds=30))
    with pace.measured(NOW):
        pass
    assert pace.due_at == NOW + timedelta(seconds=30)
