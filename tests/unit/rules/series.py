"""Rules, devices and series for tests of the pure parts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from devices.model import QualityFlag
from rules.definitions import parse_definition
from rules.engine import Watch, watch
from rules.model import Rule, Sample, Subject

START = datetime(2026, 3, 2, tzinfo=UTC)
RATIONALE = """
rationale:
  {cause: c, consequence: c, operator_action: a, threshold: t, time_to_respond: 1h, owner: o, review_date: 2030-01-01}
"""


def rule_text(when: str, *, select: str = "{property: pm2_5}", rule_id: str = "test", **more: str) -> str:
    """Return the text of a rule from the lines that matter."""
    lines = [
        f"id: {rule_id}",
        "title: A rule",
        "severity: HIGH",
        f"select: {select}",
        f"when: {when}",
        'summary: "{device} at {value}"',
        *(f"{key}: {value}" for key, value in more.items()),
    ]
    return "\n".join(lines) + RATIONALE


def rule(when: str, *, select: str = "{property: pm2_5}", rule_id: str = "test", **more: str) -> Rule:
    """Return a rule from the lines that matter."""
    return parse_definition(rule_text(when, select=select, rule_id=rule_id, **more), "test.yaml").rule


def ready(made: Rule, every: timedelta = timedelta(minutes=1), *properties: str) -> Watch:
    """Return the rule on a device that reports every so often."""
    known = frozenset(properties or ("pm2_5", "occupancy", "vehicle_speed"))
    found = watch(
        made, Subject("device", "test", made.selector.domain or "air", expected_interval=every, properties=known)
    )
    assert found is not None
    return found


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def samples(
    results: Iterable[float | None], every: float = 60.0, name: str = "pm2_5", quality: QualityFlag = QualityFlag.GOOD
) -> list[Sample]:
    """Return samples `every` seconds apart; None: the device says that the value is missing."""
    return [
        Sample(at(every * n), {name: (result, quality if result is not None else QualityFlag.MISSING)})
        for n, result in enumerate(results)
    ]
