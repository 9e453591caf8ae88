"""Every named query of every file is one that the migrated schema understands."""

from pathlib import Path

import pytest

import sql.queries
from sql.connection import Pool
from sql.engine import detect_engine
from sql.queries import load_queries

# What only one engine has is prepared on that engine.
ONLY_ON = {"timescale": "timescale"}
FILES = sorted(path.stem for path in Path(sql.queries.FOLDER).glob("*.sql"))


@pytest.mark.parametrize("stem", FILES)
async def test_queries_prepare(pool: Pool, stem: str) -> None:
    queries = load_queries(stem)
    assert queries, f"sql/{stem}.sql has no query"
    broken = {}
    async with pool.acquire() as connection:
        if ONLY_ON.get(stem) not in (None, (await detect_engine(connection)).name):
            return
        for text in queries.values():
            if text.split("\n", 1)[0].startswith("--") and "\nCREATE TEMP TABLE" in text:
                await connection.execute(text)
        for name, text in queries.items():
            try:
                await connection.prepare(text)
            except Exception as error:
                broken[name] = str(error)
    assert broken == {}


@pytest.mark.parametrize("stem", FILES)
def test_queries_are_named_once_and_described(stem: str) -> None:
    text = (sql.queries.FOLDER / f"{stem}.sql").read_text(encoding="utf-8")
    assert text.startswith("-- "), "what stands before the first name would be lost"
    names = [line for line in text.splitlines() if line.startswith("-- ") and line.endswith(" --")]
    assert len(names) == len(set(names)) == len(load_queries(stem))
