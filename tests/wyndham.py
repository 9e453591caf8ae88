"""The smart bins of Wyndham: their days, and the full periods that their own FULLNESS rows make."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from devices.model import QualityFlag
from rules.model import Sample

FILE = Path("timeseries/waste_wyndham/wyndham_smart_bins.csv.gz")
Row = dict[str, str]


def read_bins(shared: Path) -> dict[str, list[Row]]:
    """Return the rows of each bin in order of their days; ALERT rows are device alerts and carry a fullness too."""
    bins: dict[str, list[Row]] = {}
    with gzip.open(shared / FILE, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            bins.setdefault(row["serialNumber"], []).append(row)
    for rows in bins.values():
        rows.sort(key=lambda row: row["timestamp"])
    return bins


def day(row: Row) -> datetime:
    return datetime.combine(date.fromisoformat(row["timestamp"][:10]), datetime.min.time(), UTC)


def to_samples(rows: list[Row]) -> list[Sample]:
    """Return a bin's fill levels in percent: fullness has steps of ten percent."""
    return [Sample(day(row), {"fill_level": (10.0 * float(row["latestFullness"]), QualityFlag.GOOD)}) for row in rows]


def full_periods(rows: list[Row]) -> list[tuple[datetime, datetime | None]]:
    """Return first day and end of each full period: FULLNESS rows, joined by device alerts at the threshold or above.

    A period ends with the next row that is below the threshold. One without any FULLNESS row (device alerts only) is a
    period too: those rows are as full.
    """
    found: list[tuple[datetime, datetime | None]] = []
    start: datetime | None = None
    for row in rows:
        full = row["reason"] == "FULLNESS" or (
            row["reason"] == "ALERT" and int(row["latestFullness"]) >= int(row["fullnessThreshold"])
        )
        if full and start is None:
            start = day(row)
        elif not full and start is not None:
            found.append((start, day(row)))
            start = None
    return found if start is None else [*found, (start, None)]


DAILY = timedelta(days=1)
