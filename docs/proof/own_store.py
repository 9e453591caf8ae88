"""A migrated PostgreSQL of a proof's own, for the length of a `with` block."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from citywatch.local.postgres import local_postgres
from sql.migrate import migrate_at


@contextmanager
def own_store(fsync: str = "off") -> Iterator[tuple[str, Path]]:
    """Yield the address of a migrated database and a folder for whatever else the proof writes."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with local_postgres(folder / "postgres", fsync=fsync) as server:
            asyncio.run(migrate_at(server.dsn("postgres")))
            yield server.dsn("postgres"), folder
