"""Rule tests as data, in the spirit of promtool: a series in, the alerts it must raise out.

`NAME.test.yaml` beside `NAME.yaml`:

    rule: bin-nearly-full
    tests:
      - name: two readings at the limit raise, a collection clears
        every: 5m
        series: {fill_level: "85 90x2 10x3"}
        alerts: [{raised: 10m, cleared: 20m}]

Rules on several devices name the further ones under `others`, a list of such series, each a device in the same area and
next to the first; `alerts` are then those of the area, or of the first device.

Notation: `a+bxn` is a, a+b, ... n+1 values (`a-bxn` falls, `axn` repeats), `_` and `_xn` are instants without a
reading. Times count from the first instant. `alerts` lists every alert there must be; an empty list: none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from citywatch.durations import format_duration
from citywatch.errors import RuleError
from devices.device_checks import LONGEST_INTERVAL
from devices.model import QualityFlag
from devices.properties import PROPERTIES
from rules.city import City
from rules.conditions import Condition, Count, Crowd, leaves
from rules.crowd import how_many, is_part
from rules.engine import run
from rules.model import Episode, Rule, Sample, Subject
from rules.reader import Reader

START = datetime(2026, 3, 2, tzinfo=UTC)
MOST = 10_000  # instants that the series of one text may hold together
LONGEST = timedelta(days=3650)  # that they may go over
MOST_DIGITS = 50  # characters of one value in them
_TOKEN = re.compile(r"(?P<first>-?\d+(?:\.\d+)?|_)(?:(?P<step>[+-]\d+(?:\.\d+)?))?(?:x(?P<times>\d+))?")


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of one rule: its samples, the alerts expected, and what stands at named instants."""

    name: str
    line: int
    every: timedelta
    expected_interval: timedelta
    samples: list[Sample]
    until: datetime
    alerts: list[Episode]
    firing: dict[datetime, bool] = field(default_factory=dict)
    others: list[list[Sample]] = field(default_factory=list)


@dataclass(slots=True)
class _Reader(Reader):
    """Reads tests; `room`: how many instants their series may still hold together."""

    room: int = MOST


def expand(series: str, room: int = MOST) -> list[float | None]:
    """Return the values that a series in promtool's notation stands for.

    Raises RuleError naming the odd part, or that there are more than `room`.
    """
    values: list[float | None] = []
    for token in series.split():
        found = _TOKEN.fullmatch(token)
        if not found or (found["first"] == "_" and found["step"]):
            raise RuleError(f"{token!r} is no series: write values, a+bxn, axn, _ or _xn")
        if max(len(found["first"]), len(found["step"] or "")) > MOST_DIGITS:
            raise RuleError(f"a value of a series has at most {MOST_DIGITS} characters, not {len(token)}")
        # Before they are written out: few characters stand for any number of values.
        times = int(found["times"] or 0) if len(found["times"] or "") < 10 else room
        if len(values) + times + 1 > room:
            raise RuleError(f"{token!r} is too much: the series of one text hold {MOST} values at most")
        if found["first"] == "_":
            values += [None] * max(times, 1)
        elif found["step"] is not None:
            values += [float(found["first"]) + float(found["step"]) * n for n in range(times + 1)]
        else:
            # promtool: `axn` is a and then n times a.
            values += [float(found["first"])] * (times + 1)
    return values


def load_trials(path: Path, rule: Rule) -> list[Trial]:
    """Read the tests of one rule; raise RuleError naming every mistake with its line."""
    return parse_trials(path.read_text(encoding="utf-8"), rule, str(path))


def parse_trials(text: str, rule: Rule, path: str) -> list[Trial]:
    """Return the tests that `text` writes down; `path` is only named in errors."""
    reader = _Reader(path)
    node = reader.root(text)
    trials: list[Trial] = []
    if node is not None:
        fields = reader.fields(node, ("rule", "tests"), ("rule", "tests"))
        if "rule" in fields and reader.value(fields["rule"]) != rule.rule_id:
            reader.wrong(fields["rule"], f"expected tests of {rule.rule_id!r}")
        if "tests" in fields:
            found = [_read_trial(reader, each) for each in reader.items(fields["tests"], 1)]
            trials = [trial for trial in found if trial is not None]
    if reader.mistakes:
        raise RuleError("\n".join(reader.mistakes))
    return trials


def try_rule(rule: Rule, trial: Trial) -> str | None:
    """Run one test; return None where it passes, else what was expected and what came."""
    met = _play(rule, trial)
    found = [Episode(each.raised_at, each.cleared_at) for each in met]
    if found != trial.alerts:
        return f"expected {_spell(trial.alerts)}, got {_spell(found)}"
    for at, expected in trial.firing.items():
        stands = any(e.raised_at <= at and (e.cleared_at is None or at < e.cleared_at) for e in found)
        if stands != expected:
            return f"at {format_duration(at - START)} expected {'firing' if expected else 'not firing'}"
    return None


def _play(rule: Rule, trial: Trial) -> list[Episode]:
    """Return the episodes of the device of the test, or of the area that it stands in."""
    city = City({f"test-{number}": _subject(rule, trial, number) for number in range(len(trial.others) + 1)})
    city.assign([rule])
    series = {f"test-{number}": each for number, each in enumerate([trial.samples, *trial.others])}
    told: dict[str, dict[str, dict[str, list[Episode]]]] = {}
    for device_id, samples in series.items():
        for ready in city.watches[device_id]:
            name = ready.rule.rule_id
            if is_part(name):
                _, found = run(ready, ready.start(), samples, trial.until)
                for hearer in city.hearers.get((name, device_id), ()):
                    told.setdefault(hearer, {}).setdefault(name, {})[device_id] = found
    about = next((each for each in city.subjects if city.subjects[each].area is not None), "test-0")
    (ready,) = (each for each in city.watches[about] if not is_part(each.rule.rule_id))
    counts = [
        Sample(at, {name: (count, QualityFlag.GOOD)})
        for name, members in told.get(about, {}).items()
        for at, count in how_many(members)
    ]
    _, met = run(ready, ready.start(), merge(series.get(about, []), counts), trial.until)
    return met


