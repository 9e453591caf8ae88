"""Devices gathered on a grid: what a map shows where there are more of them than it can draw. Pure.

The grid is that of web maps (EPSG:3857, tiles of 256 pixels): a cell is 64 pixels wide at the zoom asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEEPEST = 22  # zoom
LEVELS = DEEPEST + 2  # how often the world is halved: a tile of 256 pixels at the deepest zoom is 4 cells wide
MOST = 1000  # clusters in one answer; beyond that the grid is coarser than asked for
MERCATOR = 85.05112878  # degrees of latitude at which the square of the world ends
# By rank: what is worse stands later. A source without a now ages nothing.
FRESHNESS = ("fresh", "never", "stale", "silent")
SEVERITIES = (None, "LOW", "MEDIUM", "HIGH", "CRITICAL")
STALE, SILENT = 3, 12  # expected intervals, as in the store's function `freshness`

Box = tuple[float, float, float, float]
Numbers = NDArray[np.float64]
Chosen = NDArray[np.bool_]


def _codes(words: Sequence[str | None]) -> tuple[list[str | None], NDArray[np.int32]]:
    """Return the different words, and of each place the number of its own."""
    numbers: dict[str | None, int] = {}
    codes = np.fromiter((numbers.setdefault(word, len(numbers)) for word in words), np.int32, len(words))
    return list(numbers), codes


def _nested(column: NDArray[np.int64], line: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each finest cell in Morton's order: two bits fewer are the cell of the zoom above."""
    number = np.zeros_like(column)
    for bit in range(LEVELS):
        number |= ((column >> bit) & 1) << (2 * bit) | ((line >> bit) & 1) << (2 * bit + 1)
    return number


class Places:
    """Every device that has a place, by columns; row numbers join them."""

    def __init__(self, rows: Mapping[str, Sequence[Any]]) -> None:
        """Take the columns of the query `places`."""
        longitude, latitude = np.array(rows["longitude"], np.float64), np.array(rows["latitude"], np.float64)
        # The world as a square of side 1, north up.
        sine = np.sin(np.radians(np.clip(latitude, -MERCATOR, MERCATOR)))
        x, y = (longitude + 180) / 360, 0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)
        column, line = (np.clip(side * 2**LEVELS, 0, 2**LEVELS - 1).astype(np.int64) for side in (x, y))
        cell = _nested(column, line)
        # Kept in the order of the cells: those of one cell stand together at every zoom, and no answer has to sort.
        order = np.argsort(cell, kind="stable")
        self.cell, self.longitude, self.latitude = cell[order], longitude[order], latitude[order]
        self.interval = np.array(rows["expected_interval"], np.float64)[order]
        self.last_time = np.array(rows["last_time"], np.float64)[order]  # NaN: never heard

        def words(name: str) -> list[Any]:
            return list(np.array(rows[name], np.object_)[order].tolist())

        self.ids, self.names = words("device_id"), words("name")
        self.row_of = {device_id: row for row, device_id in enumerate(self.ids)}
        self.domains, self.domain = _codes(words("domain"))
        self.districts, self.district = _codes(words("district_id"))
        self.sources, self.source = _codes(words("source_id"))

    def inside(self, box: Box | None) -> Chosen:
        """Return which lie in a box of west, south, east, north; with west > east it crosses the antimeridian."""
        if box is None:
            return np.ones(len(self.ids), np.bool_)
        west, south, east, north = box
        along = (self.longitude >= west, self.longitude <= east)
        held = along[0] & along[1] if west <= east else along[0] | along[1]
        return held & (self.latitude >= south) & (self.latitude <= north)

    def named(self, row: int) -> dict[str, Any]:
        """Return what a reader needs to know of one place."""
        return {"device_id": self.ids[row], "name": self.names[row], "domain": self.domains[self.domain[row]]}

    def freshness(self, now: float, clocks: Mapping[str, float | None]) -> NDArray[np.int8]:
        """Return each one's rank in FRESHNESS at `now`, or at the now of its own source (s of Unix)."""
        nows = np.array([clocks.get(str(name), now) for name in self.sources], np.float64)[self.source]
        age = (nows - self.last_time) / self.interval
        rank = np.where(age > SILENT, 3, np.where(age > STALE, 2, 0)).astype(np.int8)
        rank[np.isnan(self.last_time)] = 1
        return rank


@dataclass(frozen=True, slots=True)
class States:
    """What is the matter with each place: ranks in SEVERITIES and FRESHNESS (None: not known), and who waits."""

    severity: NDArray[np.int8]
    waiting: Chosen
    freshness: NDArray[np.int8] | None

    @classmethod
    def of(cls, places: Places, alerts: Iterable[Mapping[str, Any]], freshness: NDArray[np.int8] | None) -> "States":
        """Return the states by the rows of a query such as `open_alerts`."""
        severity, waiting = np.zeros(len(places.ids), np.int8), np.zeros(len(places.ids), np.bool_)
        for alert in alerts:
            row = places.row_of.get(alert["device_id"])
            if row is not None:
                severity[row], waiting[row] = alert["worst"], alert["waiting"]
        return cls(severity, waiting, freshness)


