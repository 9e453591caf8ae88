"""Replay mappings: how the columns of somebody's recorded series become devices, properties and times.

A mapping is a YAML file. Nothing is guessed: a column is mapped, used for time or device, or named under `ignore`.
"""

import re
from datetime import UTC, timedelta, timezone, tzinfo
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from citywatch.durations import parse_duration
from citywatch.errors import MappingError
from devices.model import Domain
from devices.properties import PROPERTIES

Duration = Annotated[timedelta, BeforeValidator(lambda v: parse_duration(v) if isinstance(v, str) else v)]


def _property(name: str) -> str:
    if name not in PROPERTIES:
        raise ValueError(f"{name} is not in the catalogue of observed properties")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Condition(_Part):
    """A test on one column of a row: its text `equals`, or its number is `below` or `at_least`."""

    column: str
    equals: str | float | None = None
    below: float | None = None
    at_least: float | None = None


class Column(_Part):
    """One column: result = value x factor + offset, or `values` from text to number. `missing_when` empties it."""

    property: Annotated[str, AfterValidator(_property)]
    factor: float = 1.0
    offset: float = 0.0
    values: dict[str, float] = {}
    missing_when: Condition | None = None


class Time(_Part):
    """When a row was true. `columns` joined by a blank are read by `format` (strptime) in `zone`.

    `zone` is a name (Europe/Paris) or a fixed offset (+01:00). With `abbreviation` the text ends with CET, CEST or the
    like, which must agree with the zone. `repeated` says what two rows in the hour that a clock shows twice are:
    `same` (the same moment), or `ordered` (the first is summer time, whatever their abbreviation says).
    """

    columns: tuple[str, ...] = Field(min_length=1)
    format: str
    zone: str
    abbreviation: bool = False
    repeated: Literal["same", "ordered"] = "same"

    @model_validator(mode="after")
    def _zone_exists(self) -> "Time":
        self.tzinfo()
        return self

    def tzinfo(self) -> tzinfo:
        """Return the zone."""
        sign, digits = self.zone[:1], self.zone[1:].split(":")
        if self.zone == "UTC":
            return UTC
        if sign in "+-" and len(digits) == 2 and all(part.isdigit() for part in digits):
            offset = timedelta(hours=int(digits[0]), minutes=int(digits[1]))
            return timezone(-offset if sign == "-" else offset)
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{self.zone!r} is neither a time zone nor an offset such as +01:00") from None


class Locations(_Part):
    """A file beside the series with a row for each device: `key` is the column of the device's number."""

    file: str
    key: str
    latitude: str = "latitude"
    longitude: str = "longitude"


class DeviceTemplate(_Part):
    """The device of a row. Texts may hold {column}; in a wide series {column} is the column's own name.

    Where it stands comes from the row, from a file of `locations`, or from `positions` by device id.
    """

    id: str
    name: str = ""
    latitude: float | str | None = None
    longitude: float | str | None = None
    tags: dict[str, Any] = {}
    locations: Locations | None = None
    positions: dict[str, tuple[float, float]] = {}


class Mapping(_Part):
    """One mapping file. `wide` series have a column for each device, all of one property, named as `wide_columns`."""

    name: str
    title: str
    attribution: str
    licence: str
    source_id: str
    domain: Domain
    profile: str = "citywatch/native"
    expected_interval: Duration
    delimiter: str = Field(",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    missing: tuple[str | float, ...] = ("",)
    time: Time
    device: DeviceTemplate
    columns: dict[str, Column] = {}
    wide: Column | None = None
    wide_columns: str = ".+"
    ignore: tuple[str, ...] = ()
    skip: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _one_shape(self) -> "Mapping":
        if (self.wide is None) == (not self.columns):
            raise ValueError("a mapping has either columns or wide")
        return self

    def is_wide(self, name: str) -> bool:
        """Return whether a column is one of a wide series."""
        return re.fullmatch(self.wide_columns, name) is not None

    def named_columns(self) -> set[str]:
        """Return every column that the mapping speaks of."""
        texts = [self.device.id, self.device.name, self.device.latitude, self.device.longitude]
        tags = [value for value in self.device.tags.values() if isinstance(value, str)]
        conditions = [*self.skip, *(c.missing_when for c in self.columns.values() if c.missing_when)]
        return {
            *self.time.columns,
            *self.columns,
            *self.ignore,
            *(c.column for c in conditions),
            *(name for text in [*texts, *tags] if isinstance(text, str) for name in fields_of(text)),
        }


def fields_of(text: str) -> list[str]:
    """Return the column names between braces in a text."""
    return [part.split("}")[0] for part in text.split("{")[1:] if "}" in part]


def mapping_names() -> list[str]:
    """Return the names of the shipped mappings."""
    folder = resources.files("simulators") / "mappings"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_mapping(name: str) -> Mapping:
    """Return a shipped mapping by name, or your own by path; raise MappingError with the reason."""
    path: Path | Traversable = Path(name)
    if not name.endswith((".yaml", ".yml")):
        if name not in mapping_names():
            raise MappingError(f"no mapping {name!r}: there are {', '.join(mapping_names())}, or give a YAML file")
        path = resources.files("simulators") / "mappings" / f"{name}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise MappingError(f"{path}: not a mapping of keys")
        return Mapping.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as reason:
        raise MappingError(f"{path}: {reason}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'mapping'}: {e['msg']}" for e in error.errors()]
        raise MappingError(f"{path}: {'; '.join(lines)}") from None


def fitting_mapping(header: list[str]) -> Mapping | None:
    """Return the shipped mapping whose columns are those of a header, None where none fits."""
    names = set(header)
    for mapping in map(load_mapping, mapping_names()):
        if mapping.wide is None and mapping.named_columns() == names:
            return mapping
        wanted = mapping.named_columns() - {"column"}
        if mapping.wide is not None and wanted < names and all(map(mapping.is_wide, names - wanted)):
            return mapping
    return None
