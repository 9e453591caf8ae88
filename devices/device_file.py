"""Device lists as CSV: what spreadsheets write, read line by line, each fault of form named with its line."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

COLUMNS = (
    "device_id",
    "profile",
    "domain",
    "name",
    "site_id",
    "district_id",
    "latitude",
    "longitude",
    "source_id",
    "expected_interval",
    "tags",
    "version",
)
LONGEST_CELL = 4000
SHOWN = 60
SPREADSHEET_ERRORS = frozenset({"#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!"})
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# How `surrogateescape` shows a byte that is not UTF-8
BROKEN_BYTE = re.compile("[\udc80-\udcff]")


class FaultKind(StrEnum):
    """Everything that can be wrong with a device list."""

    NO_HEADER = "no_header"
    NO_ID_COLUMN = "no_id_column"
    UNKNOWN_COLUMN = "unknown_column"
    UNNAMED_COLUMN = "unnamed_column"
    COLUMN_TWICE = "column_twice"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    OPEN_QUOTE = "open_quote"
    NOT_UTF8 = "not_utf8"
    LOST_CHARACTER = "lost_character"
    CONTROL_CHARACTER = "control_character"
    CELL_TOO_LONG = "cell_too_long"
    SPREADSHEET_ERROR = "spreadsheet_error"
    FORMULA = "formula"
    ID_MISSING = "id_missing"
    ID_START = "id_start"
    ID_CHARACTER = "id_character"
    ID_TOO_LONG = "id_too_long"
    ID_SCIENTIFIC = "id_scientific"
    ID_TWICE = "id_twice"
    ID_CASE = "id_case"
    PROFILE_MISSING = "profile_missing"
    PROFILE_FORM = "profile_form"
    PROFILE_UNKNOWN = "profile_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    NAME_TOO_LONG = "name_too_long"
    SITE_TOO_LONG = "site_too_long"
    SITE_UNKNOWN = "site_unknown"
    SITE_ELSEWHERE = "site_elsewhere"
    DISTRICT_TOO_LONG = "district_too_long"
    DISTRICT_UNKNOWN = "district_unknown"
    DISTRICT_OTHER = "district_other"
    DISTRICT_OUTSIDE = "district_outside"
    LATITUDE_NOT_A_NUMBER = "latitude_not_a_number"
    LATITUDE_COMMA = "latitude_comma"
    LATITUDE_DEGREES = "latitude_degrees"
    LATITUDE_RANGE = "latitude_range"
    LATITUDE_ALONE = "latitude_alone"
    LONGITUDE_NOT_A_NUMBER = "longitude_not_a_number"
    LONGITUDE_COMMA = "longitude_comma"
    LONGITUDE_DEGREES = "longitude_degrees"
    LONGITUDE_RANGE = "longitude_range"
    LONGITUDE_ALONE = "longitude_alone"
    LOCATION_ZERO = "location_zero"
    LOCATION_SWAPPED = "location_swapped"
    SOURCE_TOO_LONG = "source_too_long"
    SOURCE_UNKNOWN = "source_unknown"
    INTERVAL_WITHOUT_UNIT = "interval_without_unit"
    INTERVAL_FORM = "interval_form"
    INTERVAL_ZERO = "interval_zero"
    INTERVAL_SHORT = "interval_short"
    INTERVAL_LONG = "interval_long"
    TAGS_NOT_JSON = "tags_not_json"
    TAGS_NOT_AN_OBJECT = "tags_not_an_object"
    TAGS_NESTED = "tags_nested"
    TAGS_TOO_MANY = "tags_too_many"
    TAGS_PERSONAL = "tags_personal"
    VERSION_NOT_A_NUMBER = "version_not_a_number"
    VERSION_RANGE = "version_range"
    VERSION_STALE = "version_stale"
    VERSION_WITHOUT_DEVICE = "version_without_device"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: line (1 is the header), column, the value as it stands, and what is allowed."""

    line: int
    column: str
    value: str
    kind: FaultKind
    limit: str

    def __str__(self) -> str:
        column = f"{self.column}: " if self.column else ""
        return f"line {self.line}: {column}{shown(self.value)}: {self.limit}"


@dataclass(frozen=True, slots=True)
class Line:
    """One device of the file: its cells by column, stripped of surrounding space."""

    number: int
    cells: Mapping[str, str]


def shown(value: str) -> str:
    """Return a cell as a message shows it: quoted, on one line, not endless."""
    return ascii(value) if BROKEN_BYTE.search(value) else repr(value if len(value) <= SHOWN else value[:SHOWN] + "...")


