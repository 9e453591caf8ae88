"""The scoreboard over the standard scenarios: incidents, false alerts, fault flags, on seeds not used while building.

By default two scenarios on one seed. `PROOF_SCORE_SEEDS=101,102 PROOF_SCORE_SCENARIOS=all` asks for more; each
run is kept in `scoreboard_runs.jsonl` with the version of the code it judged, so the whole (eight scenarios on ten
seeds, about a minute each on a quiet machine) may be run in parts: what is there for this version is not run again.
Where a change cannot touch a scenario, `PROOF_SCORE_ALSO` names versions (digests) whose runs may stand in for it.
"""

import json
import os
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulators.scoring import f1
from tests.installation import ROOT

STANDARD = (
    "quiet-day", "rush-hour-crash", "gateway-storm", "festival",
    "pollution-episode", "winter-clocks", "one-device-flood", "everything",
)  # fmt: skip
SEEDS_WHILE_BUILDING = (1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 105)
SEEDS = (102, 103, 104, 106, 107, 108, 109, 110, 111, 112)  # looked at only to write the figures down
KEPT = Path(__file__).with_name("scoreboard_runs.jsonl")
PAGE = ROOT / "docs" / "benchmarks-score.md"
WHAT_JUDGES = ("rules", "ingest", "indicators", "devices/profiles", "simulators")


def prove() -> dict[str, object]:
    """Run what is asked for and hold all of it against what was promised."""
    seeds = [int(each) for each in os.environ.get("PROOF_SCORE_SEEDS", str(SEEDS[0])).split(",")]
    asked = os.environ.get("PROOF_SCORE_SCENARIOS", "gateway-storm,everything")
    scenarios = STANDARD if asked == "all" else asked.split(",")
    version = judged_version()
    # This version last, so that its runs count before those of others.
    versions = [each for each in os.environ.get("PROOF_SCORE_ALSO", "").split(",") if each] + [version]
    known = sorted(
        (run for run in kept() if run["version"] in versions), key=lambda run: versions.index(run["version"])
    )
    runs = {(run["scenario"], run["seed"]): run for run in known}
    for seed in seeds:
        for scenario in scenarios:
            if (scenario, seed) not in runs:
                runs[scenario, seed] = {"version": version, **score(scenario, seed)}
                with KEPT.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(runs[scenario, seed]) + "\n")
    chosen = [run for (_, seed), run in sorted(runs.items()) if seed in SEEDS]
    figures = summary(chosen)
    PAGE.write_text(page(chosen, figures), encoding="utf-8")
    print(json.dumps(figures, indent=1), flush=True)
    missed = promises(figures)
    assert not missed, "; ".join(missed)
    return {"seeds_while_building": SEEDS_WHILE_BUILDING, **figures}


