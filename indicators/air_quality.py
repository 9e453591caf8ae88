"""What every air-quality index answers with: a value, the pollutants responsible, and the edition that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indicators.errors import IndicatorError
from indicators.thresholds import Table

# Our stations are low-cost and unapproved: no value of theirs is an official one.
NOTE = "indicative, not regulatory"


@dataclass(frozen=True, slots=True)
class AirIndex:
    """One index value of one place. `value` is None where the inputs define no index.

    `sub_indices` has the index of each pollutant that has one; `responsible` names the pollutants that set `value`,
    worst only, in input order; `category` and `colour` are the authority's words for it.
    """

    value: int | None
    category: str | None
    colour: str | None
    responsible: tuple[str, ...]
    sub_indices: Mapping[str, int]
    edition: str
    note: str = NOTE


def worst(sub_indices: Mapping[str, int], categories: Sequence[Mapping[str, Any]], edition: str) -> AirIndex:
    """Return the index of a place: the highest of its pollutants', with that value's category.

    `categories` are mappings with `name`, `colour` and `up_to` (highest index, None = no end), best first.
    """
    if not sub_indices:
        return AirIndex(None, None, None, (), {}, edition)
    value = max(sub_indices.values())
    category = next(each for each in categories if each["up_to"] is None or value <= each["up_to"])
    responsible = tuple(pollutant for pollutant, index in sub_indices.items() if index == value)
    return AirIndex(value, category["name"], category["colour"], responsible, dict(sub_indices), edition)


def keep_higher(sub_indices: dict[str, int], pollutant: str, index: int | None) -> None:
    """Enter `index` for `pollutant` unless a higher one, from another averaging period, stands there already."""
    if index is not None:
        sub_indices[pollutant] = max(index, sub_indices.get(pollutant, index))


def check_names(given: Mapping[str, object], allowed: Mapping[str, object], table: Table) -> None:
    """Raise IndicatorError naming the first input that the table does not know, and those it knows."""
    for name, value in given.items():
        if name not in allowed:
            raise IndicatorError(f"{table.name} takes no {name!r} (= {value!r}); it takes {', '.join(allowed)}")
