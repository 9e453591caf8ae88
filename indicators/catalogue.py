"""Indicators by name, for the command line: what there is, what it takes, and one answer per JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from indicators.entries import Answer, Kind, entries
from indicators.errors import IndicatorError


def list_indicators() -> list[dict[str, Any]]:
    """Return every indicator: name, summary, and its inputs with unit, kind and whether they are required."""
    return [
        {
            "name": name,
            "summary": indicator.summary,
            "inputs": {key: asdict(each) for key, each in indicator.inputs.items()},
        }
        for name, indicator in entries().items()
    ]


def compute(name: str, inputs: Mapping[str, Any]) -> Answer:
    """Return the answer of indicator `name` to `inputs`, a JSON object such as {"pm2_5": 35.9}.

    Every answer has `value` (null where the inputs define none) and `edition`. Raises IndicatorError for an unknown
    name, an unknown or missing input, or a value of the wrong kind, naming it and what is allowed.
    """
    indicators = entries()
    if name not in indicators:
        raise IndicatorError(f"no indicator {name!r}; there are {', '.join(indicators)}")
    indicator = indicators[name]
    for key, value in inputs.items():
        if key not in indicator.inputs:
            raise IndicatorError(f"{name} takes no {key!r} (= {value!r}); it takes {', '.join(indicator.inputs)}")
        if not _is(value, indicator.inputs[key].kind):
            raise IndicatorError(f"{name}: {key} must be a {indicator.inputs[key].kind}, not {value!r}")
    missing = [key for key, each in indicator.inputs.items() if each.required and key not in inputs]
    if missing:
        raise IndicatorError(f"{name} needs {', '.join(missing)} as well")
    if not inputs:
        raise IndicatorError(f"{name} needs at least one of {', '.join(indicator.inputs)}")
    return indicator.run(inputs)


def _is(value: object, kind: Kind) -> bool:
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind is Kind.NUMBER:
        return _number(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return all(_number(each) or (each is None and kind is Kind.NUMBERS_OR_NULL) for each in value)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
