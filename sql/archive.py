"""Backup and restore: every table of ours as compressed COPY text, with a manifest of counts and checksums.

An archive is a folder. It belongs to no engine and no PostgreSQL version: what plain PostgreSQL wrote, TimescaleDB
reads, and an archive of an older version is restored into that version's schema and migrated from there.
"""

import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from citywatch.errors import StoreError
from sql.care import LOCK as CARE_LOCK
from sql.connection import Connection, Record
from sql.engine import detect_engine
from sql.migrate import load_migrations, migrate
from sql.queries import query

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK = 1 << 18
LEVEL = 1  # of gzip: the database is the bottleneck then, not the compression

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One file: a table, or one week of observations. `sha256` is that of the text, uncompressed.

    `collated` are the columns of the key that hold text: sorted by bytes, as the next database may collate otherwise.
    Older archives have None there, and compare equal under the same collation only.
    """

    table: str
    columns: list[str]
    key: list[str]
    file: str
    rows: int
    sha256: str
    start: str | None = None
    end: str | None = None
    collated: list[str] | None = None


def _select(part: Part) -> str:
    """Return the query whose COPY gives the same text whenever the same rows are there."""
    columns = ", ".join(f'"{name}"' for name in part.columns)
    where = "" if part.start is None else f" WHERE phenomenon_time >= '{part.start}' AND phenomenon_time < '{part.end}'"
    by_bytes = dict.fromkeys(part.collated or (), ' COLLATE "C"')
    keyless = f'"{part.table}"::text' + ("" if part.collated is None else ' COLLATE "C"')
    order = ", ".join(f'"{name}"{by_bytes.get(name, "")}' for name in part.key) or keyless
    return f'SELECT {columns} FROM "{part.table}"{where} ORDER BY {order}'  # noqa: S608  names from the catalogue


async def _copy_out(connection: Connection, part: Part, out: BinaryIO | None) -> tuple[int, str]:
    """Write one part and return its rows and checksum; without `out` it is only counted."""
    digest = hashlib.sha256()

    async def take(data: bytes) -> None:
        digest.update(data)
        if out is not None:
            out.write(data)

    status = await connection.copy_from_query(_select(part), output=take)
    return int(status.rsplit(" ", 1)[1]), digest.hexdigest()


def _in_order(tables: Sequence[Record]) -> list[Record]:
    """Return the tables so that each comes after those it refers to."""
    left, done, ordered = list(tables), set[str](), list[Record]()
    while left:
        ready = [table for table in left if done.issuperset(table["needs"])]
        if not ready:
            raise StoreError(f"tables refer to each other in a circle: {', '.join(t['name'] for t in left)}")
        ordered += ready
        done |= {table["name"] for table in ready}
        left = [table for table in left if table["name"] not in done]
    return ordered


async def _parts(connection: Connection) -> list[Part]:
    engine = await detect_engine(connection)
    parts = []
    for table in _in_order(await connection.fetch(query("archive", "tables"))):
        name, columns, key, collated = table["name"], table["columns"], table["key"], table["collated"]
        if name != "observation":
            parts.append(Part(name, columns, key, f"{name}.copy.gz", 0, "", collated=collated))
            continue
        for chunk in await engine.chunks(connection):
            file = f"observation-{chunk.start:%Y-%m-%d}.copy.gz"
            span = (chunk.start.isoformat(), chunk.end.isoformat())
            parts.append(Part(name, columns, key, file, 0, "", *span, collated))
    return parts


def _begin(folder: Path) -> Path:
    if folder.exists():
        raise StoreError(f"{folder} exists: name a new folder for the backup")
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished.mkdir(mode=0o700, exist_ok=True)  # it holds hashes of passwords and keys
    return unfinished


def _finish(unfinished: Path, folder: Path, manifest: dict[str, Any]) -> None:
    (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    unfinished.rename(folder)


async def back_up(connection: Connection, folder: Path, tell: Tell) -> dict[str, Any]:
    """Write everything as of one instant into `folder`, which must not exist yet; return the manifest.

    Goes on while others read and write. The folder gets its name when it is complete. Raises StoreError if it exists.
    """
    unfinished = _begin(folder)
    # Packing moves rows in a way that an older snapshot cannot follow: not meanwhile.
    await connection.execute("SELECT pg_advisory_lock($1)", CARE_LOCK)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            parts, done = await _parts(connection), []
            for number, part in enumerate(parts):
                tell(number, len(parts), part.file)
                with gzip.open(unfinished / part.file, "wb", compresslevel=LEVEL) as out:
                    rows, digest = await _copy_out(connection, part, out)  # type: ignore[arg-type]
                done.append({**asdict(part), "rows": rows, "sha256": digest})
            sequences = {}
            for row in await connection.fetch(query("archive", "sequences")):
                last = await connection.fetchrow(f'SELECT last_value, is_called FROM "{row["name"]}"')  # noqa: S608
                assert last is not None
                sequences[row["name"]] = list(last)
            manifest = {
                "format": FORMAT,
                "taken_at": datetime.now(UTC).isoformat(),
                "engine": (await detect_engine(connection)).name,
                "migrations": [row["name"] for row in await connection.fetch(query("archive", "migrations"))],
                "parts": done,
                "sequences": sequences,
            }
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", CARE_LOCK)
    _finish(unfinished, folder, manifest)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an archive; raises StoreError where there is none that we can read."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} is not a backup: {error}") from None
    if manifest.get("format") != FORMAT:
        raise StoreError(f"{folder} has format {manifest.get('format')}; this version reads format {FORMAT}")
    return manifest


async def _prepare(connection: Connection, manifest: dict[str, Any]) -> None:
    """Bring an empty database to the schema the archive was taken from."""
    if await connection.fetchval("SELECT to_regclass('observation')"):
        if await connection.fetchval(query("archive", "is_used")):
            raise StoreError("the database is not empty: restore into an empty one")
        there = [row["name"] for row in await connection.fetch(query("archive", "migrations"))]
        if there != manifest["migrations"]:
            raise StoreError("the database has another version's schema: restore into one that was never migrated")
        return
    known = {migration.name: migration for migration in load_migrations()}
    unknown = [name for name in manifest["migrations"] if name not in known]
    if unknown:
        raise StoreError(f"the backup is of a newer version: migration {unknown[0]} is not known here")
    await migrate(connection, [known[name] for name in manifest["migrations"]])


def _blocks(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as source:
        while block := source.read(BLOCK):
            yield block


async def restore(connection: Connection, folder: Path, tell: Tell) -> dict[str, Any]:
    """Fill an empty database from an archive, compare counts and checksums, migrate to today; return the manifest.

    All or nothing: raises StoreError, and leaves no row behind, where a file is damaged or a checksum differs.
    """
    manifest = read_manifest(folder)
    parts = [Part(**part) for part in manifest["parts"]]
    await _prepare(connection, manifest)
    engine = await detect_engine(connection)
    await engine.ensure(connection, [time for part in parts for time in _span(part)])
    async with connection.transaction():
        for table in {part.table: None for part in reversed(parts)}:
            await _clear(connection, table)
        for number, part in enumerate(parts):
            tell(number, 2 * len(parts), part.file)
            await _copy_in(connection, folder, part)
        for number, part in enumerate(parts):
            tell(len(parts) + number, 2 * len(parts), f"checking {part.file}")
            if await _copy_out(connection, part, None) != (part.rows, part.sha256):
                raise StoreError(f"{part.file}: what was restored differs from what was backed up")
        for name, (value, given) in manifest["sequences"].items():
            await connection.execute(query("archive", "set_sequence"), name, value, given)
    await connection.execute("ANALYZE")
    await migrate(connection)
    return manifest


async def _clear(connection: Connection, table: str) -> None:
    """Take out what migrations put in, or a first start: the database has no device yet, or we would not be here."""
    if not await connection.fetchval(f'SELECT EXISTS (SELECT FROM "{table}")'):  # noqa: S608
        return
    # The audit log refuses to be deleted from, and the log of the city that is restored takes its place.
    protected = table == "audit_event"
    if protected:
        await connection.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
    await connection.execute(f'DELETE FROM "{table}"')  # noqa: S608
    if protected:
        await connection.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


def _span(part: Part) -> list[datetime]:
    """Return the first and the last instant of a part: another engine's weeks may begin on another day."""
    if part.start is None or part.end is None:
        return []
    return [datetime.fromisoformat(part.start), datetime.fromisoformat(part.end) - timedelta(microseconds=1)]


async def _copy_in(connection: Connection, folder: Path, part: Part) -> None:
    async def source() -> AsyncIterator[bytes]:
        for block in _blocks(folder / part.file):
            yield block

    try:
        await connection.copy_to_table(part.table, source=source(), columns=part.columns)
    except (OSError, EOFError) as error:
        raise StoreError(f"{part.file} is damaged: {error}") from None
