"""A clean clone on a machine without PostgreSQL and Mosquitto, with an empty pip cache: `make up` to live data.

Run as root, the installed servers are hidden from the trial by a mount namespace; otherwise they must not be there.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from tests.installation import ROOT, wait_for

HIDE = ("mosquitto", "postgres", "psql", "pg_ctl", "initdb")
SECOND_START = 15  # seconds
PORT, MQTT_PORT = 18050, 18883


def hidden() -> list[Path]:
    """Return the installed programs that must not be seen."""
    path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
    found = (shutil.which(name, path=path) for name in HIDE)
    return sorted({Path(program).resolve() for program in found if program})


def wrapped(command: str) -> list[str]:
    """Return `command` run where none of `hidden()` can be executed."""
    programs = hidden()
    if not programs:
        return ["sh", "-c", f"exec {command}"]
    assert os.geteuid() == 0, f"{programs} are installed, and only root can hide them"
    mounts = "; ".join(f"mount --bind /dev/null '{program}'" for program in programs)
    return ["unshare", "--mount", "sh", "-c", f"{mounts}; exec {command}"]


def start(clone: Path, env: dict[str, str], *options: str) -> tuple[subprocess.Popen[bytes], float]:
    """Run `make up` and return it with the seconds to the first live observation served by the API."""
    arguments = " ".join(["--http-port", str(PORT), "--mqtt-port", str(MQTT_PORT), *options])
    begun, wall = time.monotonic(), time.time()
    with (clone / "up.out").open("ab") as out:
        process = subprocess.Popen(
            wrapped(f"make up ARGS='{arguments}'"), cwd=clone, env=env, stdout=out, stderr=out, start_new_session=True
        )

    def live() -> bool:
        assert process.poll() is None, (clone / "up.out").read_text(encoding="utf-8")[-2000:]
        latest = httpx.get(f"http://127.0.0.1:{PORT}/api/v1/latest", timeout=10).json()["items"]
        return any(stream["received_at"] and _at(stream["received_at"]) > wall for stream in latest)

    wait_for(live, "live data", 600)
    return process, time.monotonic() - begun


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, and see that nothing is left."""
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(90)
    left = [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"left running: {left}"


def prove() -> dict[str, object]:
    """Clone, start, stop, start again."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        clone = Path(folder) / "a city with spaces"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "CITYWATCH_"))}
        env = {**keep, "PIP_CACHE_DIR": str(Path(folder) / "pip-cache")}
        process, first = start(clone, env)
        output = (clone / "up.out").read_text(encoding="utf-8")
        brokers = sorted((clone / ".citywatch" / "programs").iterdir())
        stop(process)
        process, second = start(clone, env)
        stop(process)
        size = sum(file.stat().st_size for file in (clone / ".venv").rglob("*") if file.is_file())
        assert second < SECOND_START, f"the second start took {second:.1f} s"
        return {
            "hidden": [str(program) for program in hidden()],
            "broker": [program.name for program in brokers],
            "first_start_to_live_data_seconds": round(first, 1),
            "second_start_to_live_data_seconds": round(second, 1),
            "environment_mb": round(size / 1e6),
            "printed": output[output.index("Starting PostgreSQL") :].strip().splitlines(),
        }
