"""Calculated datastreams: what a user sets, checked, and what its formula makes of the means of a period. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devices.properties import DERIVED, FORBIDDEN, PROPERTIES
from indicators.derived import NO_VALUE, Kind, Method, Value, flag
from indicators.errors import IndicatorError
from indicators.formula import Formula, read_formula
from indicators.unit_arithmetic import powers, spelled

MOST_INPUTS = 50
PREFIX = "calculated: "
# what a user names -> the family of its periods, and the rollup its inputs' means are read from
WIDTHS: Mapping[str, tuple[Kind, str]] = {
    "quarter": (Kind.CALC_QUARTER, "rollup_quarter"),
    "hour": (Kind.CALC_HOUR, "rollup_hour"),
    "day": (Kind.CALC_DAY, "rollup_day"),
}
ROLLUPS: Mapping[Kind, str] = dict(WIDTHS.values())
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Source = tuple[str, str]  # device and property


@dataclass(frozen=True, slots=True)
class Calculation:
    """A formula in force: the device and property that it gives, and the datastream of each name in it."""

    device_id: str
    name: str
    version: int
    formula: Formula
    unit: str
    kind: Kind
    inputs: Mapping[str, int]

    @property
    def method(self) -> Method:
        """Return how the values come about."""
        return Method(PREFIX + self.formula.text, f"version {self.version}")


@dataclass(frozen=True, slots=True)
class Mean:
    """One input over one period: its usable readings, how many of them are GOOD, and their mean."""

    n: int
    n_good: int
    mean: float


def check_calculation(
    name: str, text: str, inputs: Mapping[str, Source], units: Mapping[Source, str], unit: str, every: str
) -> Formula:
    """Return the formula of a calculation that may be set; raise IndicatorError that says what is wrong with it.

    `units` are those of the datastreams that there are. A property of the catalogue keeps its meaning: it is to be in
    the catalogue's unit, and what this software derives itself is not for others to write.
    """
    if every not in WIDTHS:
        raise IndicatorError(f"a calculation is for each {', '.join(WIDTHS)}, not {every!r}")
    if not _NAME.fullmatch(name) or name in FORBIDDEN:
        raise IndicatorError(f"{name!r} cannot name a property: lower-case letters, digits and _, and nothing personal")
    if name in DERIVED:
        raise IndicatorError(f"{name} is derived by Citywatch itself; choose another name")
    if name in PROPERTIES and PROPERTIES[name].unit != unit:
        raise IndicatorError(f"{name} is measured in {PROPERTIES[name].unit} everywhere, not in {unit}")
    if len(inputs) > MOST_INPUTS:
        raise IndicatorError(f"a calculation takes at most {MOST_INPUTS} inputs, not {len(inputs)}")
    formula = read_formula(text)
    for spare in inputs.keys() - set(formula.names):
        raise IndicatorError(f"the formula does not use {spare!r}; it uses {', '.join(formula.names)}")
    for key, (device_id, measured) in inputs.items():
        if (device_id, measured) not in units:
            raise IndicatorError(f"{key}: {device_id} has no datastream {measured}")
        if measured in PROPERTIES and PROPERTIES[measured].circular:
            raise IndicatorError(f"{key}: {measured} is a direction, of which no plain mean is taken")
    found = formula.unit({key: units[source] for key, source in inputs.items()})
    if found != powers(unit):
        raise IndicatorError(f"the formula gives {spelled(found)}, not {unit}")
    return formula


def calculated_value(formula: Formula, means: Mapping[str, Mean]) -> Value:
    """Return what the formula makes of the inputs' means of a period; none where one of them is not there."""
    used: Sequence[Mean | None] = [means.get(name) for name in formula.names]
    there = [each for each in used if each is not None]
    if len(there) < len(used):
        return NO_VALUE
    result = formula.value({name: means[name].mean for name in formula.names})
    if result is None:
        return NO_VALUE
    return Value(result, flag(sum(each.n_good for each in there), sum(each.n for each in there)))
