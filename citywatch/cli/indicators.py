"""`citywatch indicators`: which there are, and what one says of given values."""

import json
import sys
from typing import Annotated

import typer

from indicators.catalogue import compute, list_indicators
from indicators.errors import IndicatorError

app = typer.Typer(help="What readings mean.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False) -> None:
    """Show every indicator with what it takes.

    Example: `citywatch indicators list`
    """
    entries = list_indicators()
    if as_json:
        print(json.dumps(entries))
        return
    for entry in entries:
        print(f"{entry['name']}: {entry['summary']}")
        for name, about in entry["inputs"].items():
            print(f"    {name} ({about['unit']}){'' if about['required'] else ', optional'}")


@app.command("compute")
def compute_(
    name: Annotated[str, typer.Argument(help="as `indicators list` says, for example us_aqi")],
    path: Annotated[
        typer.FileText | None, typer.Argument(help="JSON lines, one object each; none: standard input")
    ] = None,
) -> None:
    """Answer one JSON line for each JSON line read. Exit code 1 when one cannot be answered.

    Example: `echo '{"pm2_5": 35.9}' | citywatch indicators compute us_aqi`
    """
    for number, line in enumerate(sys.stdin if path is None else path, start=1):
        if not line.strip():
            continue
        try:
            inputs = json.loads(line)
        except json.JSONDecodeError as error:
            raise IndicatorError(f"line {number}: not JSON: {error}") from None
        if not isinstance(inputs, dict):
            raise IndicatorError(f'line {number}: {line.strip()[:60]} is not an object such as {{"pm2_5": 35.9}}')
        try:
            print(json.dumps(compute(name, inputs)))
        except IndicatorError as error:
            raise IndicatorError(f"line {number}: {error}") from None
