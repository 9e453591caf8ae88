"""`make bench` and `python -m benchmarks`: measure, print, and write `docs/benchmarks.md`.

Shared machines differ from run to run: read the ratios and the CPU seconds, not the rates alone.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cost import cost
from benchmarks.peers import afternoon_script
from benchmarks.pipeline import bare_copy, bare_subscriber, end_to_end
from benchmarks.services import services

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
Figures = dict[str, dict[str, float]]


def measure(count: int) -> Figures:
    """Run everything once, one after the other, on the same store and broker."""
    with services() as own:
        figures: Figures = {
            "bare subscriber": bare_subscriber(own, count),
            "bare COPY": bare_copy(own, count),
            "Citywatch": end_to_end(own, count),
            "Citywatch, packs of 20": end_to_end(own, max(1000, count // 10), pack=20),
            "Citywatch over aiomqtt": end_to_end(own, max(1000, count // 2), CITYWATCH_INGEST__RECEIVER="aiomqtt"),
            "afternoon script": afternoon_script(own, max(1000, count // 20)),
        }
    figures["pure steps"] = cost()
    ours = figures["Citywatch"]
    figures["ratios"] = {
        "to the bare subscriber": ours["messages_per_second"] / figures["bare subscriber"]["messages_per_second"],
        "to bare COPY": ours["readings_per_second"] / figures["bare COPY"]["readings_per_second"],
        "to the afternoon script": ours["messages_per_second"] / figures["afternoon script"]["messages_per_second"],
        "quality flags, share of the worker's time": figures["pure steps"]["quality_us"]
        / (ours["worker_cpu_s_per_100k"] * 10),
    }
    return figures


def page(figures: Figures, count: int) -> str:
    """Return the figures as Markdown."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. An ingest worker, broker, publisher and PostgreSQL (fsync, synchronous commit) share",
        "the machine. One reading per message unless said, QoS 1: decoded, judged by every quality test, deduplicated,",
        "put on the tail, counted, committed, then acknowledged.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, {count} messages, load average {load:.1f} (above {cores}: others were busy).",
        "",
    ]
    for name, values in figures.items():
        lines += [f"## {name}", "", "| | |", "|---|---:|"]
        lines += [
            f"| {key.replace('_', ' ')} | {value:,.{2 if value < 100 else 0}f} |" for key, value in values.items()
        ]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--count", type=int, default=200_000, help="messages of the main run")
    parser.add_argument("--json", action="store_true", help="print JSON and write no page")
    options = parser.parse_args()
    figures = measure(options.count)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    text = page(figures, options.count)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
