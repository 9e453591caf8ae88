"""How an hour compares with the same hour of the week in the weeks before. Pure; needs no tuning."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from devices.model import QualityFlag
from indicators.baseline import SUNDAY, usual
from indicators.derived import DAY, NO_VALUE, Value

WEEKS = 8
NEEDED = 4  # past hours
MOST = 100.0  # robust deviations: what is further off is told as this


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where hours are lived, and which days there count as Sundays."""

    zone: tzinfo = UTC
    holidays: frozenset[date] = frozenset()

    def slot(self, day: date) -> int:
        """Return the day of the week that `day` counts as, Monday 0 to Sunday 6."""
        return SUNDAY if day in self.holidays else day.weekday()


def like_hours(start: datetime, calendar: Calendar) -> list[datetime]:
    """Return the starts (UTC) of the hours of the last eight weeks that are like the one from `start`.

    The same hour by the clock on the wall, whether or not the clocks were changed since, on days that count alike.
    """
    local = start.astimezone(calendar.zone)
    days = (local.date() - back * DAY for back in range(1, WEEKS * 7 + 1))
    alike = [day for day in days if calendar.slot(day) == calendar.slot(local.date())]
    hours = {datetime.combine(day, local.timetz()).astimezone(UTC) for day in alike}
    return sorted(each for each in hours if each < start)


def usual_hour(name: str, mean: float, past: Collection[float], quality: QualityFlag) -> dict[str, Value]:
    """Return what is usual for the property `name` at this hour, and how far `mean` is off in robust deviations."""
    if len(past) < NEEDED:
        return {f"{name}_usual": NO_VALUE, f"{name}_deviation": NO_VALUE}
    known = usual(list(past))
    score = known.score(mean)
    off = NO_VALUE if score is None else Value(round(min(max(score, -MOST), MOST), 3), quality)
    return {f"{name}_usual": Value(round(known.median, 6), quality), f"{name}_deviation": off}
