"""What the judges of a city keep between two starts: the streams of each part, and how far in the tail they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from rules.frozen import freeze_stream, thaw_stream
from rules.model import Episode
from rules.stream import Stream
from sql.connection import Connection
from sql.leases import save_division
from sql.queries import query
from sql.share import Share
from sql.tail import part_name

CONSUMER = "rules"
AT_ONCE = 500  # streams in one statement: all of a large city's at once would be held in memory two times over


async def load_checkpoint(connection: Connection, number: int) -> tuple[int, dict[str, datetime], dict[str, Stream]]:
    """Return the tail position of a part's last checkpoint, the sources' clocks and the streams as they were then."""
    row = await connection.fetchrow(query("rules", "load_checkpoint"), part_name(CONSUMER, number))
    if row is None:
        return 0, {}, {}
    kept = [
        *await connection.fetch(query("rules", "load_streams"), number),
        *await connection.fetch(query("rules", "load_area_streams"), number),
    ]
    streams = {about: thaw_stream(state) for about, state in kept}
    clocks = {name: datetime.fromisoformat(text) for name, text in row["clocks"].items()}
    return row["seq"], clocks, streams


async def heard_devices(connection: Connection) -> set[str]:
    """Return all devices that any part has heard."""
    return {row["device_id"] for row in await connection.fetch(query("rules", "heard_devices"))}


async def save_checkpoint(
    connection: Connection,
    number: int,
    seq: int,
    clocks: Mapping[str, datetime],
    streams: Mapping[str, Stream],
    areas: Collection[str],
    dropped: Collection[str] = (),
) -> None:
    """Keep the streams of a part's devices and `areas` that changed since the last checkpoint, as of the tail's `seq`.

    Those that were `dropped` are judged there no more.
    """
    if dropped:
        await connection.execute(query("rules", "drop_streams"), list(dropped), number)
    for name, keys in (("save_streams", streams.keys() - set(areas)), ("save_area_streams", streams.keys() & areas)):
        for part in _parts(sorted(keys)):
            frozen = [freeze_stream(streams[key]) for key in part]
            await connection.execute(query("rules", name), part, frozen, number)
    await connection.execute(query("rules", "save_checkpoint"), part_name(CONSUMER, number), seq, dict(clocks))


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), AT_ONCE):
        yield keys[begin : begin + AT_ONCE]


async def replace_division(
    connection: Connection,
    seq: int,
    clocks: Mapping[str, datetime],
    shares: Sequence[Mapping[str, Stream]],
    areas: Collection[str],
) -> None:
    """Begin anew with one part for each of `shares`, all at the tail's `seq`, inside the caller's transaction."""
    await connection.execute(query("rules", "drop_parts"))
    for number, streams in enumerate(shares):
        await save_checkpoint(connection, number, seq, clocks, streams, areas)
    await save_division(connection, CONSUMER, len(shares), seq)


async def told_episodes(
    connection: Connection, streams: Mapping[str, Stream], share: Share
) -> dict[str, dict[str, list[Episode]]]:
    """Return, by device or area of a share and rule, the episodes the store was told of that may still change."""
    found: dict[str, dict[str, list[Episode]]] = {}
    own = {about: stream.horizon for about, stream in streams.items() if share.holds(about)}
    rows = await connection.fetch(query("rules", "told_episodes"), list(own), list(own.values()))
    for row in rows:
        episode = Episode(row["raised_at"], row["cleared_at"], row["silent"])
        found.setdefault(row["about"], {}).setdefault(row["rule_id"], []).append(episode)
    return found
