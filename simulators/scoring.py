"""The scoreboard: what a system said, held against the answer key. Pure: lists in, figures out.

An *alert* is right when something it may stand for (`alert_names.yaml`) is planted on its device at the time it was
raised, and false otherwise, even where a broken sensor explains it: a fault taken for an incident is a mistake. A
*flagged run* is one stretch of doubtful readings of one channel; it is false where nothing at all is planted on its
device. Recall counts what was planted, precision counts what was said.
"""

import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from citywatch.errors import CitywatchError
from simulators.city import City
from simulators.faults import SILENT, VALUE_FAULTS, main_property
from simulators.incidents import INCIDENTS
from simulators.planting import Planted

# How long after its end something may still be told: alerts wait for their confirmation, flags for a successor.
GRACE = timedelta(minutes=30)
# What a good system takes without a word: each reading still comes out right, once and at its own time.
ABSORBED = frozenset({"duplicates", "out_of_order", "clock_milliseconds"})
# The kinds whose flags are scored, by the test that shows them: several clocks are one.
FLAG_GROUPS = {
    "stuck": frozenset({"stuck"}),
    "spike": frozenset({"spike"}),
    "offset": frozenset({"offset"}),
    "clock": frozenset({"clock_offset", "clock_zone", "clock_1970"}),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert as the system under test lists it. `names` are kinds of the answer key it may stand for, None: any.

    `device_id` is empty for an alert on a whole area, which may then stand for what is planted on any device.
    """

    device_id: str
    raised_at: datetime
    names: frozenset[str] | None = None
    rule: str = ""
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class FlaggedRun:
    """A stretch of doubtful readings, or a clock found wrong (then without times). `groups`: what the tests mean."""

    device_id: str
    groups: frozenset[str]
    property: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None


def alert_names(path: Path | None = None) -> dict[str, frozenset[str]]:
    """Return which kinds of the answer key each alert name may stand for; raise CitywatchError naming the file."""
    source = path or resources.files("simulators") / "alert_names.yaml"
    try:
        table = yaml.safe_load(source.read_text(encoding="utf-8"))
        return {str(name): frozenset(map(str, kinds)) for name, kinds in table.items()}
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as reason:
        raise CitywatchError(f"{source}: not a table of alert names: {reason}") from None


def score(
    city: City,
    planted: Sequence[Planted],
    alerts: Sequence[Heard],
    runs: Sequence[FlaggedRun] | None,
    begin: datetime,
    end: datetime,
) -> dict[str, Any]:
    """Return every figure; `runs` is None where the system does not tell its flags."""
    due = [one for one in planted if begin <= one.start < end]
    told = {one.planted_id: [a for a in alerts if stands_for(a, one)] for one in due}
    flagged = {one.planted_id for one in due for run in runs or () if _shows(run, one, city)}
    right = {id(a) for found in told.values() for a in found}
    days = (end - begin).total_seconds() / 86400
    false = [a for a in alerts if id(a) not in right]
    names = frozenset(INCIDENTS)
    claims = [a for a in alerts if a.names is None or a.names & names]
    incidents = [one for one in due if one.kind in INCIDENTS]
    figures: dict[str, Any] = {
        "days": round(days, 3),
        "planted": len(due),
        "alerts": len(alerts),
        "incidents": {
            **ratios(
                sum(bool(told[i.planted_id]) for i in incidents),
                len(incidents),
                sum(id(a) in right for a in claims),
                len(claims),
            ),
            "pages_each": {i.planted_id: pages(told[i.planted_id]) for i in incidents},
        },
        "false_alerts": len(false),
        "false_alerts_per_day": round(len(false) / days, 2) if days else None,
        "false_by_rule": counts(a.rule for a in false),
        "kinds": {
            kind: _found([one for one in due if one.kind == kind], told, flagged)
            for kind in sorted({p.kind for p in due})
        },
        "districts": {
            name: _found([one for one in due if one.district_id == name and one.kind not in ABSORBED], told, flagged)
            for name in sorted({p.district_id for p in due})
        },
        "missed": [
            f"{one.planted_id} {one.kind}"
            for one in due
            if not told[one.planted_id] and one.planted_id not in flagged and one.kind not in ABSORBED
        ],
        "false": [
            {
                "rule": a.rule,
                "device_id": a.device_id,
                "raised_at": a.raised_at.isoformat(),
                "misled_by": sorted({p.kind for p in planted if _touches(a.device_id, a.raised_at, a.raised_at, p)}),
            }
            for a in false[:50]
        ],
    }
    if runs is not None:
        figures["flags"] = {
            group: _flag_figures(city, kinds, group, due, planted, runs) for group, kinds in FLAG_GROUPS.items()
        }
    return figures


def stands_for(alert: Heard, planted: Planted) -> bool:
    """Say whether an alert may tell of what was planted."""
    if alert.names is not None and planted.kind not in alert.names:
        return False
    return _touches(alert.device_id, alert.raised_at, alert.raised_at, planted)


def pages(alerts: Iterable[Heard]) -> int:
    """Return how many separate things a person is shown: each incident once, and each alert that is in none."""
    alerts = list(alerts)
    return len({a.incident for a in alerts if a.incident}) + sum(a.incident is None for a in alerts)


def ratios(found: int, planted: int, right: int, said: int) -> dict[str, Any]:
    """Return recall and precision with what they are made of; None where nothing was planted, or nothing said."""
    return {
        "planted": planted,
        "found": found,
        "recall": round(found / planted, 3) if planted else None,
        "said": said,
        "right": right,
        "precision": round(right / said, 3) if said else None,
    }


def f1(recall: float | None, precision: float | None) -> float | None:
    """Return the harmonic mean, None where there is no recall to speak of."""
    if recall is None:
        return None
    if precision is None or recall + precision == 0:
        return 0.0
    return round(2 * recall * precision / (recall + precision), 3)


def counts(words: Iterable[str]) -> dict[str, int]:
    """Return how often each word occurs, by word."""
    found: dict[str, int] = defaultdict(int)
    for word in words:
        found[word] += 1
    return dict(sorted(found.items()))


def _touches(device_id: str, first: datetime, last: datetime, planted: Planted) -> bool:
    return (
        (not device_id or device_id in (planted.affected or (planted.device_id,)))
        and last >= planted.start
        and first <= planted.end + GRACE
    )


def _found(due: Sequence[Planted], told: Mapping[str, Sequence[Heard]], flagged: Collection[str]) -> dict[str, Any]:
    """Return how many were told by an alert or a flag, and the seconds from the truth to the first alert."""
    noticed = [one for one in due if told[one.planted_id] or one.planted_id in flagged]
    delays = [
        (min(a.raised_at for a in told[one.planted_id]) - one.start).total_seconds()
        for one in due
        if told[one.planted_id]
    ]
    return {
        "planted": len(due),
        "alerted": len(delays),
        "found": len(noticed),
        "recall": round(len(noticed) / len(due), 3) if due else None,
        "delay_s": {"median": round(statistics.median(delays)), "max": round(max(delays))} if delays else None,
        "pages": sum(pages(told[one.planted_id]) for one in due),
    }


def _flag_figures(
    city: City,
    kinds: frozenset[str],
    group: str,
    due: Sequence[Planted],
    planted: Sequence[Planted],
    runs: Sequence[FlaggedRun],
) -> dict[str, Any]:
    wanted = [one for one in due if one.kind in kinds]
    found = sum(any(group in run.groups and _shows(run, one, city) for run in runs) for one in wanted)
    said = [run for run in runs if group in run.groups]
    right = sum(any(_explains(run, one) for one in planted) for run in said)
    figures = ratios(found, len(wanted), right, len(said))
    return {**figures, "f1": f1(figures["recall"], figures["precision"])}


def _shows(run: FlaggedRun, planted: Planted, city: City) -> bool:
    """Say whether a run is where a planted fault of a device must show: its channel and its time."""
    if run.device_id != planted.device_id or planted.kind in INCIDENTS or planted.kind in SILENT:
        return False
    if planted.kind in VALUE_FAULTS:
        device = next(each for each in city.devices if each.device_id == planted.device_id)
        if run.property != main_property(planted, device):
            return False
    return _explains(run, planted)


def _explains(run: FlaggedRun, planted: Planted) -> bool:
    if run.began_at is None or run.ended_at is None:
        return planted.kind.startswith("clock_") and run.device_id == planted.device_id
    return _touches(run.device_id, run.began_at, run.ended_at, planted)
