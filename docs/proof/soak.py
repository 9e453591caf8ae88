"""A city under steady load for a long time: memory flat, no lag that grows. The samples are drawn in soak.svg.

Half of the ceiling is published. That is measured first with the same messages: as many as come, until all of them are
stored, folded, judged and looked at. `PROOF_RATE` is another rate. `PROOF_MINUTES` (4) is how long: 90 the full form.
The first quarter is warm-up: pools fill, rules learn their devices.

The devices are so few that their time runs many times faster than ours, some days in the full form: what a city begins
with only after hours (emptyings, forecasts) or at midnight (the health of its sensors), it begins with in the warm-up.
What a city holds grows when that begins, by right: another series for each device is another thing to know.
"""

import json
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from docs.proof.chaos_city import CONSUMERS, City, city, until
from docs.proof.report import HERE, Figures

MINUTES = float(os.environ.get("PROOF_MINUTES", "4"))
DEVICES = 500
EVERY = 5.0  # seconds between two samples
FLAT = 0.05  # memory may grow by that share from the second quarter to the last
LAG = 10.0  # seconds that the last quarter may lag, unless the second lagged as much
# More than the allowance of rules holds: what they remember of it makes each reading dearer.
MEASURED = 900_000  # messages
PATIENCE = 900.0  # seconds
TAKEN = "SELECT coalesce(sum(received), 0)::bigint AS n FROM delivery_account"
LAGS = """
SELECT p.consumer, coalesce(extract(epoch FROM now() - min(b.at)), 0)::float8 AS lag
  FROM consumer_position AS p LEFT JOIN ingest_batch AS b ON b.seq > p.seq
 WHERE p.consumer = ANY ($1) GROUP BY p.consumer
"""
Series = dict[str, list[float]]


def ceiling() -> float:
    """Return the messages a second that a city takes in, judged and all, when as many come as can."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="citywatch-soak-") as name:
        Path(name).chmod(0o755)
        with city(Path(name), workers=1, apart=False, devices=DEVICES) as found:
            began = time.monotonic()
            found.publisher(1e6, MEASURED, more=False).communicate(timeout=PATIENCE)
            until(lambda: found.ask(TAKEN)[0]["n"] >= MEASURED, "every message to be stored", PATIENCE)
            until(lambda: found.caught_up(found.end_of_tail()), "the consumers", PATIENCE)
            return MEASURED / (time.monotonic() - began)


def sample(found: City, memory: Series, lag: Series) -> None:
    """Note what every process holds in MB, and how many seconds each consumer is behind."""
    found.watch()
    for name, child in found.children.items():
        with suppress(psutil.NoSuchProcess):
            memory.setdefault(name, []).append(psutil.Process(child.pid).memory_info().rss / 1e6)
    for row in found.ask(LAGS, list(CONSUMERS)):
        lag.setdefault(row["consumer"], []).append(row["lag"])


def quarters(values: list[float]) -> tuple[float, float]:
    """Return the medians of the second and of the last quarter."""
    part = len(values) // 4
    return statistics.median(values[part : 2 * part]), statistics.median(values[-part:])


def draw(parts: dict[str, Series], path: Path) -> None:
    """Write the samples as one panel of lines for each part."""
    colours = ("#1b6ca8", "#c8553d", "#3a7d44", "#7b5ea7", "#b8860b", "#555555", "#d1478e", "#2a9d8f")
    lines = []
    for row, (title, series) in enumerate(parts.items()):
        top, most = 30 + row * 190, max(1.0, *(max(values) for values in series.values()))
        lines.append(f'<text x="40" y="{top - 8}">{title}, 0 to {most:,.0f}</text>')
        lines.append(f'<rect x="40" y="{top}" width="600" height="140" fill="none" stroke="#999"/>')
        for number, (name, values) in enumerate(series.items()):
            step = 600 / max(1, len(values) - 1)
            points = " ".join(f"{40 + i * step:.1f},{top + 140 * (1 - v / most):.1f}" for i, v in enumerate(values))
            colour = colours[number % len(colours)]
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
            lines.append(f'<text x="650" y="{top + 12 + 16 * number}" fill="{colour}">{name}</text>')
    height = 30 + 190 * len(parts)
    text = "\n".join(lines)
    font = 'font-family="sans-serif" font-size="12"'
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" {font}>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{text}\n</svg>\n',
        encoding="utf-8",
    )


def prove() -> Figures:
    """Publish, sample, draw and judge."""
    asked = os.environ.get("PROOF_RATE")
    most = ceiling() if asked is None else 2 * float(asked)
    rate = most / 2
    memory, lag = Series(), Series()
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="citywatch-soak-") as name:
        Path(name).chmod(0o755)
        with city(Path(name), workers=1, apart=False, devices=DEVICES) as found:
            publisher = found.publisher(rate, 1, more=True)
            ends = time.monotonic() + MINUTES * 60
            while time.monotonic() < ends:
                time.sleep(EVERY)
                sample(found, memory, lag)
                assert publisher.poll() is None, "the publisher ended by itself"
            publisher.terminate()
            out, _ = publisher.communicate(timeout=300)
            died = found.died
    draw({"Memory, MB": memory, "Lag, s": lag}, HERE / "soak.svg")
    growth = {name: quarters(values) for name, values in memory.items()}
    lags = {name: quarters(values) for name, values in lag.items()}
    figures: Figures = {
        "minutes": MINUTES,
        "devices": DEVICES,
        "ceiling_messages_per_second": most,
        "messages_per_second": rate,
        "published": json.loads(out)["published"],
        "samples": len(next(iter(memory.values()))),
        "memory_mb": {
            name: {"second quarter": a, "last quarter": b, "growth": b / a - 1} for name, (a, b) in growth.items()
        },
        "lag_s": {name: {"second quarter": a, "last quarter": b} for name, (a, b) in lags.items()},
        "ended by themselves": died,
    }
    assert not died, figures
    assert all(b <= a * (1 + FLAT) for a, b in growth.values()), figures
    assert all(b <= max(LAG, 1.5 * a) for a, b in lags.values()), figures
    return figures
