"""`citywatch doctor` and `citywatch status`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import httpx
import typer

from citywatch.errors import CitywatchError
from citywatch.local.checks import examine
from citywatch.local.running import api_url, broker_address, find_running, trust
from citywatch.settings import load_settings

MARKS = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}
Json = Annotated[bool, typer.Option("--json", help="for programs")]


def doctor(as_json: Json = False) -> None:
    """Say what is found, what is missing and how to mend it. Exit code 1 when something must be mended.

    Example: `citywatch doctor`
    """
    findings = list(examine(load_settings()))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{MARKS[finding.state]}  {finding.name}: {finding.found}")
            if finding.mend:
                print(f"       {finding.mend}")
    raise typer.Exit(1 if any(finding.state == "fault" for finding in findings) else 0)


def status(as_json: Json = False) -> None:
    """Show processes, lag and counts of the running installation. Exit code 1 when a process is not running.

    Example: `citywatch status`
    """
    state = _fetch_status()
    if as_json:
        print(json.dumps(state))
    else:
        _print_status(state)
    raise typer.Exit(0 if all(process["state"] == "running" for process in state["processes"]) else 1)


def _fetch_status() -> dict[str, Any]:
    settings = load_settings()
    url = f"{api_url(settings)}/api/v1/status"
    key = settings.identity.key
    headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    try:
        answer = httpx.get(url, timeout=10, headers=headers, verify=trust(settings))
        if answer.status_code == 401:
            raise CitywatchError(
                f"{url} asks for a key: `citywatch accounts key NAME --label status --for 30d` makes one,"
                " set CITYWATCH_IDENTITY__KEY"
            )
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise CitywatchError(f"{url} does not answer: {error}") from None
    state: dict[str, Any] = answer.json()
    return state


def _print_status(state: dict[str, Any]) -> None:
    print(f"Citywatch {state['version']}, store {state['engine']}, broker {state['broker']}")
    settings = load_settings()
    print("Devices publish to mqtt://{}:{}".format(*broker_address(settings)))
    print(
        f"{state['observations']:,} observations; in the last minute {state['messages_last_minute']:,} messages"
        f" and {state['readings_last_minute']:,} readings"
    )
    for process in state["processes"]:
        rows, seconds = process["lag_rows"], process["lag_seconds"]
        behind = "" if rows is None else f", {rows:,} rows behind"
        late = "" if seconds is None else f", {seconds:.1f} s late"
        detail = f", {process['detail']}" if process["detail"] else ""
        print(f"  {process['name']}: {process['state']}{behind}{late}{detail}")
    if find_running(settings.data_dir) is not None:
        print("  PostgreSQL, broker and simulator: watched by `citywatch up`, which restarts what ends")
    for limit in state["limits"]:
        print(f"  note: {limit}")
