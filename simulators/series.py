"""Reading a recorded series through its mapping: rows in, records in order of time out."""

import csv
import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, TextIO

from citywatch.durations import format_duration
from citywatch.errors import MappingError
from simulators.mapping import Column, Condition, Mapping, fields_of, fitting_mapping

Values = dict[str, float | None]


@dataclass(slots=True)
class Record:
    """What one device said at one time (aware UTC), in catalogue units; None where the series marks it missing."""

    device_id: str
    time: datetime
    values: Values
    line: int


@dataclass(slots=True)
class Series:
    """One file, read: its records in order of time, its devices as registry entries, and the rows skipped by rule."""

    path: Path
    mapping: Mapping
    records: list[Record] = field(default_factory=list)
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: int = 0
    skipped: int = 0


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig", newline="") as file
        ):
            yield file
    except (OSError, EOFError, UnicodeDecodeError) as reason:
        raise MappingError(f"{path}: {reason}") from None


def read_header(path: Path, delimiter: str = ",") -> list[str]:
    """Return the names of a file's columns; raise MappingError where it cannot be read or is empty."""
    with _open(path) as file:
        for row in csv.reader(file, delimiter=delimiter):
            return row
    raise MappingError(f"{path}: the file is empty")


def find_mapping(path: Path) -> Mapping:
    """Return the shipped mapping that fits a file by its columns; raise MappingError where none does."""
    for delimiter in ",;\t":
        mapping = fitting_mapping(read_header(path, delimiter))
        if mapping is not None and mapping.delimiter == delimiter:
            return mapping
    raise MappingError(f"{path}: no shipped mapping has these columns; name one with --mapping")


def read_series(path: Path, mapping: Mapping, source_id: str | None = None) -> Series:
    """Read a whole file; raise MappingError naming file, line and value for whatever does not fit the mapping."""
    return _Reader(path, mapping, source_id or mapping.source_id).read()


