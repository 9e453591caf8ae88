"""One line of a device list against what the city has: a device entry, or everything that is wrong with it."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from devices.device_file import Fault, FaultKind, Line
from devices.geometry import Shape, distance_between, district_of
from devices.model import Domain
from devices.properties import FORBIDDEN
from devices.registry import DeviceEntry

LONGEST_ID, LONGEST_NAME, MOST_TAGS = 64, 200, 50
SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(seconds=1), timedelta(days=366)
FARTHEST_FROM_SITE = 5000.0  # m
SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# Columns that may stay empty, and what empty means
EMPTY: Mapping[str, object] = {
    "name": "",
    "site_id": None,
    "district_id": None,
    "latitude": None,
    "longitude": None,
    "source_id": "live",
    "expected_interval": timedelta(minutes=5),
    "tags": {},
    "version": None,
}
PLACE = ("latitude", "longitude", "district_id")
Value = Any


@dataclass(frozen=True, slots=True)
class Known:
    """What the city has: what a line may refer to, and the devices of the file that are registered already."""

    profiles: Mapping[str, Domain]
    sites: Mapping[str, tuple[float | None, float | None]]  # longitude and latitude
    districts: frozenset[str]
    shapes: Sequence[Shape]
    sources: frozenset[str]
    devices: Mapping[str, Mapping[str, Value]]


class _WrongError(Exception):
    def __init__(self, kind: FaultKind, limit: str) -> None:
        self.kind, self.limit = kind, limit


def check_lines(lines: Sequence[Line], known: Known) -> tuple[list[DeviceEntry], list[Fault]]:
    """Return the entries of the lines that are right, and every fault of the others."""
    entries, faults = [], []
    seen: dict[str, tuple[str, int]] = {}
    for line in lines:
        device_id = line.cells.get("device_id", "")
        earlier = seen.setdefault(device_id.lower(), (device_id, line.number)) if device_id else None
        wrong: list[Fault] = []
        if earlier is not None and earlier[1] != line.number:
            same = earlier[0] == device_id
            kind = FaultKind.ID_TWICE if same else FaultKind.ID_CASE
            limit = f"it stands on line {earlier[1]} already" + ("" if same else ", written with other capitals")
            wrong.append(Fault(line.number, "device_id", device_id, kind, limit))
        entry = _check(line, known, wrong)
        faults.extend(wrong)
        if entry is not None and not wrong:
            entries.append(entry)
    return entries, faults


def _check(line: Line, known: Known, faults: list[Fault]) -> DeviceEntry | None:
    def fault(column: str, kind: FaultKind, limit: str) -> None:
        faults.append(Fault(line.number, column, line.cells.get(column, ""), kind, limit))

    device_id = line.cells.get("device_id")
    if device_id is None:
        return None  # its fault is named already
    present = known.devices.get(device_id)
    values: dict[str, Value] = dict(EMPTY) if present is None else dict(present)
    values["version"] = None
    for column, text in line.cells.items():
        try:
            if text == "" and column in EMPTY:
                values[column] = EMPTY[column]
            elif text or column in ("device_id", "profile"):
                values[column] = CHECKS[column](text, known)
        except _WrongError as wrong:
            fault(column, wrong.kind, wrong.limit)
    if "profile" not in line.cells and present is None and not _has_fault(faults, line.number, "profile"):
        fault("profile", FaultKind.PROFILE_MISSING, "a new device needs one")
    kept = present is not None and "domain" not in line.cells and values.get("profile") == present["profile"]
    if not line.cells.get("domain") and not kept:
        values["domain"] = known.profiles.get(values.get("profile", ""), Domain.HEALTH)
    _check_version(values.pop("version"), present, fault)
    _check_place(values, present, line, known, fault)
    if any(one.line == line.number for one in faults):
        return None
    return DeviceEntry.model_validate({name: values[name] for name in DeviceEntry.model_fields})


_Say = Callable[[str, FaultKind, str], None]


def _has_fault(faults: list[Fault], line: int, column: str) -> bool:
    return any(one.line == line and one.column == column for one in faults)


def _check_version(version: int | None, present: Mapping[str, Value] | None, fault: _Say) -> None:
    if version is None:
        return
    if present is None:
        fault("version", FaultKind.VERSION_WITHOUT_DEVICE, "there is no such device: leave this empty for a new one")
    elif present["version"] != version:
        limit = f"the device was changed since, it is at version {present['version']}: export it again"
        fault("version", FaultKind.VERSION_STALE, limit)


def _check_place(
    values: dict[str, Value], present: Mapping[str, Value] | None, line: Line, known: Known, fault: _Say
) -> None:
    """Judge latitude and longitude together, and let them assign the district."""
    latitude, longitude, district = values["latitude"], values["longitude"], values["district_id"]
    cells = line.cells
    if (latitude is None) != (longitude is None):
        # Where the other one is there but wrong, that is said already.
        if latitude is None and cells.get("latitude") == "":
            fault("longitude", FaultKind.LONGITUDE_ALONE, "a location needs its latitude too")
        if longitude is None and cells.get("longitude") == "":
            fault("latitude", FaultKind.LATITUDE_ALONE, "a location needs its longitude too")
        return
    if latitude is None or longitude is None:
        return
    if latitude == 0 and longitude == 0:
        fault("latitude", FaultKind.LOCATION_ZERO, "latitude and longitude 0 are what a missing location looks like")
        return
    if "latitude" not in cells and "longitude" not in cells and "district_id" not in cells:
        return
    within = district_of(longitude, latitude, known.shapes)
    # What is stored already, as exported, is not this file's fault.
    stored = present is not None and all(values[name] == present[name] for name in PLACE)
    if not stored and within is None and district_of(latitude, longitude, known.shapes) is not None:
        fault("latitude", FaultKind.LOCATION_SWAPPED, "latitude and longitude seem to be exchanged")
    elif district is None or "district_id" not in cells:
        values["district_id"] = within
    elif not stored and any(shape.district_id == district for shape in known.shapes) and within != district:
        _check_district(district, longitude, latitude, within, known, fault)
    site = known.sites.get(values["site_id"] or "")
    if site is not None and site[0] is not None and site[1] is not None:
        far = distance_between((longitude, latitude), (site[0], site[1]))
        if far > FARTHEST_FROM_SITE:
            limit = f"the location is {far / 1000:.1f} km from this site, at most {FARTHEST_FROM_SITE / 1000:.0f} km"
            fault("site_id", FaultKind.SITE_ELSEWHERE, limit)


def _check_district(
    district: str, longitude: float, latitude: float, within: str | None, known: Known, fault: _Say
) -> None:
    if any(shape.district_id == district and shape.contains(longitude, latitude) for shape in known.shapes):
        return  # districts overlap: both are right
    if within is None:
        fault("district_id", FaultKind.DISTRICT_OUTSIDE, "the location lies in no district: leave this empty")
    else:
        fault("district_id", FaultKind.DISTRICT_OTHER, f"the location lies in {within}")


def _device_id(text: str, _known: Known) -> str:
    if not text:
        raise _WrongError(FaultKind.ID_MISSING, "every line needs one")
    if SCIENTIFIC.fullmatch(text):
        raise _WrongError(FaultKind.ID_SCIENTIFIC, "a spreadsheet has rounded this id: format the column as text")
    if len(text) > LONGEST_ID:
        raise _WrongError(FaultKind.ID_TOO_LONG, f"{len(text)} characters, at most {LONGEST_ID}")
    wrong = re.search(r"[^A-Za-z0-9._:-]", text)
    if wrong is not None:
        raise _WrongError(FaultKind.ID_CHARACTER, f"{wrong[0]!r} is not one of letters, digits, dot, _, : and -")
    if not text[0].isalnum():
        raise _WrongError(FaultKind.ID_START, "it begins with a letter or a digit")
    return text


def _profile(text: str, known: Known) -> str:
    if not text:
        raise _WrongError(FaultKind.PROFILE_MISSING, "every device needs one")
    if not re.fullmatch(r"[^/\s]+/[^/\s]+", text):
        raise _WrongError(FaultKind.PROFILE_FORM, "it is written VENDOR/MODEL")
    if text not in known.profiles:
        raise _WrongError(FaultKind.PROFILE_UNKNOWN, "there is no such profile")
    return text


def _domain(text: str, _known: Known) -> Domain:
    try:
        return Domain(text)
    except ValueError:
        raise _WrongError(FaultKind.DOMAIN_UNKNOWN, f"it is one of {', '.join(Domain)}") from None


def _name(text: str, _known: Known) -> str:
    if len(text) > LONGEST_NAME:
        raise _WrongError(FaultKind.NAME_TOO_LONG, f"{len(text)} characters, at most {LONGEST_NAME}")
    return text


def _reference(too_long: FaultKind, unknown: FaultKind, what: str) -> Callable[[str, Known], str]:
    def check(text: str, known: Known) -> str:
        if len(text) > LONGEST_ID:
            raise _WrongError(too_long, f"{len(text)} characters, at most {LONGEST_ID}")
        there = {"site": known.sites, "district": known.districts, "source": known.sources}[what]
        if text not in there:
            raise _WrongError(unknown, f"there is no such {what}")
        return text

    return check


def _degrees(name: str, largest: int) -> Callable[[str, Known], float]:
    def kind(suffix: str) -> FaultKind:
        return FaultKind(f"{name}_{suffix}")

    def check(text: str, _known: Known) -> float:
        if NUMBER.fullmatch(text.replace(",", ".")) and "," in text:
            raise _WrongError(kind("comma"), "write a decimal point")
        if re.search(r"[°'\"]|^[NSEW]|[NSEW]$", text):
            raise _WrongError(kind("degrees"), "write decimal degrees, such as 52.5200")
        try:
            value = float(text)
        except ValueError:
            raise _WrongError(kind("not_a_number"), "a number in degrees is expected") from None
        if math.isnan(value):
            raise _WrongError(kind("not_a_number"), "a number in degrees is expected")
        if not -largest <= value <= largest:
            raise _WrongError(kind("range"), f"from -{largest} to {largest} degrees")
        return value

    return check


def _interval(text: str, _known: Known) -> timedelta:
    if NUMBER.fullmatch(text) and float(text) != 0:
        raise _WrongError(FaultKind.INTERVAL_WITHOUT_UNIT, "a number without a unit: write 60s, 15m or 1h")
    try:
        interval = parse_duration("0s" if NUMBER.fullmatch(text) else text)
    except (SettingsError, OverflowError):
        raise _WrongError(FaultKind.INTERVAL_FORM, "write a number and one of s, m, h, d, as in 1h30m") from None
    if not interval:
        raise _WrongError(FaultKind.INTERVAL_ZERO, "it is longer than nothing")
    if interval < SHORTEST_INTERVAL:
        raise _WrongError(FaultKind.INTERVAL_SHORT, "at least 1s")
    if interval > LONGEST_INTERVAL:
        raise _WrongError(FaultKind.INTERVAL_LONG, f"at most {LONGEST_INTERVAL.days}d")
    return interval


def _tags(text: str, _known: Known) -> dict[str, Value]:
    try:
        tags = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _WrongError(FaultKind.TAGS_NOT_JSON, 'write JSON, such as {"street": "Main"}') from None
    if not isinstance(tags, dict):
        raise _WrongError(FaultKind.TAGS_NOT_AN_OBJECT, 'write an object, such as {"street": "Main"}')
    if len(tags) > MOST_TAGS:
        raise _WrongError(FaultKind.TAGS_TOO_MANY, f"{len(tags)} tags, at most {MOST_TAGS}")
    personal = sorted(name for name in tags if name.lower() in FORBIDDEN)
    if personal:
        raise _WrongError(FaultKind.TAGS_PERSONAL, f"{personal[0]} is about persons, which is not kept here")
    if any(isinstance(value, dict | list) for value in tags.values()):
        raise _WrongError(FaultKind.TAGS_NESTED, "a tag is a text, a number, true, false or null")
    return tags


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _version(text: str, _known: Known) -> int:
    if not re.fullmatch(r"[+-]?\d{1,9}", text):
        raise _WrongError(FaultKind.VERSION_NOT_A_NUMBER, "a whole number, as it was exported")
    if int(text) < 1:
        raise _WrongError(FaultKind.VERSION_RANGE, "at least 1")
    return int(text)


CHECKS: Mapping[str, Callable[[str, Known], Value]] = {
    "device_id": _device_id,
    "profile": _profile,
    "domain": _domain,
    "name": _name,
    "site_id": _reference(FaultKind.SITE_TOO_LONG, FaultKind.SITE_UNKNOWN, "site"),
    "district_id": _reference(FaultKind.DISTRICT_TOO_LONG, FaultKind.DISTRICT_UNKNOWN, "district"),
    "latitude": _degrees("latitude", 90),
    "longitude": _degrees("longitude", 180),
    "source_id": _reference(FaultKind.SOURCE_TOO_LONG, FaultKind.SOURCE_UNKNOWN, "source"),
    "expected_interval": _interval,
    "tags": _tags,
    "version": _version,
}
