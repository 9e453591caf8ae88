"""Rule files with mistakes, or none to be seen: the rules in the store go on, and the mistake is said once."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from rules.definitions import FOLDER
from rules.worker import Worker
from sql.connection import Connection, Pool
from tests.integration.rules_tail import minute
from tests.integration.test_rules_worker import ALLOWANCE, drain


async def enabled(connection: Connection) -> bool:
    found: bool = await connection.fetchval("SELECT enabled FROM rule WHERE rule_id = 'mine'")
    return found


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A rule of our own, in a folder of its own."""
    text = (FOLDER / "bin-nearly-full.yaml").read_text(encoding="utf-8").replace("id: bin-nearly-full", "id: mine")
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return folder / "mine.yaml"


def spoil(mine: Path, name: str, text: str) -> None:
    """Put another rule beside ours, with `text` as its tests or in the place of the line of the same key."""
    lines = mine.read_text(encoding="utf-8").replace("id: mine", "id: another").splitlines()
    another = mine.with_name("another.yaml")
    if name == another.name:
        key = text.split(":")[0]
        lines = [text if line.startswith(f"{key}:") else line for line in lines]
    else:
        mine.with_name(name).write_bytes(text.encode("latin-1"))
    another.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("another.test.yaml", "# café", id="tests in Latin-1"),
        pytest.param("another.test.yaml", "# \0", id="tests with a NUL"),
        pytest.param("another.yaml", 'title: "a\\0b"', id="a title with a NUL"),
        pytest.param("another.yaml", f"when: {{at_least: {'9' * 400}}}", id="a number of 400 digits"),
    ],
)
async def test_a_file_with_a_mistake_leaves_the_rules_in_the_store(
    pool: Pool, mine: Path, name: str, text: str
) -> None:
    async with pool.acquire() as connection:
        worker = Worker(connection, allowance=ALLOWANCE, folders=[mine.parent])
        await drain(worker, 0)
        spoil(mine, name, text)
        with capture_logs() as logs:
            await drain(worker, 1)
            await drain(worker, 2)
            await drain(Worker(connection, allowance=ALLOWANCE, folders=[mine.parent]), 3)
        assert [each["event"] for each in logs if each["log_level"] == "error"] == ["rule_files_refused"] * 2
        assert await enabled(connection)
        assert await connection.fetchval("SELECT count(*) FROM rule WHERE rule_id = 'another'") == 0


async def test_a_folder_that_is_not_mounted_switches_no_rule_off(pool: Pool, mine: Path) -> None:
    async with pool.acquire() as connection:
        folder, away = mine.parent, mine.parent.with_name("away")
        workers = [Worker(connection, allowance=ALLOWANCE, folders=[folder]) for _ in range(2)]
        await drain(workers[0], 0)
        folder.rename(away)
        with capture_logs() as logs:
            for worker in workers:
                for number in (1, 2, 3):
                    await worker.work(minute(number))
        refused = [each["error"] for each in logs if each["log_level"] == "error"]
        assert refused == [f"{folder}: not a folder of rules: No such file or directory"] * 2
        assert await enabled(connection)
        away.rename(folder)
        (folder / mine.name).unlink()
        await drain(workers[1], 4)
        assert not await enabled(connection)
