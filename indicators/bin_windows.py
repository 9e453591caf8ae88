"""Reads what the forecasts and emptyings of bins rest on, and works them out."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from devices.model import QualityFlag
from indicators.bin_forecast import NOTHING, bin_forecast
from indicators.bin_outcomes import full_levels, keep_outcomes, past_outcomes
from indicators.derived import BIN_INPUT, HOUR, NO_VALUE, Value, flag, floor
from indicators.dues import INSTANT, Derived, Due, Key, by_key, spans, told
from indicators.emptying import collections
from indicators.fill import FillReading
from indicators.time_to_full import FORECAST_SPAN, TEACHING_SPAN, Outcome, ends_cycle, outcomes, trust
from sql.connection import Connection, Record
from sql.queries import query

# Dues worked out at once. Each may rest on hundreds of readings and on hundreds of past outcomes: those of all the dues
# of a step together are tens of megabytes, and the more the longer a city has been watched.
AT_ONCE = 25


async def derive_bins(connection: Connection, dues: Sequence[Due], width: timedelta) -> list[Derived]:
    """Return fill rate and time to full with its band at each due, and the emptyings that it confirms.

    A due is a reading where `width` is zero, else the end of a period of that width, which stands at the level of its
    last usable reading. What the forecasts of a cycle came to is kept as soon as a reading ends it.
    """
    # In order: what one of them teaches, the next of the same bin knows.
    ordered = sorted(dues, key=lambda each: each.due_at)
    return [
        value
        for begin in range(0, len(ordered), AT_ONCE)
        for value in await _derive_part(connection, ordered[begin : begin + AT_ONCE], width)
    ]


async def _derive_part(connection: Connection, dues: Sequence[Due], width: timedelta) -> list[Derived]:
    """Return the same for some dues, in order."""
    after = timedelta(0) if width else INSTANT
    now = by_key(await connection.fetch(query("indicators", "span_readings"), *spans(dues, width, after), BIN_INPUT))
    hours = {due.key: floor(due.due_at - width, HOUR) for due in dues}
    # Once for each bin and hour, however many of its readings are due: a window asked twice answers twice.
    past = await _levels(connection, {(due.device_id, hours[due.key]) for due in dues}, FORECAST_SPAN)
    full = await full_levels(connection, dues)
    before_it = await past_outcomes(connection, dues)
    found: list[Derived] = []
    learnt: defaultdict[str, list[Outcome]] = defaultdict(list)
    for due in dues:
        readings = now.get((due.device_id, due.due_at + after), [])
        if not readings:
            continue
        usable = [row for row in readings if _usable(row)]
        # What was told of one that counts no more is taken back.
        found += [
            Derived(due.device_id, "emptied_from", row["phenomenon_time"], NO_VALUE)
            for row in readings
            if not _usable(row)
        ]
        if not usable:
            found += told(due, NOTHING)
            continue
        row, hour = usable[-1], (due.device_id, hours[due.key])
        before = past.get(hour, [])
        quality = flag(int(row["quality"] != QualityFlag.SUSPECT), 1)
        newest = FillReading(due.due_at, row["result"])
        known = [*before_it[due.key], *learnt[due.device_id]]
        # Once a cycle: in the hour that ends it, each of a quick reporter's readings would end it again.
        if ends_cycle(before, newest, full[due.device_id]) and not any(
            before[-1].time < each.known_at < due.due_at for each in known
        ):
            window = await _levels(connection, {hour}, TEACHING_SPAN)
            new = outcomes([*window.get(hour, []), newest], full[due.device_id])
            learnt[due.device_id] += new
            known += new
        found += told(due, bin_forecast(before, newest, quality, full[due.device_id], trust(known)))
        if len(before) > 1 and any(each.time == before[-1].time for each in collections([*before[-2:], newest])):
            found += await _emptied(connection, due, due.due_at - before[-2].time, after)
    await keep_outcomes(connection, dues, learnt)
    return found


async def _levels(connection: Connection, hours: set[Key], span: timedelta) -> dict[Key, list[FillReading]]:
    """Return the last usable level of each hour within the span up to each of these hours, by bin."""
    asked: list[tuple[str, datetime]] = sorted(hours)
    rows = await connection.fetch(
        query("indicators", "past_levels"),
        [device_id for device_id, _ in asked],
        [hour - span for _, hour in asked],
        [hour for _, hour in asked],
    )
    return {key: [FillReading(row["last_time"], row["last"]) for row in those] for key, those in by_key(rows).items()}


async def _emptied(connection: Connection, due: Due, reach: timedelta, after: timedelta) -> Iterator[Derived]:
    """Return the level that a bin was emptied from, at the first low reading, looked up among all its readings.

    The hours' last readings say that there was an emptying; which reading was the first low one, they do not. A quick
    reporter has hundreds in each, and few bins are emptied at once: they are read bin by bin.
    """
    rows = await connection.fetch(query("indicators", "span_readings"), *spans([due], reach, after), BIN_INPUT)
    readings = [FillReading(row["phenomenon_time"], row["result"]) for row in rows if _usable(row)]
    return (
        Derived(due.device_id, "emptied_from", each.time, Value(each.before, QualityFlag.GOOD))
        for each in collections(readings)
    )


def _usable(row: Record) -> bool:
    return row["result"] is not None and row["quality"] <= QualityFlag.SUSPECT