def _subject(rule: Rule, trial: Trial, number: int) -> Subject:
    areas = {leaf.area: "test" for leaf in leaves(rule.condition) if isinstance(leaf, Count)}
    return Subject(
        device_id=f"test-{number}",
        profile=rule.selector.profile or "test",
        domain=rule.selector.domain or "test",
        district_id=rule.selector.district or "test",
        site_id="test",
        expected_interval=trial.expected_interval,
        tags={**areas, **dict(rule.selector.tags)},
        properties=frozenset(PROPERTIES),
        latitude=0.0,
        longitude=0.0,
    )


def merge(one: Sequence[Sample], other: Sequence[Sample]) -> list[Sample]:
    """Return the samples of both in time order, those of one instant as one."""
    moments: dict[datetime, dict[str, tuple[float | None, QualityFlag]]] = {}
    for sample in (*one, *other):
        moments.setdefault(sample.at, {}).update(sample.values)
    return [Sample(at, moments[at]) for at in sorted(moments)]


def properties_of(rule: Rule) -> set[str]:
    """Return the properties a rule looks at, of the device itself or of those that it counts."""
    return set(_properties(rule.condition, rule.selector.property))


def _properties(condition: Condition, default: str | None) -> Iterator[str]:
    for leaf in leaves(condition):
        name = leaf.property or default
        if isinstance(leaf, Crowd):
            yield from _properties(leaf.of, name)
        elif name:
            yield name


def _read_trial(reader: _Reader, node: yaml.Node) -> Trial | None:
    names = ("name", "every", "expected_interval", "series", "quality", "others", "until", "alerts", "firing")
    fields = reader.fields(node, names, ("name", "every", "series", "alerts"))
    if any(name not in fields for name in ("name", "every", "series", "alerts")):
        return None
    before = len(reader.mistakes)
    every = reader.duration(fields["every"])
    series = _read_series(reader, fields["series"])
    for name in series:
        if name not in PROPERTIES:
            reader.wrong(fields["series"], f"unknown property {name!r}")
    quality = _read_series(reader, fields["quality"]) if "quality" in fields else {}
    for flag in {flag for flags in quality.values() for flag in flags if flag is not None} - set(QualityFlag):
        known = ", ".join(f"{each:d}" for each in QualityFlag)
        reader.wrong(fields["quality"], f"{flag:g} is no flag; there are {known}")
    others = [_read_series(reader, each) for each in reader.items(fields["others"], 1)] if "others" in fields else []
    span = every * max((len(values) - 1 for each in (series, *others) for values in each.values()), default=0)
    if span > LONGEST:
        reader.wrong(fields["every"], f"a series goes over at most {LONGEST.days} days, not {span.days}")
        return None
    last = START + every * max((len(values) - 1 for values in series.values()), default=0)
    until = START + reader.duration(fields["until"]) if "until" in fields else last
    alerts = [_read_alert(reader, each) for each in reader.items(fields["alerts"])]
    firing = {}
    if "firing" in fields and isinstance(fields["firing"], yaml.MappingNode):
        firing = {START + reader.duration(key): reader.boolean(value) for key, value in fields["firing"].value}
    interval = reader.take(fields, "expected_interval", reader.duration, every)
    if interval > LONGEST_INTERVAL:
        reader.wrong(node, f"a device reports at least every {LONGEST_INTERVAL.days} days, not every {interval.days}")
    if len(reader.mistakes) != before:
        return None
    samples = _samples(series, quality, every)
    line = node.start_mark.line + 1
    more = [_samples(each, {}, every) for each in others]
    return Trial(reader.text(fields["name"]), line, every, interval, samples, until, alerts, firing, more)


def _read_series(reader: _Reader, node: yaml.Node) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    if not isinstance(node, yaml.MappingNode):
        reader.wrong(node, "expected property: series")
        return found
    for key, value in node.value:
        try:
            found[key.value] = expand(str(value.value), reader.room)
            reader.room -= len(found[key.value])
        except RuleError as error:
            reader.wrong(value, str(error))
    return found


def _read_alert(reader: Reader, node: yaml.Node) -> Episode:
    fields = reader.fields(node, ("raised", "cleared"), ("raised",))
    raised = reader.take(fields, "raised", reader.duration, timedelta())
    cleared = reader.take(fields, "cleared", reader.duration, None)
    return Episode(START + raised, None if cleared is None else START + cleared)


def _samples(
    series: dict[str, list[float | None]], quality: dict[str, list[float | None]], every: timedelta
) -> list[Sample]:
    moments: dict[int, dict[str, tuple[float | None, QualityFlag]]] = {}
    for name, values in series.items():
        flags = quality.get(name, [])
        for position, value in enumerate(values):
            if value is not None:
                flag = flags[position] if position < len(flags) else None
                moments.setdefault(position, {})[name] = (value, QualityFlag(int(flag or 1)))
    return [Sample(START + every * position, moments[position]) for position in sorted(moments)]


def _spell(episodes: list[Episode]) -> str:
    def span(each: Episode) -> str:
        end = format_duration(each.cleared_at - START) if each.cleared_at else "on"
        return f"{format_duration(each.raised_at - START)} to {end}"

    return "[" + ", ".join(map(span, episodes)) + "]"
