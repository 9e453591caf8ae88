"""From a decoded record to readings: which source field is which property, in which unit. The hot path of ingest."""

import re
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from devices.instants import parse_instant, parse_rfc3339, shift, shown
from devices.model import Decoded, DecodeError, Reading, Refused, RefuseReason
from devices.properties import DERIVED, FORBIDDEN, PROPERTIES
from devices.units import conversion

# Keys of a native record that are about the message, not readings
NATIVE_KEYS = frozenset({"time", "time_offset", "seq", "now", "device_id"})
MEASURE = frozenset({"value", "unit"})
# Beyond this a number is a fault of the sender; NaN fails both comparisons.
LARGEST = 1e300
DEEPEST = 16
LONGEST_NAME = 100
NUMBER = re.compile(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*([^\s\d]\S{0,9})?\s*")
BEYOND_EMPTY = 10.0  # cm that a bin's floor may be farther away than its geometry says


@dataclass(frozen=True, slots=True)
class Meaning:
    """What odd source values stand for: flags, words, and codes that say that there is no value."""

    boolean: bool = False
    values: Mapping[str, float] | None = None
    missing: frozenset[float | str] = frozenset()
    absent: frozenset[float | str] = frozenset()  # no such sensor is fitted: no reading at all
    text: bool = False  # a number written as text, perhaps with its unit behind it


@dataclass(frozen=True, slots=True)
class Field:
    """Property = value * scale + offset."""

    property: str
    scale: float = 1.0
    offset: float = 0.0
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class FillFromDistance:
    """Fill level in percent, from the distance to the content in cm: `empty` and `full` are it in either state."""

    empty: float
    full: float

    def of(self, distance: float) -> float | None:
        """Return the fill level, within 0 to 100 %; None where the echo came from beyond the empty bin.

        That is an open lid, a tilted bin or a lost echo: taken as empty, it would look like a collection.
        """
        if distance > self.empty + BEYOND_EMPTY:
            return None
        return min(max(100.0 * (self.empty - distance) / (self.empty - self.full), 0.0), 100.0)


# A flat tuple of Field: attribute look-ups are what a hot loop spends its time on. Empty for what is no reading.
_Row = tuple[str, float, float, Meaning | None]


class Mapper:
    """The compiled field mapping of one profile."""

    def __init__(
        self,
        fields: Mapping[str, Field],
        *,
        by_last_name: bool = False,
        refuse_unmapped: bool = True,
        ignore: frozenset[str] = frozenset(),
        fill: FillFromDistance | None = None,
        reserved: frozenset[str] = NATIVE_KEYS,
        time_key: str | None = "time",
    ) -> None:
        """Map `fields` by dotted path; `by_last_name` also finds a field by the last part of a nested path.

        `reserved` keys are about the message, not readings; `time_key` is the one that holds a record's own time.
        """
        self._rows: dict[str, _Row | tuple[()]] = dict.fromkeys(reserved, ())
        self._rows |= {path: (f.property, f.scale, f.offset, f.meaning) for path, f in fields.items()}
        self._inside = {path[:at] for path in fields for at, sign in enumerate(path) if sign == "."}
        self._by_last_name = by_last_name
        self._refuse_unmapped = refuse_unmapped
        self._ignore = ignore
        self._fill = fill
        self._time_key = time_key

    @property
    def paths(self) -> frozenset[str]:
        """Return the source fields that are mapped."""
        return frozenset(path for path, row in self._rows.items() if row)

    def with_fill(self, fill: FillFromDistance) -> "Mapper":
        """Return the same mapping for a bin of another geometry."""
        twin = copy(self)
        twin._fill = fill
        return twin

    def with_time(self, time_key: str) -> "Mapper":
        """Return the same mapping for records that keep their time under another key."""
        twin = copy(self)
        twin._time_key, twin._rows = time_key, {**self._rows, time_key: ()}
        return twin

    def map(self, records: Iterable[Mapping[str, object]], now: datetime | None) -> Decoded:
        """Return every reading of `records` in wire order; relative times count from `now`."""
        readings: list[Reading] = []
        refused: list[Refused] = []
        rows, fill, keep = self._rows, self._fill, readings.append
        time_key, offset_key = self._time_key, "time_offset" if "time_offset" in rows else None
        try:
            for record in records:
                time, fault, first = None, None, len(readings)
                stated = record.get(time_key)  # type: ignore[arg-type]  # no key, no time
                try:
                    if type(stated) is str:
                        time = parse_rfc3339(stated)
                    elif stated is not None:
                        time = parse_instant(stated)
                    elif offset_key in record:
                        time = _from_arrival(record["time_offset"], now)
                except ValueError as reason:
                    fault = str(reason)
                for key, value in record.items():
                    row = rows.get(key)
                    if not row:
                        if row is None:
                            self._unmapped(key, key, value, time, readings, refused, 1)
                    elif ((kind := type(value)) is float or kind is int) and row[3] is None:
                        number = value * row[1] + row[2]  # type: ignore[operator]
                        if -LARGEST < number < LARGEST:
                            keep(Reading(row[0], number, time))
                        else:
                            refused.append(_not_a_number(row[0], value))
                    elif kind is dict and not value.keys() <= MEASURE:  # type: ignore[attr-defined]
                        self._unmapped(key, key, value, time, readings, refused, 1)
                    else:
                        _interpret(row, value, time, readings, refused)
                if fill is not None:
                    _derive_fill(fill, readings, first, time)
                if fault is not None:
                    refused += [Refused(r.property, RefuseReason.BAD_TIME, fault) for r in readings[first:]]
                    del readings[first:]
        except OverflowError:
            raise DecodeError("a number beyond what a double holds") from None
        return Decoded(readings, refused)

    def _unmapped(
        self,
        path: str,
        name: object,
        value: object,
        time: datetime | None,
        readings: list[Reading],
        refused: list[Refused],
        depth: int,
    ) -> None:
        """Go into a nested value where a field may be inside; refuse, or pass over, what is not mapped."""
        if _is_personal(name):
            refused.append(Refused(path[:LONGEST_NAME], RefuseReason.FORBIDDEN_PROPERTY, "personal data is not kept"))
            return
        if path in self._ignore:
            return
        goes_in = path in self._inside or (self._by_last_name and type(value) is dict and not _is_measure(value))
        if goes_in and isinstance(value, dict | list):
            if depth == DEEPEST:
                raise DecodeError(f"{path[:LONGEST_NAME]} is nested deeper than {DEEPEST} levels")
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                inner_path = f"{path}.{key}"
                row = self._rows.get(inner_path)
                if not row and self._by_last_name:
                    row = self._rows.get(str(key))
                if not row or (type(inner) is dict and not _is_measure(inner)):
                    self._unmapped(inner_path, key, inner, time, readings, refused, depth + 1)
                else:
                    _interpret(row, inner, time, readings, refused)
        elif self._refuse_unmapped:
            detail = f"{shown(value)} under a name that the profile does not map"
            refused.append(Refused(path[:LONGEST_NAME], RefuseReason.UNKNOWN_PROPERTY, detail))


def _interpret(
    row: _Row, value: object, time: datetime | None, readings: list[Reading], refused: list[Refused]
) -> None:
    """Append the reading, or the refusal, that any kind of value stands for."""
    name, scale, offset, meaning = row
    unit: object = None
    if type(value) is dict and "value" in value:
        unit, value = value.get("unit"), value["value"]
    elif meaning is not None and meaning.text and isinstance(value, str) and (written := NUMBER.fullmatch(value)):
        value, unit = float(written[1]), written[2]
    if unit is not None:
        try:
            if not isinstance(unit, str):
                raise ValueError(f"{shown(unit)} is not a unit")
            to_catalogue = conversion(unit, name)
        except ValueError as reason:
            refused.append(Refused(name, RefuseReason.UNKNOWN_UNIT, str(reason)))
            return
        scale, offset = to_catalogue.scale, to_catalogue.offset
    if meaning is not None:
        if type(value) in (int, float, str) and value in meaning.absent:
            return
        if type(value) in (int, float, str) and value in meaning.missing:
            value = None
        elif type(value) is bool and meaning.boolean:
            value = int(value)
        elif type(value) in (str, bool) and meaning.values is not None:
            value = meaning.values.get(value if isinstance(value, str) else str(value).lower(), value)
    if value is None:
        readings.append(Reading(name, None, time))
    elif type(value) is float or type(value) is int:
        number = value * scale + offset
        if -LARGEST < number < LARGEST:
            readings.append(Reading(name, number, time))
        else:
            refused.append(_not_a_number(name, value))
    else:
        refused.append(_not_a_number(name, value))


def catalogue_fields() -> dict[str, Field]:
    """Return the mapping of a device that speaks the catalogue's own names and units; its flags may be booleans."""
    flag = Meaning(boolean=True)
    measured = (each for each in PROPERTIES.values() if each.name not in DERIVED)
    return {p.name: Field(p.name, meaning=flag if p.unit == "1" and p.high == 1 else None) for p in measured}


def _from_arrival(offset: object, now: datetime | None) -> datetime | None:
    if offset is None:
        return None
    if now is None:
        raise ValueError(f"{shown(offset)} seconds from an arrival that is not known")
    return shift(now, offset)


def _derive_fill(fill: FillFromDistance, readings: list[Reading], first: int, time: datetime | None) -> None:
    """Append the fill level that a record's distance means, unless the device computed one itself."""
    said = readings[first:]
    if any(reading.property == "fill_level" for reading in said):
        return
    for reading in said:
        if reading.property == "distance":
            readings.append(Reading("fill_level", None if reading.value is None else fill.of(reading.value), time))


def _is_personal(name: object) -> bool:
    return isinstance(name, str) and name.lower().replace("-", "_").replace(" ", "_") in FORBIDDEN


def _is_measure(value: object) -> bool:
    return type(value) is dict and bool(value) and value.keys() <= MEASURE


def _not_a_number(name: str, value: object) -> Refused:
    return Refused(name, RefuseReason.NOT_A_NUMBER, f"{shown(value)} is not a number")
