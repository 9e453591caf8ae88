"""What an idle `make up` with 300 devices costs: memory and processor time of every process together."""

import tempfile
import time
from pathlib import Path

import psutil

from tests.installation import installation

SETTLE, MEASURE = 60, 120  # seconds
MOST_MEMORY, MOST_CPU = 1.2e9, 30.0  # bytes; percent of one core


def named(process: psutil.Process) -> str:
    """Return what a process is, without the paths of this machine: `citywatch rules run`, `postgres`."""
    words = process.cmdline()
    return " ".join(words[words.index("citywatch") :][:3]) if "citywatch" in words else process.name()


def prove() -> dict[str, object]:
    """Measure proportional set size (shared pages counted once) and processor time over two minutes."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder) / "data", "--devices", "300") as city:
            time.sleep(SETTLE)
            processes = city.processes()
            before = {p.pid: sum(p.cpu_times()[:2]) for p in processes}
            time.sleep(MEASURE)
            processes = [p for p in processes if p.is_running()]
            cpu = {p.pid: 100 * (sum(p.cpu_times()[:2]) - before[p.pid]) / MEASURE for p in processes}
            memory = {p.pid: p.memory_full_info().pss for p in processes}
            names = {p.pid: named(p) for p in processes}
    figures = {
        "memory_mb": round(sum(memory.values()) / 1e6),
        "cpu_percent_of_one_core": round(sum(cpu.values()), 1),
        "measured_seconds": MEASURE,
        "processes": {
            f"{pid} {names[pid]}": {"memory_mb": round(memory[pid] / 1e6, 1), "cpu_percent": round(cpu[pid], 2)}
            for pid in sorted(memory, key=lambda pid: -memory[pid])
        },
    }
    assert sum(memory.values()) < MOST_MEMORY, f"memory {figures['memory_mb']} MB is over {MOST_MEMORY / 1e6:.0f} MB"
    assert sum(cpu.values()) < MOST_CPU, f"CPU {figures['cpu_percent_of_one_core']} % is over {MOST_CPU} %"
    return figures