def score(scenario: str, seed: int) -> dict[str, Any]:
    """Return what the command says."""
    command = [sys.executable, "-m", "citywatch", "score", scenario, "--seed", str(seed), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def kept() -> Iterable[dict[str, Any]]:
    """Yield the runs kept so far."""
    if KEPT.exists():
        yield from map(json.loads, KEPT.read_text(encoding="utf-8").splitlines())


def judged_version() -> str:
    """Return a digest of what decides the outcome."""
    listing = subprocess.run(
        ["git", "ls-files", "--stage", "--", *WHAT_JUDGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    done = subprocess.run(["git", "hash-object", "--stdin"], input=listing, capture_output=True, text=True, check=True)
    return done.stdout.strip()[:12]


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return sums over all runs, and figures by scenario."""
    totals: dict[str, int] = defaultdict(int)
    flags: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_scenario: dict[str, dict[str, Any]] = {}
    for run in runs:
        mine = by_scenario.setdefault(
            run["scenario"], {"seeds": [], "planted": 0, "found": 0, "said": 0, "right": 0, "false": 0, "pages": []}
        )
        mine["seeds"].append(run["seed"])
        mine["false"] += run["false_alerts"]
        for name in ("planted", "found", "said", "right"):
            totals[name] += run["incidents"][name]
            mine[name] += run["incidents"][name]
        if run["scenario"] == "gateway-storm":
            mine["pages"].append(run["kinds"]["gateway_down"]["pages"])
        for group, found in run["flags"].items():
            for name in ("planted", "found", "said", "right"):
                flags[group][name] += found[name]
    return {
        "runs": len(runs),
        "incidents": {**totals, **_shares(totals)},
        "flags": {group: {**found, **_shares(found)} for group, found in flags.items()},
        "scenarios": by_scenario,
    }


def _shares(found: dict[str, int]) -> dict[str, float | None]:
    recall = round(found["found"] / found["planted"], 3) if found["planted"] else None
    precision = round(found["right"] / found["said"], 3) if found["said"] else None
    return {"recall": recall, "precision": precision, "f1": f1(recall, precision)}


def page(runs: list[dict[str, Any]], figures: dict[str, Any]) -> str:
    """Return docs/benchmarks-score.md."""
    incidents = figures["incidents"]
    versions = Counter(run["version"] for run in runs)
    digests = ", ".join(f"{count} of what has the digest `{version}`" for version, count in versions.most_common())
    lines = [
        "# Scoreboard",
        "",
        "What the shipped rules and quality tests make of the standard scenarios: each a simulated day of 120 devices",
        "through broker, ingest, store, rules and HTTP (`citywatch score`, [how it counts](simulators.md#scoreboard)).",
        f"Seeds {_words(SEEDS)} were not looked at while building, {_words(SEEDS_WHILE_BUILDING)} were.",
        f"{figures['runs']} runs: {digests}; written by `make prove ARGS=scoreboard`.",
        "",
        f"Incidents: {incidents['found']} of {incidents['planted']} found, {incidents['right']} of "
        f"{incidents['said']} alerts that claim one were right.",
        "",
        "| scenario | seeds | incidents found | alerts right | false alerts, of all rules |",
        "|---|---|---|---|---|",
    ]
    for name in STANDARD:
        found = figures["scenarios"].get(name)
        if found:
            lines.append(
                f"| {name} | {_words(found['seeds'])} | {found['found']} of {found['planted']} | "
                f"{found['right']} of {found['said']} | {found['false']} |"
            )
    lines += ["", "| flags | planted | found | stretches right | F1 |", "|---|---|---|---|---|"]
    for group, found in figures["flags"].items():
        lines.append(
            f"| {group} | {found['planted']} | {found['found']} | {found['right']} of {found['said']} | {found['f1']} |"
        )
    lines += [
        "",
        "| what was planted | planted | told | by an alert after, median s | pages |",
        "|---|---|---|---|---|",
    ]
    kinds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        for kind, found in run["kinds"].items():
            kinds[kind].append(found)
    for kind, several in sorted(kinds.items()):
        delays = [found["delay_s"]["median"] for found in several if found["delay_s"]]
        lines.append(
            f"| {kind} | {sum(f['planted'] for f in several)} | {sum(f['found'] for f in several)} | "
            f"{round(statistics.median(delays)) if delays else '-'} | {sum(f['pages'] for f in several)} |"
        )
    lines += ["", "False alerts, and what misled the rule:", ""]
    for run in runs:
        lines += [
            f"- {run['scenario']} {run['seed']}: {each['rule']} on {each['device_id']}"
            + (f" ({_words(each['misled_by'])})" if each["misled_by"] else "")
            for each in run["false"]
        ]
    missed = [f"- {run['scenario']} {run['seed']}: {each}" for run in runs for each in run["missed"]]
    return "\n".join([*lines, "", "Not told by any alert or flag:", "", *missed]) + "\n"


def _words(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def promises(figures: dict[str, Any]) -> list[str]:
    """Return each promise that is not kept."""
    incidents, missed = figures["incidents"], []
    for name, least in (("recall", 0.95), ("precision", 0.9)):
        if incidents[name] is not None and incidents[name] < least:
            missed.append(f"{name} of incidents {incidents[name]}, promised {least}")
    for group, found in figures["flags"].items():
        if found["f1"] is not None and found["f1"] < 0.9:
            missed.append(f"F1 of {group} flags {found['f1']}, promised 0.9")
    quiet = figures["scenarios"].get("quiet-day")
    if quiet and quiet["said"] + quiet["false"]:
        missed.append(f"{quiet['false']} alerts on quiet days")
    storm = figures["scenarios"].get("gateway-storm")
    if storm and any(pages != 1 for pages in storm["pages"]):
        missed.append(f"a gateway that goes down is shown as {storm['pages']} things")
    return missed


if __name__ == "__main__":
    print(json.dumps(prove(), indent=1))
