"""Time sanity: may the time that a device states stand, and if not, what is taken instead.

Rules and limits are ours (domain reference, section 4): no standard says when a clock is wrong.
"""

from datetime import UTC, datetime, timedelta

from devices.model import QualityFlag

AHEAD = timedelta(minutes=5)
FAR_AHEAD = timedelta(hours=24)
# No device of a live city speaks of the time before: it is a clock that has not been set (1970, 1980, 2000).
LIVE_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
# What a replay may speak of: so far from the ends of the calendar that whoever reckons with it (a lateness, a week's
# end, a baseline's days) stays inside.
EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class TooOldError(ValueError):
    """A live reading is older than the lateness allowed; the text says by how much."""


def judge_time(stated: datetime, now: datetime, *, live: bool, lateness: timedelta | None) -> QualityFlag:
    """Return GOOD where `stated` may stand; SUSPECT or FAIL where the arrival is to be taken instead.

    `now` is the source's own. `lateness` None: nothing is too old. Raises TooOldError otherwise.
    """
    if stated > now + AHEAD:
        return QualityFlag.FAIL if stated > now + FAR_AHEAD else QualityFlag.SUSPECT
    if live and stated < LIVE_SINCE:
        return QualityFlag.FAIL
    if stated < EARLIEST:
        raise TooOldError(f"{stated.isoformat()} is before {EARLIEST.isoformat()}")
    if lateness is not None and stated < now - lateness:
        raise TooOldError(f"{stated:%Y-%m-%dT%H:%M:%SZ} is more than {lateness} before {now:%Y-%m-%dT%H:%M:%SZ}")
    return QualityFlag.GOOD
