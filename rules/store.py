"""What the rules process reads and keeps: the city's devices and rule versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from citywatch.errors import RuleError
from citywatch.telemetry import get_logger
from devices.properties import PROPERTIES
from rules.city import City
from rules.definitions import Definition, parse_definition
from rules.model import Rule, Selector, Subject
from rules.wording import limit_text
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query

log = get_logger()


async def load_city(connection: Connection) -> City:
    """Read every device with its datastreams."""
    city = City(names=dict(await connection.fetch(query("rules", "area_names"))))
    for row in await connection.fetch(query("rules", "subjects")):
        device_id = row["device_id"]
        # A user's formula under a name of its own is neither for rules nor a sign of life: the engine passes over `#`.
        streams = {
            datastream_id: f"{name}#calculated" if derived and name not in PROPERTIES else name
            for datastream_id, name, derived in zip(
                row["datastream_ids"], row["properties"], row["derived"], strict=True
            )
        }
        city.subjects[device_id] = Subject(
            device_id=device_id,
            profile=row["profile"],
            domain=row["domain"],
            name=row["name"],
            district_id=row["district_id"],
            site_id=row["site_id"],
            source_id=row["source_id"],
            expected_interval=row["expected_interval"],
            tags=row["tags"],
            properties=frozenset(streams.values()),
            latitude=row["latitude"],
            longitude=row["longitude"],
        )
        for datastream_id, name in streams.items():
            city.datastreams[datastream_id] = (device_id, name)
            city.ids[device_id, name] = datastream_id
    return city


async def sync_rules(connection: Connection, definitions: Iterable[Definition], author: str) -> list[str]:
    """Make the store's rules those of the files, inside the caller's transaction; return the ids that changed.

    A text that changed becomes a new version. A rule whose file is gone is switched off. Rules made through the API
    are left alone; a file of the same name does not undo them.
    """
    known = {row["rule_id"]: row for row in await connection.fetch(query("rules", "rule_versions_known"))}
    changed = []
    kept = set()
    for definition in definitions:
        rule_id = definition.rule.rule_id
        kept.add(rule_id)
        row = known.get(rule_id)
        if row is not None and row["origin"] == "api":
            continue
        if row is not None and row["text_hash"] == definition.text_hash:
            if not row["enabled"]:
                await connection.execute(query("rules", "enable_rule"), rule_id, True)
                changed.append(rule_id)
            continue
        await store_rule(connection, definition, author, version=row["version"] + 1 if row else 1, origin="file")
        changed.append(rule_id)
    for rule_id, row in known.items():
        if row["origin"] == "file" and row["enabled"] and rule_id not in kept:
            await connection.execute(query("rules", "enable_rule"), rule_id, False)
            changed.append(rule_id)
    return changed


async def store_rule(
    connection: Connection,
    definition: Definition,
    author: str,
    *,
    version: int,
    origin: str,
    reason: str = "",
    address: str = "",
) -> None:
    """Write one version of a rule, and make it the present one, inside the caller's transaction."""
    rule = definition.rule
    await connection.execute(query("rules", "store_rule"), rule.rule_id, version, origin)
    await connection.execute(
        query("rules", "store_rule_version"),
        rule.rule_id,
        version,
        definition.text,
        definition.text_hash,
        rule_record(rule),
        author,
        definition.tests,
        reason,
    )
    await audit(
        connection,
        author,
        "rule.version",
        f"rule {rule.rule_id}",
        {"version": version, "text_hash": definition.text_hash, "origin": origin, "reason": reason},
        address,
    )


def rule_record(rule: Rule) -> dict[str, Any]:
    """Return what screens show of a rule: its words, its record, when it fires."""
    why = rule.rationale
    return {
        "title": rule.title,
        "severity": rule.severity.value,
        "condition": limit_text(rule),
        "select": _selected(rule.selector),
        "on_delay_seconds": rule.on_delay.total_seconds(),
        "off_delay_seconds": rule.off_delay.total_seconds(),
        "latched": rule.latched,
        "suppressed_by": list(rule.suppressed_by),
        "cause": why.cause,
        "consequence": why.consequence,
        "operator_action": why.operator_action,
        "threshold": why.threshold,
        "time_to_respond": why.time_to_respond.total_seconds(),
        "owner": why.owner,
        "review_date": why.review_date.isoformat(),
    }


def _selected(selector: Selector) -> dict[str, Any]:
    """Return what narrows the devices that a rule watches; nothing where it watches all that have its property."""
    narrowing = {
        "domain": selector.domain,
        "district": selector.district,
        "profile": selector.profile,
        "tags": dict(selector.tags),
    }
    return {key: value for key, value in narrowing.items() if value}


async def put_rule(
    connection: Connection,
    definition: Definition,
    author: str,
    reason: str,
    known_version: int | None = None,
    address: str = "",
) -> int:
    """Make a checked rule the present version, in a transaction of its own; return the version's number.

    `known_version` is the one that the author started from: raises RuleError where somebody changed it meanwhile.
    """
    async with connection.transaction():
        row = await connection.fetchrow(query("rules", "lock_rule"), definition.rule.rule_id)
        version = row["version"] if row else 0
        if known_version is not None and known_version != version:
            raise RuleError(f"the rule is at version {version} by now, not {known_version}: look at what was changed")
        await store_rule(
            connection, definition, author, version=version + 1, origin="api", reason=reason, address=address
        )
    return version + 1


async def switch_rule(
    connection: Connection, rule_id: str, enabled: bool, author: str, reason: str, address: str = ""
) -> None:
    """Switch a rule on or off, with the reason; raise RuleError where there is none, or it is so already."""
    if not reason.strip():
        raise RuleError("switching a rule on or off needs a reason")
    async with connection.transaction():
        row = await connection.fetchrow(query("rules", "lock_rule"), rule_id)
        if row is None:
            raise RuleError(f"there is no rule {rule_id!r}")
        if row["enabled"] == enabled:
            raise RuleError(f"the rule is {'on' if enabled else 'off'} already")
        # From now on the API decides: the file, if there is one, does not switch it back.
        await connection.execute(query("rules", "switch_rule"), rule_id, enabled)
        action = "rule.enable" if enabled else "rule.disable"
        await audit(connection, author, action, f"rule {rule_id}", {"reason": reason}, address)


async def load_rules(connection: Connection) -> list[Rule]:
    """Return the enabled rules in their present versions; one that cannot be read any more is logged and left out."""
    rules = []
    for row in await connection.fetch(query("rules", "stored_rules")):
        try:
            rules.append(_versioned(parse_definition(row["text"], row["rule_id"]).rule, row["version"]))
        except RuleError as error:
            log.error("rule_not_readable", rule_id=row["rule_id"], version=row["version"], error=str(error))
    return rules


async def load_rule(connection: Connection, rule_id: str, version: int) -> Rule:
    """Return one version of a rule; raise RuleError where there is none."""
    text = await connection.fetchval(query("rules", "rule_text"), rule_id, version)
    if text is None:
        raise RuleError(f"there is no version {version} of rule {rule_id!r}")
    return _versioned(parse_definition(text, f"{rule_id} v{version}").rule, version)


def _versioned(rule: Rule, version: int) -> Rule:
    return replace(rule, version=version)
