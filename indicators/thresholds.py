"""Versioned threshold tables: which authority, which edition, in force from when.

One YAML file per edition under `indicators/tables/`; the code holds formulas, never an authority's numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from indicators.errors import IndicatorError

HEADER = {"name": str, "authority": str, "edition": str, "valid_from": date, "source": str, "body": dict}


@dataclass(frozen=True, slots=True)
class Table:
    """One edition of one authority's thresholds. `body` is what follows the header, in the shape its reader states."""

    name: str
    authority: str
    edition: str
    valid_from: date
    source: str
    body: Mapping[str, Any]

    def __hash__(self) -> int:
        return hash((self.name, self.edition))

    def section(self, key: str) -> Any:
        """Return `body[key]`; raise IndicatorError naming table, edition and key where there is none."""
        if key not in self.body:
            raise IndicatorError(
                f"table {self.name} ({self.edition}) has no section {key!r}; it has {_list(self.body)}"
            )
        return self.body[key]


def parse_table(text: str, origin: str) -> Table:
    """Return the table that the YAML `text` holds; `origin` is the file's name, for the error text."""
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise IndicatorError(f"{origin} is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise IndicatorError(f"{origin}: a mapping was expected")
    for key, kind in HEADER.items():
        if not isinstance(loaded.get(key), kind):
            raise IndicatorError(f"{origin}: {key!r} must be a {kind.__name__}, not {loaded.get(key)!r}")
    unknown = loaded.keys() - HEADER.keys()
    if unknown:
        raise IndicatorError(f"{origin}: unknown key {_list(unknown)}; known are {_list(HEADER)}")
    return Table(**loaded)


@cache
def tables() -> tuple[Table, ...]:
    """Return every table shipped with the package, by name and then by date of validity."""
    folder = files("indicators") / "tables"
    found = [
        parse_table(entry.read_text(encoding="utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    ]
    return tuple(sorted(found, key=lambda table: (table.name, table.valid_from)))


@cache
def table_for(name: str, on: date | None = None) -> Table:
    """Return the edition of `name` in force `on` that day, or the newest edition where no day is given."""
    editions = [table for table in tables() if table.name == name]
    if not editions:
        raise IndicatorError(f"no threshold table {name!r}; there are {_list({table.name for table in tables()})}")
    if on is None:
        return editions[-1]
    in_force = [table for table in editions if table.valid_from <= on]
    if not in_force:
        raise IndicatorError(f"no edition of {name} was in force on {on}; the first is of {editions[0].valid_from}")
    return in_force[-1]


def _list(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))
