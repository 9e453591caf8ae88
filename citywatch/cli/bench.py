"""`citywatch bench`."""

import json
import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from benchmarks.machine import measure
from citywatch.durations import parse_duration


def bench(
    messages: Annotated[int, typer.Option(min=2000, help="Messages of the longest run.")] = 20_000,
    every: Annotated[str, typer.Option(help="How often your devices report.")] = "5m",
    readings: Annotated[int, typer.Option(min=1, max=100, help="Readings in one of their messages.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Measure this machine, about a minute long: how many devices does it carry? Your own store is not touched.

    Broker, decoding and store are measured alone, then every process together, on servers of its own. Nothing else
    should run meanwhile. docs/capacity.md says how to read it.

    Example: `citywatch bench --every 10m --readings 4`
    """
    figures = measure(messages, parse_duration(every), readings, lambda text: print(f"{text} ...", file=sys.stderr))
    print(json.dumps(figures, indent=2) if as_json else report(figures))


def report(figures: dict[str, Any]) -> str:
    """Return the figures in words."""
    check, device = figures["check"], figures["device"]
    every = timedelta(seconds=device["every_seconds"])
    lines = [
        f"{figures['cores']} cores, load average {figures['load_average']} (what others do makes every figure worse)",
        "",
        f"broker alone        {figures['broker_alone_messages_per_second']:10,.0f} messages/s",
        f"store alone         {figures['store_alone_readings_per_second']:10,.0f} readings/s",
        f"decoding alone      {figures['decode_alone_us']:10.1f} us a reading",
        f"quality alone       {figures['quality_alone_us']:10.1f} us a reading",
        f"everything together {figures['end_to_end_messages_per_second']:10,.0f} messages/s of one reading",
        "",
        "CPU                 us a message   us a reading",
        *(
            f"  {name:<18}{each:12.1f}{figures['us_per_reading'][name]:15.1f}"
            for name, each in figures["us_per_message"].items()
        ),
        "",
        f"The model foretells {check['foretold_us_per_message']:.0f} us for a message of "
        f"{check['readings_per_message']} readings; measured {check['measured_us_per_message']:.0f} "
        f"({check['off_by']:+.0%}).",
        f"The limit for {device['readings']} readings a message: "
        f"{figures['ceiling_messages_per_second']:,.0f} messages/s by {figures['limit']}.",
        "",
        f"This machine carries {figures['devices']:,} devices that send {device['readings']} readings every {every}, "
        "with half of it in reserve.",
        f"Disk: {figures['disk_gb_per_1000_devices_and_year']:.1f} GB a year for 1,000 of them, before packing.",
    ]
    return "\n".join(lines)
