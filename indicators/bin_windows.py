"""Reads what the forecasts and emptyings of bins rest on, and works them out."""

from collections.abc import Sequence
from datetime import timedelta

from devices.model import QualityFlag
from indicators.bin_forecast import bin_forecast
from indicators.derived import BIN_INPUT, HOUR, NO_VALUE, Value, flag, floor
from indicators.dues import INSTANT, Derived, Due, by_key, spans, told
from indicators.emptying import collections
from indicators.fill import FillReading
from sql.connection import Connection, Record
from sql.queries import query

FILL_SPAN = timedelta(days=14)


async def derive_bins(connection: Connection, dues: Sequence[Due]) -> list[Derived]:
    """Return fill rate and time to full at each reading that is due, and the emptyings that they confirm."""
    now = by_key(
        await connection.fetch(query("indicators", "span_readings"), *spans(dues, timedelta(0), INSTANT), BIN_INPUT)
    )
    hours = [floor(due.due_at, HOUR) for due in dues]
    # Once for each bin and hour, however many of its readings are due: a window asked twice answers twice.
    asked = sorted({(due.device_id, hour) for due, hour in zip(dues, hours, strict=True)})
    past = by_key(
        await connection.fetch(
            query("indicators", "past_levels"),
            [device_id for device_id, _ in asked],
            [hour - FILL_SPAN for _, hour in asked],
            [hour for _, hour in asked],
        )
    )
    found: list[Derived] = []
    confirming: list[tuple[Due, timedelta]] = []
    for due, hour in zip(dues, hours, strict=True):
        readings = now.get((due.device_id, due.due_at + INSTANT), [])
        if not readings:
            continue
        (row,) = readings
        if not _usable(row):
            found += told(due, {"fill_rate": NO_VALUE, "time_to_full": NO_VALUE, "emptied_from": NO_VALUE})
            continue
        before = [FillReading(each["last_time"], each["last"]) for each in past.get((due.device_id, hour), [])]
        quality = flag(int(row["quality"] != QualityFlag.SUSPECT), 1)
        newest = FillReading(due.due_at, row["result"])
        found += told(due, bin_forecast(before, newest, quality))
        if len(before) > 1 and any(each.time == before[-1].time for each in collections([*before[-2:], newest])):
            confirming.append((due, due.due_at - before[-2].time))
    return found + await _emptied(connection, confirming)


async def _emptied(connection: Connection, confirming: Sequence[tuple[Due, timedelta]]) -> list[Derived]:
    """Return the level that each bin was emptied from, at the first low reading, looked up among all its readings.

    The hours' last readings say that there was an emptying; which reading was the first low one, they do not.
    """
    if not confirming:
        return []
    rows = by_key(
        await connection.fetch(
            query("indicators", "span_readings"),
            [due.device_id for due, _ in confirming],
            [due.due_at - reach for due, reach in confirming],
            [due.due_at + INSTANT for due, _ in confirming],
            BIN_INPUT,
        )
    )
    found: list[Derived] = []
    for due, _ in confirming:
        readings = [
            FillReading(row["phenomenon_time"], row["result"])
            for row in rows.get((due.device_id, due.due_at + INSTANT), [])
            if _usable(row)
        ]
        found += [
            Derived(due.device_id, "emptied_from", each.time, Value(each.before, QualityFlag.GOOD))
            for each in collections(readings)
        ]
    return found


def _usable(row: Record) -> bool:
    return row["result"] is not None and row["quality"] <= QualityFlag.SUSPECT