def _sums(freshness: NDArray[np.int8] | None) -> dict[str, int] | None:
    if freshness is None:
        return None
    counts = np.bincount(freshness, minlength=len(FRESHNESS))
    return {name: int(count) for name, count in zip(FRESHNESS, counts, strict=True)}


def total(places: Places, states: States, chosen: Chosen) -> dict[str, Any]:
    """Return what holds for all chosen places together."""
    rows = np.flatnonzero(chosen)
    counts = np.bincount(places.domain[rows], minlength=len(places.domains))
    whole = np.zeros(min(1, len(rows)), np.intp)
    return {
        "devices": len(rows),
        "freshness": _sums(None if states.freshness is None else states.freshness[rows]),
        "alerting": int(np.count_nonzero(states.severity[rows])),
        "domains": {str(name): int(n) for name, n in zip(places.domains, counts, strict=True) if n},
        "extent": next(_extents(places, rows, whole), None),
    }


def _extents(places: Places, rows: NDArray[np.intp], begins: NDArray[np.intp]) -> Iterator[list[float]]:
    """Yield west, south, east, north of each run of rows."""
    longitude, latitude = places.longitude[rows], places.latitude[rows]
    sides = [
        np.round(least.reduceat(values, begins), 6).tolist() if len(begins) else []
        for least, values in (
            (np.minimum, longitude), (np.minimum, latitude), (np.maximum, longitude), (np.maximum, latitude)
        )
    ]  # fmt: skip
    for side in zip(*sides, strict=True):
        yield list(side)


def _runs(cell: NDArray[np.int64], zoom: int) -> tuple[int, NDArray[np.intp]]:
    """Return where each cell begins, on the grid of `zoom` or of the nearest above it that has no more than MOST."""
    while True:
        cells = cell >> 2 * (DEEPEST - zoom)
        begins = np.flatnonzero(np.r_[True, cells[1:] != cells[:-1]])
        if len(begins) <= MOST or zoom == 0:
            return zoom, begins
        zoom -= 1


def gather(places: Places, states: States, chosen: Chosen, zoom: int, apart: int | None = None) -> dict[str, Any]:
    """Return the chosen places as clusters on the grid of `zoom`, or of a lower one where those were too many.

    `apart` is a row that stands by itself whatever is near it: the device that is selected.
    """
    rows = np.flatnonzero(chosen)
    items: list[dict[str, Any]] = []
    if apart is not None and chosen[apart]:
        rows = rows[rows != apart]
        items += _clusters(places, states, np.array([apart]), np.array([0]))
    if len(rows):
        zoom, begins = _runs(places.cell[rows], zoom)
        items += _clusters(places, states, rows, begins)
    return {"zoom": zoom, "items": items}


def _clusters(
    places: Places, states: States, rows: NDArray[np.intp], begins: NDArray[np.intp]
) -> Iterator[dict[str, Any]]:
    """Yield one cluster for each run of rows."""
    counts = np.diff(np.r_[begins, len(rows)])
    severity = states.severity[rows]
    worst = np.maximum.reduceat(severity, begins)
    columns = {
        "row": rows[begins],
        "count": counts,
        "worst": worst,
        "waiting": np.logical_or.reduceat(states.waiting[rows] & (severity == np.repeat(worst, counts)), begins),
        "alerting": np.add.reduceat(severity > 0, begins, dtype=np.int64),
        "longitude": np.round(np.add.reduceat(places.longitude[rows], begins) / counts, 6),
        "latitude": np.round(np.add.reduceat(places.latitude[rows], begins) / counts, 6),
    }
    if states.freshness is not None:
        kept = states.freshness[rows]
        for rank, name in enumerate(FRESHNESS):
            columns[name] = np.add.reduceat(kept == rank, begins, dtype=np.int64)
    lists = zip(*(column.tolist() for column in columns.values()), strict=True)
    for values, extent in zip(lists, _extents(places, rows, begins), strict=True):
        one = dict(zip(columns, values, strict=True))
        row = one["row"]
        yield {
            "longitude": one["longitude"],
            "latitude": one["latitude"],
            "extent": extent,
            "count": one["count"],
            "freshness": None if states.freshness is None else {name: one[name] for name in FRESHNESS},
            "alerting": one["alerting"],
            "worst_severity": SEVERITIES[one["worst"]],
            "waiting": one["waiting"],
            "device": None if one["count"] > 1 else places.named(row),
        }