class _Reader:
    def __init__(self, path: Path, mapping: Mapping, source_id: str) -> None:
        self.path, self.mapping, self.source_id = path, mapping, source_id
        self.series = Series(path, mapping)
        self.zone: tzinfo = mapping.time.tzinfo()
        self.missing_texts = {mark for mark in mapping.missing if isinstance(mark, str)}
        self.missing_numbers = {mark for mark in mapping.missing if not isinstance(mark, str)}
        self.line = 1
        # (device, local time) -> records in the hour that the clock shows twice
        self.twice: dict[tuple[str, datetime], list[Record]] = {}

    def read(self) -> Series:
        with _open(self.path) as file:
            rows = csv.reader(file, delimiter=self.mapping.delimiter)
            header = next(rows, [])
            wide = self._check(header)
            locations = self._locations()
            for cells in rows:
                self.line = rows.line_num
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    raise self._error(f"{len(cells)} cells, the header has {len(header)}")
                self.series.rows += 1
                row = dict(zip(header, cells, strict=True))
                if any(self._holds(condition, row) for condition in self.mapping.skip):
                    self.series.skipped += 1
                    continue
                local, instant = self._time(row)
                if self.mapping.wide is not None:
                    for name in wide:
                        record = self._record({"column": name}, instant, locations.get(name))
                        record.values[self.mapping.wide.property] = self._value(name, row[name], self.mapping.wide, row)
                        self._keep(record, local)
                else:
                    record = self._record(row, instant, None)
                    for name, column in self.mapping.columns.items():
                        record.values[column.property] = self._value(name, row[name], column, row)
                    self._keep(record, local)
        self._part_the_hour_shown_twice()
        self.series.records.sort(key=lambda record: record.time)
        return self.series

    def _error(self, text: str) -> MappingError:
        return MappingError(f"{self.path}, line {self.line}: {text}")

    def _check(self, header: list[str]) -> list[str]:
        """Check every column by name; return those of a wide series."""
        named = self.mapping.named_columns() - ({"column"} if self.mapping.wide else set())
        absent = sorted(named - set(header))
        if absent:
            raise self._error(f"no column {', '.join(map(repr, absent))}; there are {', '.join(header)}")
        others = [name for name in header if name not in named]
        unknown = [name for name in others if self.mapping.wide is None or not self.mapping.is_wide(name)]
        if unknown:
            raise self._error(f"column {', '.join(map(repr, unknown))} is unknown to the mapping {self.mapping.name}")
        return others

    def _locations(self) -> dict[str, tuple[float, float]]:
        wanted = self.mapping.device.locations
        if wanted is None:
            return {}
        path = self.path.with_name(wanted.file)
        with _open(path) as file:
            try:
                return {
                    row[wanted.key]: (float(row[wanted.latitude]), float(row[wanted.longitude]))
                    for row in csv.DictReader(file)
                }
            except (KeyError, ValueError) as reason:
                raise MappingError(f"{path}: {reason}") from None

    def _record(self, row: dict[str, str], instant: datetime, place: tuple[float, float] | None) -> Record:
        device_id = _fill(self.mapping.device.id, row)
        if device_id not in self.series.devices:
            self.series.devices[device_id] = self._entry(device_id, row, place)
        return Record(device_id, instant, {}, self.line)

    def _entry(self, device_id: str, row: dict[str, str], place: tuple[float, float] | None) -> dict[str, Any]:
        template = self.mapping.device
        latitude, longitude = (
            place
            or template.positions.get(device_id)
            or (
                self._place("latitude", template.latitude, row),
                self._place("longitude", template.longitude, row),
            )
        )
        tags = {name: _fill(value, row) if isinstance(value, str) else value for name, value in template.tags.items()}
        return {
            "device_id": device_id,
            "profile": self.mapping.profile,
            "domain": str(self.mapping.domain),
            "name": _fill(template.name, row),
            "site_id": None,
            "district_id": None,
            "latitude": latitude,
            "longitude": longitude,
            "source_id": self.source_id,
            "expected_interval": format_duration(self.mapping.expected_interval),
            "tags": {"replay": self.mapping.name, **tags},
        }

    def _place(self, name: str, value: float | str | None, row: dict[str, str]) -> float | None:
        if not isinstance(value, str):
            return value
        text = _fill(value, row)
        try:
            return float(text)
        except ValueError:
            raise self._error(f"{name} is {text!r}, not a number") from None

    def _time(self, row: dict[str, str]) -> tuple[datetime, datetime]:
        """Return the local time as written and the instant it means."""
        time = self.mapping.time
        text = " ".join(row[name] for name in time.columns)
        mark = ""
        written = text
        if time.abbreviation:
            written, _, mark = text.rpartition(" ")
        try:
            local = datetime.strptime(written, time.format).replace(tzinfo=self.zone)
        except ValueError:
            raise self._error(f"time is {text!r}, not as {time.format!r}") from None
        instant = local.astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise self._error(f"time is {text!r}, which the clocks of {time.zone} skip")
        if mark and local.tzname() != mark:
            local = local.replace(fold=1)
            if local.tzname() != mark:
                raise self._error(f"time is {text!r}, but {time.zone} was not on {mark} then")
            instant = local.astimezone(UTC)
        return local, instant

    def _keep(self, record: Record, local: datetime) -> None:
        self.series.records.append(record)
        if self.mapping.time.repeated == "ordered":
            first, second = local.replace(fold=0), local.replace(fold=1)
            if first.utcoffset() != second.utcoffset():
                self.twice.setdefault((record.device_id, local.replace(tzinfo=None, fold=0)), []).append(record)

    def _part_the_hour_shown_twice(self) -> None:
        for (_, local), records in self.twice.items():
            if len(records) == 2:
                for fold, record in enumerate(records):
                    record.time = local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)

    def _number(self, name: str, text: str) -> float:
        plain = text.replace(".", "").replace(",", ".") if self.mapping.decimal == "," else text
        try:
            number = float(plain)
        except ValueError:
            raise self._error(f"column {name!r} is {text!r}, neither a number nor a missing mark") from None
        if not math.isfinite(number):
            raise self._error(f"column {name!r} is {text!r}, not a finite number")
        return number

    def _value(self, name: str, text: str, column: Column, row: dict[str, str]) -> float | None:
        text = text.strip()
        if text in self.missing_texts:
            return None
        if column.missing_when is not None and self._holds(column.missing_when, row):
            return None
        if column.values:
            if text not in column.values:
                raise self._error(f"column {name!r} is {text!r}, not one of {', '.join(column.values)}")
            return column.values[text]
        number = self._number(name, text)
        if number in self.missing_numbers:
            return None
        # Ten digits: a conversion must not make 98.5 out of 98.50000000000001.
        return float(f"{number * column.factor + column.offset:.10g}")

    def _holds(self, condition: Condition, row: dict[str, str]) -> bool:
        text = row[condition.column].strip()
        if isinstance(condition.equals, str):
            return text == condition.equals
        if text in self.missing_texts:
            return False
        number = self._number(condition.column, text)
        return (
            (condition.equals is not None and number == condition.equals)
            or (condition.below is not None and number < condition.below)
            or (condition.at_least is not None and number >= condition.at_least)
        )


def _fill(text: str, row: dict[str, str]) -> str:
    for name in fields_of(text):
        text = text.replace(f"{{{name}}}", row[name])
    return text


def registry_of(series: list[Series]) -> dict[str, Any]:
    """Return the registry document of every device in the series, each source once."""
    devices = {device_id: entry for one in series for device_id, entry in one.devices.items()}
    sources = sorted({entry["source_id"] for entry in devices.values()})
    return {
        "districts": [],
        "sites": [],
        "sources": [{"source_id": source_id, "kind": "replay"} for source_id in sources],
        "devices": list(devices.values()),
    }
