"""`make bench` and `python -m benchmarks`: measure, print, and write `docs/benchmarks.md`.

Shared machines differ from run to run: read the ratios and the CPU seconds, not the rates alone.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chart import OURS, bars
from benchmarks.cost import cost
from benchmarks.node_red import node_red
from benchmarks.peers import afternoon_script
from benchmarks.pipeline import bare_copy, bare_subscriber, end_to_end
from benchmarks.services import CLIENT_ID, services
from benchmarks.two_workers import two_workers

PEERS = ("Node-RED", "afternoon script")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
Figures = dict[str, dict[str, float]]


def measure(count: int) -> Figures:
    """Run everything once, one after the other, on the same store and broker."""
    with services() as own:
        samples = own.folder / "samples.json"
        figures: Figures = {
            "bare subscriber": bare_subscriber(own, count),
            "bare COPY": bare_copy(own, count),
            OURS: end_to_end(own, count),
            f"{OURS}, packs of 20": end_to_end(own, max(1000, count // 10), pack=20),
            f"{OURS} over aiomqtt": end_to_end(own, max(1000, count // 2), CITYWATCH_INGEST__RECEIVER="aiomqtt"),
        }
        end_to_end(own, max(1000, count // 2), samples=samples)
        figures["share of the worker's time"] = json.loads(samples.read_text(encoding="utf-8"))
        own.forget(CLIENT_ID)
        figures["afternoon script"] = afternoon_script(own, max(1000, count // 20))
        red = node_red(own, max(1000, count // 20))
        if red is not None:
            figures["Node-RED"] = red
    for kind, found in two_workers(count).items():
        figures[f"two workers, {kind}"] = found
    figures["pure steps"] = cost()
    ours = figures[OURS]
    figures["ratios"] = {
        "to the bare subscriber": ours["messages_per_second"] / figures["bare subscriber"]["messages_per_second"],
        "to bare COPY": ours["readings_per_second"] / figures["bare COPY"]["readings_per_second"],
        **{
            f"to {name}": ours["messages_per_second"] / figures[name]["messages_per_second"]
            for name in PEERS
            if name in figures
        },
        **{
            f"CPU per message of {name} to ours": figures[name]["worker_cpu_s_per_100k"] / ours["worker_cpu_s_per_100k"]
            for name in PEERS
            if name in figures
        },
        "quality flags, share of the worker's time": figures["pure steps"]["quality_us"]
        / (ours["worker_cpu_s_per_100k"] * 10),
    }
    return figures


def plots(figures: Figures) -> dict[Path, str]:
    """Return the plots: rates, and CPU seconds per 100,000 messages."""
    rates = {name: each["messages_per_second"] for name, each in figures.items() if "messages_per_second" in each}
    costs = {name: each["worker_cpu_s_per_100k"] for name, each in figures.items() if "worker_cpu_s_per_100k" in each}
    return {
        PAGE.with_name("benchmarks-rate.svg"): bars("Messages stored per second, QoS 1", rates, "/s"),
        PAGE.with_name("benchmarks-cpu.svg"): bars("CPU seconds of the worker per 100,000 messages", costs, "s"),
    }


def summary(figures: Figures) -> list[str]:
    """Return what the figures say, in sentences of a line each."""
    ours, ratios = figures[OURS], figures["ratios"]
    scripted, native = (figures[f"two workers, {kind}"]["times"] for kind in ("javascript", "native"))
    peers = " and ".join(f"{ratios[f'to {name}']:.1f} times {name}" for name in PEERS if name in figures)
    return [
        f"- **{ours['messages_per_second']:,.0f} messages a second**, {peers} in the same run; in packs of 20 it is",
        f"  **{figures[f'{OURS}, packs of 20']['readings_per_second']:,.0f} readings a second**.",
        f"- Two workers carry {scripted:.2f} times one where the worker is the limit: with a vendor's JavaScript to",
        f"  run for each message it keeps a core busy. With native JSON they carry {native:.2f} times one: there the",
        "  broker, which has one thread and delivers each message to the anchor too, and the two cores are the limit.",
    ]


def page(figures: Figures, count: int) -> str:
    """Return the figures as Markdown."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[1]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. An ingest worker, broker, publisher and PostgreSQL (fsync, synchronous commit) share",
        "the machine. One reading per message unless said, QoS 1: decoded, judged by every quality test, deduplicated,",
        "put on the tail, counted, committed, then acknowledged. The peers do none of that but insert the row: the",
        "afternoon script (aiomqtt, asyncpg) and Node-RED with a pool of ten acknowledge before they store, and lose",
        "what they hold when they are killed.",
        "",
        *summary(figures),
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, {count} messages, load average {load:.1f} (its own load among it).",
        "",
        "![Messages stored per second](benchmarks-rate.svg)",
        "",
        "![CPU seconds per 100,000 messages](benchmarks-cpu.svg)",
        "",
    ]
    for name, values in figures.items():
        lines += [f"## {name[0].upper()}{name[1:]}", "", "| | |", "|---|---:|"]
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
    for path, drawing in plots(figures).items():
        path.write_text(drawing, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
