"""`citywatch rules`: judge readings, check and test rule files, look back, and explain an alert."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from citywatch.cli.process import run_process
from citywatch.errors import RuleError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.model import QualityFlag
from rules.backtest import against, backtest
from rules.check import check_file, run_trials
from rules.definitions import load_definition, rule_files
from rules.explain import Explanation, explain
from rules.process import run as judge
from rules.store import load_city, load_rules
from sql.pool import open_pool

app = typer.Typer(help="Readings to alerts.", no_args_is_help=True)

BACKTEST_SPAN = timedelta(days=7)  # as on the dashboard
Paths = Annotated[list[Path] | None, typer.Argument(help="rule files or folders; none: all rules of this installation")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command()
def run() -> None:
    """Judge what ingest stores, until stopped.

    Several share the devices where CITYWATCH_RULES__PARTS is more than 1.

    Example: `citywatch rules run`
    """
    divided = load_settings().rules.parts > 1
    run_process("rules", judge, reports=True, mark=str(os.getpid()) if divided else "")


@app.command()
def check(paths: Paths = None, as_json: Json = False) -> None:
    """Read rule files and their tests and name every mistake with its line. Exit code 1 when there is one.

    Example: `citywatch rules check rules/definitions/bin-fire.yaml`
    """
    files = _files(paths)
    today = datetime.now(UTC).date()
    mistakes = [line for path in files for line in check_file(path, today)]
    if as_json:
        print(json.dumps({"rules": len(files), "mistakes": mistakes}))
    else:
        print("\n".join([*mistakes, f"{_so_many(len(files), 'rule')}, {_so_many(len(mistakes), 'mistake')}"]))
    raise typer.Exit(1 if mistakes else 0)


@app.command("test")
def test_(paths: Paths = None, as_json: Json = False) -> None:
    """Run the tests that stand beside rule files. Exit code 1 when one fails.

    Example: `citywatch rules test`
    """
    count, failures = run_trials(_files(paths))
    if as_json:
        failed = [{"path": f.path, "line": f.line, "name": f.name, "detail": f.detail} for f in failures]
        print(json.dumps({"tests": count, "failures": failed}))
    else:
        for failure in failures:
            print(f"{failure.path}:{failure.line}: {failure.name}: {failure.detail}")
        print(f"{_so_many(count, 'test')}, {_so_many(len(failures), 'failure')}")
    raise typer.Exit(1 if failures else 0)


@app.command("backtest")
def backtest_(
    rule: Annotated[str, typer.Argument(help="a rule's id, or a rule file; `all`: every rule")],
    since: Annotated[datetime | None, typer.Option(help="from this day or instant, UTC; without: 7 days")] = None,
    until: Annotated[datetime | None, typer.Option(help="up to this one, UTC; without: now")] = None,
    as_json: Json = False,
) -> None:
    """Say what a rule would have raised over stored history, and how that differs from the rule as it runs now.

    Example: `citywatch rules backtest bin-nearly-full.yaml --since 2026-10-01 --until 2026-11-01`
    """
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    begin = since.replace(tzinfo=UTC) if since else end - BACKTEST_SPAN
    if begin >= end:
        raise typer.BadParameter("--since comes before --until")
    told = asyncio.run(_backtest(rule, begin, end))
    if as_json:
        print(json.dumps(told, indent=2))
        return
    for each in told:
        print(
            f"{each['rule_id']}: {_so_many(each['alerts'], 'alert')} on {_so_many(each['devices'], 'device')},"
            f" {each['alerts_per_day']:g} a day,"
            f" at most {each['load']['most_in_period']} in ten minutes"
        )
        if not each["readings"]:
            print("  no readings in that time")
        change = each.get("against_present")
        if change:
            print(
                f"  added {change['added']}, removed {change['removed']}, moved {change['moved']},"
                f" same {change['same']} against version {change['version']}"
            )


@app.command("explain")
def explain_(alert_id: int, as_json: Json = False) -> None:
    """Show why an alert was raised, and whether its stored inputs give the same verdict again.

    Example: `citywatch rules explain 17`
    """
    found = asyncio.run(_with_pool(alert_id))
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        _show(found)
    raise typer.Exit(0 if found.again else 1)


def _files(paths: list[Path] | None) -> list[Path]:
    if not paths:
        return rule_files(load_settings().rules.folders)
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            within = sorted(each for each in path.glob("*.yaml") if not each.name.endswith(".test.yaml"))
            if not within:
                raise RuleError(f"{path}: there is no rule file (*.yaml) in this folder")
            files += within
        elif path.is_file():
            files.append(_rule_beside(path))
        else:
            raise RuleError(f"{path}: there is no such file")
    return list(dict.fromkeys(files))


def _rule_beside(path: Path) -> Path:
    """Return the rule that a test file stands beside, so that `*.yaml` of a shell may name both."""
    return path.with_name(path.name.removesuffix(".test.yaml") + ".yaml") if path.name.endswith(".test.yaml") else path


async def _with_pool(alert_id: int) -> Explanation:
    pool = await open_pool(store_dsn(load_settings()), process="rules explain", size=1)
    try:
        async with pool.acquire() as connection:
            return await explain(connection, alert_id)
    finally:
        await pool.close()


async def _backtest(name: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    settings = load_settings()
    pool = await open_pool(store_dsn(settings), process="rules backtest", size=1, statement_timeout=timedelta(hours=1))
    try:
        async with pool.acquire() as connection:
            city, present = await load_city(connection), {each.rule_id: each for each in await load_rules(connection)}
            if name == "all":
                rules = list(present.values())
            elif name in present:
                rules = [present[name]]
            else:
                made = load_definition(Path(name)).rule
                rules = [made, *([present[made.rule_id]] if made.rule_id in present else [])]
            found = await backtest(connection, city, rules, since, until, _progress)
    finally:
        await pool.close()
    if name == "all" or name in present:
        return [each.as_json() for each in found]
    told = found[0].as_json()
    if len(found) > 1:
        told["against_present"] = against(found[0], found[1])
    return [told]


def _so_many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} devices", end="\n" if done == of else "", file=sys.stderr, flush=True)


def _instant(at: str) -> str:
    """Return an instant to the second, as the other commands write it."""
    return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _show(found: Explanation) -> None:
    told = found.as_json()
    rule = told["rule"]
    print(f"{told['text']}\n")
    print(f"rule      {told['rule_id']} v{told['rule_version']} ({told['rule_text_hash'][:12]}), {rule['condition']}")
    print(f"delays    on {told['delays']['on_delay_seconds']:g} s, off {told['delays']['off_delay_seconds']:g} s")
    cleared = _instant(told["cleared_at"]) if told["cleared_at"] else "not yet"
    print(f"raised    {_instant(told['raised_at'])}   cleared {cleared}   state {told['state']}")
    print(f"silent    {'yes: it rests on readings that came too late' if told['silent'] else 'no'}")
    print(f"again     {'the same verdict' if told['same_verdict_again'] else 'ANOTHER verdict'}\n")
    for each in told["samples"]:
        quality = QualityFlag(each["quality"]).name.lower().replace("_", " ")
        result = "nothing" if each["result"] is None else f"{each['result']:g}"
        print(f"  {_instant(each['at'])}  {each['property']} {result}  {quality}")
    print()
    for each in told["journal"]:
        step = f"{each['kind']} by {each['actor']} -> {each['to_state']}  {each['comment']}"
        print(f"  {_instant(each['at'])}  {step}".rstrip())
    print(f"\ndo        {rule['operator_action']}")
