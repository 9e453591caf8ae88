"""`citywatch up` as a user starts it: living data, a process killed, a clean end, data that survives."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.installation import Installation, installation, wait_for


def processes_named(city: Installation, word: str) -> set[int]:
    """The living processes that were started with `word`; one that was just killed may still be a zombie."""
    found = set()
    for process in city.processes()[1:]:
        with suppress(psutil.NoSuchProcess):
            if word in process.cmdline():
                found.add(process.pid)
    return found


def states(city: Installation) -> set[str]:
    """The states of the processes, as the status page shows them."""
    return {process["state"] for process in city.get("/api/v1/status")["processes"]}


@pytest.mark.slow
def test_up_lives_survives_a_kill_and_ends_cleanly(tmp_path: Path) -> None:
    data_dir = tmp_path / "a city"
    with installation(data_dir, "--devices", "20", "--http-port", "28050", "--mqtt-port", "28883") as city:
        wait_for(lambda: city.get("/api/v1/status")["observations"] > 20, "live data", 60)
        (ingest,) = processes_named(city, "ingest")
        os.kill(ingest, signal.SIGKILL)
        wait_for(lambda: processes_named(city, "ingest") - {ingest}, "ingest to be restarted", 20)
        before = city.get("/api/v1/status")["observations"]
        wait_for(lambda: city.get("/api/v1/status")["observations"] > before, "data after the kill", 60)
        account = city.get("/api/v1/account")["items"]
        assert account
        assert all(row["closes"] for row in account)
        wait_for(lambda: states(city) == {"running"}, "every process to report itself", 60)
        text = city.command("status")
        assert "ingest: running" in text
    with installation(data_dir, "--devices", "20", "--no-simulator", "--http-port", "28050") as city:
        assert city.get("/api/v1/status")["observations"] >= before


@pytest.mark.slow
def test_up_refuses_a_second_one_on_the_same_data(tmp_path: Path) -> None:
    with installation(tmp_path, "--no-simulator") as city, pytest.raises(AssertionError, match="already runs"):
        city.command("up", "--data-dir", str(tmp_path), "--for", "1s")