def read_lines(content: bytes) -> tuple[list[Line], list[Fault]]:
    """Return the devices of a CSV file and what is wrong with its form.

    Comma, semicolon or tab, as the header has it; a byte-order mark and empty lines are passed over. A line with a
    fault of form in a cell is still returned, without that cell, so that its other cells are judged too.
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    rows = _rows(reader)
    first = next(rows, None)
    if first is None or isinstance(first, Fault) or not any(cell.strip() for cell in first[1]):
        return [], [Fault(1, "", header[:SHOWN], FaultKind.NO_HEADER, "the first line names the columns")]
    columns = [cell.strip().lower() for cell in first[1]]
    faults = list(_header_faults(columns))
    lines: list[Line] = []
    for row in rows:
        if isinstance(row, Fault):
            faults.append(row)
            continue
        number, cells = row
        if not any(cell.strip() for cell in cells):
            continue
        wrong = _width_fault(number, cells, len(columns))
        if wrong is not None:
            faults.append(wrong)
        kept: dict[str, str] = {}
        for column, cell in zip(columns, cells, strict=False):
            if column not in COLUMNS or column in kept:
                continue
            fault = _cell_fault(number, column, cell.strip())
            if fault is None:
                kept[column] = cell.strip()
            else:
                faults.append(fault)
        lines.append(Line(number, kept))
    return lines, faults


def write_one(values: Mapping[str, object]) -> bytes:
    """Return a file of one device with the columns that are given; None empties one."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(values)
    writer.writerow(map(_as_cell, values.values()))
    return out.getvalue().encode("utf-8", "surrogatepass")


def _as_cell(value: object) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")  # never as 1e-05, which no spreadsheet column of degrees holds
    return "" if value is None else str(value)


def write_lines(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield a CSV file, header first, with every column; `read_lines` reads it back."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if row[name] is None else row[name] for name in COLUMNS})
        if out.tell() > 65_536:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _rows(reader: "Iterator[list[str]]") -> Iterator[tuple[int, list[str]] | Fault]:
    """Yield each record with the line it begins on; the fault that ends the file, if one does."""
    begun = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            quote = "end of data" in str(error)
            limit = "the quote that opens here is never closed" if quote else f"not readable as CSV: {error}"
            yield Fault(begun, "", "", FaultKind.OPEN_QUOTE, limit)
            if quote:
                return
            begun = reader.line_num + 1  # type: ignore[attr-defined]
            continue
        yield begun, cells
        begun = reader.line_num + 1  # type: ignore[attr-defined]


def _header_faults(columns: list[str]) -> Iterator[Fault]:
    for at, column in enumerate(columns):
        if not column:
            yield Fault(1, f"column {at + 1}", "", FaultKind.UNNAMED_COLUMN, "it has no name")
        elif column not in COLUMNS:
            limit = f"no such column; there are {', '.join(COLUMNS)}"
            yield Fault(1, column[:SHOWN], column, FaultKind.UNKNOWN_COLUMN, limit)
        elif column in columns[:at]:
            yield Fault(1, column, column, FaultKind.COLUMN_TWICE, "it stands here twice, the first one counts")
    if "device_id" not in columns:
        yield Fault(1, "device_id", "", FaultKind.NO_ID_COLUMN, "a device list needs this column")


def _width_fault(number: int, cells: list[str], width: int) -> Fault | None:
    if len(cells) == width:
        return None
    kind = FaultKind.TOO_MANY_CELLS if len(cells) > width else FaultKind.TOO_FEW_CELLS
    return Fault(number, "", str(len(cells)), kind, f"cells in this line; the header has {width} columns")


def _cell_fault(number: int, column: str, cell: str) -> Fault | None:
    def fault(kind: FaultKind, limit: str) -> Fault:
        return Fault(number, column, cell[: SHOWN + 1], kind, limit)

    if BROKEN_BYTE.search(cell):
        return fault(FaultKind.NOT_UTF8, "not UTF-8: save the file as UTF-8")
    if "\ufffd" in cell:
        return fault(FaultKind.LOST_CHARACTER, "a character was lost in an earlier conversion")
    if CONTROL.search(cell):
        return fault(FaultKind.CONTROL_CHARACTER, "control characters and line breaks are not allowed")
    if len(cell) > LONGEST_CELL:
        return fault(FaultKind.CELL_TOO_LONG, f"{len(cell)} characters, at most {LONGEST_CELL}")
    if cell.upper() in SPREADSHEET_ERRORS:
        return fault(FaultKind.SPREADSHEET_ERROR, "an error of the spreadsheet, not a value")
    if cell.startswith(("=", "@")):
        return fault(FaultKind.FORMULA, "a formula: it would run in the next spreadsheet that opens it")
    return None
