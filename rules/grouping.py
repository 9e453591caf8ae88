"""Incidents in the store: alone alerts join an open incident, or make a new one with others of the same cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from citywatch.telemetry import get_logger
from rules.incidents import NODES, Group, Member, group, joins, outgrown
from rules.model import Severity
from sql.connection import Connection, Record
from sql.queries import query

LOOK_BACK = timedelta(minutes=20)  # of wall time: alerts recorded before that stay as they were grouped
CORRIDOR = "corridor"  # the tag that names one
log = get_logger()


async def group_alerts(connection: Connection, silence_rules: Collection[str], sizes: Mapping[str, int]) -> list[int]:
    """Group what can be grouped, inside the caller's transaction; return the incidents that were opened."""
    nodes = [node.split(":", 1)[1] for node in sizes]
    rows = await connection.fetch(query("incidents", "alone"), LOOK_BACK, [*NODES, CORRIDOR], nodes)
    alone = [_member(row, silence_rules, sizes) for row in rows]
    if not alone:
        return []
    joined: dict[int, list[Member]] = {}
    for incident in await connection.fetch(query("incidents", "open_incidents")):
        near = list(zip(incident["latitudes"], incident["longitudes"], strict=True))
        newest_at = incident["newest_at"]
        for member in sorted(alone, key=lambda each: each.raised_at):
            if joins(member, incident["cause"], newest_at, near):
                joined.setdefault(incident["incident_id"], []).append(member)
                newest_at = max(newest_at, member.raised_at)
        taken = set(joined.get(incident["incident_id"], ()))
        alone = [each for each in alone if each not in taken]
    for incident_id, members in joined.items():
        await _bind(connection, incident_id, members)
    explained = await _blame_nodes(connection, alone, silence_rules, sizes)
    alone = [each for each in alone if each.alert_id not in explained]
    return [await _open(connection, one) for one in group(alone, sizes)]


async def _blame_nodes(
    connection: Connection, alone: Sequence[Member], silence_rules: Collection[str], sizes: Mapping[str, int]
) -> set[int]:
    """Make incidents of silence in one place those of the node that explains them by now; return its alerts."""
    placed: defaultdict[int, list[Member]] = defaultdict(list)
    for row in await connection.fetch(query("incidents", "placed"), list(silence_rules)):
        placed[row["incident_id"]].append(_member(row, silence_rules, sizes))
    explained: set[int] = set()
    for incidents, one in outgrown(placed, alone, sizes) if placed else ():
        # The oldest is what people know already; the others end as soon as their alerts are in it.
        await connection.execute(query("incidents", "blame"), incidents[0], one.cause, title_of(one))
        await _bind(connection, incidents[0], one.members)
        explained |= {each.alert_id for each in one.members}
        log.info("incident_explained", incident_id=incidents[0], cause=one.cause, alerts=len(one.members))
    return explained


async def close_incidents(connection: Connection, now: datetime) -> None:
    """Close incidents none of whose alerts is open any more."""
    await connection.execute(query("incidents", "close_incidents"), now)


async def _open(connection: Connection, one: Group) -> int:
    first = min(each.raised_at for each in one.members)
    newest = max(each.raised_at for each in one.members)
    incident_id: int = await connection.fetchval(
        query("incidents", "open_incident"), one.cause, title_of(one), one.severity.value, first, newest
    )
    await _bind(connection, incident_id, one.members)
    log.info("incident_opened", incident_id=incident_id, cause=one.cause, alerts=len(one.members))
    return incident_id


async def _bind(connection: Connection, incident_id: int, members: Collection[Member]) -> None:
    newest = max(each.raised_at for each in members)
    severity = min((each.severity for each in members), key=list(Severity).index)
    await connection.execute(
        query("incidents", "bind"), incident_id, [each.alert_id for each in members], newest, severity.value
    )


def title_of(one: Group) -> str:
    """Return what the incident is called, in English."""
    kind, name = one.cause.split(":", 1)
    if kind in NODES:
        return f"{kind.capitalize()} {name}: its devices are silent"
    if kind == "corridor":
        return f"Traffic on {name}"
    return f"{name.replace('-', ' ').capitalize()} in one place"


def nodes_of(tags: Mapping[str, object]) -> tuple[str, ...]:
    """Return the nodes that a device with these tags hangs on."""
    return tuple(f"{kind}:{tags[kind]}" for kind in NODES if tags.get(kind))


def _member(row: Record, silence_rules: Collection[str], sizes: Mapping[str, int]) -> Member:
    tags = row["tags"]
    # A gateway that is a device itself goes down with what hangs on it.
    itself = tuple(node for kind in NODES if (node := f"{kind}:{row['device_id']}") in sizes)
    corridor = tags.get(CORRIDOR)
    return Member(
        alert_id=row["alert_id"],
        rule_id=row["rule_id"],
        device_id=row["device_id"],
        severity=Severity(row["severity"]),
        raised_at=row["raised_at"],
        silence=row["rule_id"] in silence_rules,
        nodes=tuple(dict.fromkeys((*nodes_of(tags), *itself))),
        corridor=str(corridor) if corridor and row["rule_id"].startswith("traffic-") else None,
        latitude=row["latitude"],
        longitude=row["longitude"],
        rhythm=row["expected_interval"],
    )
