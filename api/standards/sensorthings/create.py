"""Makes entities, with all that a body holds inside, in one transaction; observations go into the log like any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.standards.sensorthings.bodies import Body, check_body, check_span, linked, parse_span, point_of, slug
from api.standards.sensorthings.compiled import parse_key
from api.standards.sensorthings.errors import RequestError
from api.standards.sensorthings.model import ENTITY_SETS
from devices.geometry import district_of, make_shapes
from devices.model import Domain, QualityFlag
from devices.properties import DERIVED
from sql.connection import Connection, Pool
from sql.engine import detect_engine
from sql.observations import count_deliveries, store_observations
from sql.queries import query

PROFILE = "citywatch/native"  # a thing made here may also report by the city's own messages
MAX_ROWS = 10_000  # observations in one request


class ConflictError(RequestError):
    """Something else stands there already."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An observation to be written, with what it says beside."""

    datastream_id: int
    device_id: str
    start: datetime
    end: datetime | None
    result: float
    body: Body
    feature_id: str | None

    @property
    def says_more(self) -> bool:
        """Return whether there is anything beside time and result."""
        more = ("resultTime", "validTime", "resultQuality", "parameters")
        return self.end is not None or self.feature_id is not None or any(name in self.body for name in more)

    @property
    def row_id(self) -> str:
        """Return its id in the standard."""
        return f"{self.datastream_id}-{int(self.start.timestamp()) * 1_000_000 + self.start.microsecond}"


async def make_room(pool: Pool, body: object, now: datetime) -> None:
    """Provide the partitions that the observations in a body need, before the transaction that writes them."""
    times = list(_times(body, now, 0))
    if times:
        async with pool.acquire() as connection:
            await (await detect_engine(connection)).ensure(connection, times)


def _times(body: object, now: datetime, depth: int) -> Iterator[datetime]:
    if depth > 20:
        raise RequestError("a body nests at most 20 levels deep")
    if isinstance(body, list):
        for part in body:
            yield from _times(part, now, depth + 1)
    elif isinstance(body, dict):
        if "result" in body:
            text = body.get("phenomenonTime")
            # What is no time is refused later, with the place where it stands.
            with suppress(RequestError):
                yield check_span(text, now, "phenomenonTime")[0] if isinstance(text, str) else now
        for part in body.values():
            yield from _times(part, now, depth + 1)


class Maker:
    """Makes what one request holds."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._pending: dict[tuple[int, datetime], Pending] = {}
        self._registry_changed = False

    async def make(self, entity_set: str, body: object) -> object:
        """Make one entity and what is inside, and return its id; raise RequestError where the body is incomplete."""
        made = await self._make(entity_set, body, ENTITY_SETS[entity_set].single)
        await self.finish()
        return made

    async def observe(self, body: object) -> str:
        """Take one observation, written by `finish`; raise RequestError."""
        return await self._observation(body, "Observation")

    async def finish(self) -> None:
        """Write the observations taken so far, last of all: from here to the commit the log is held."""
        if self._registry_changed:
            await self._connection.execute(query("registry", "announce_registry"))
        await self._store(list(self._pending.values()))

    async def _make(self, entity_set: str, body: object, where: str) -> object:
        match entity_set:
            case "Things":
                return await self._thing(body, where)
            case "Locations":
                return await self._location(body, where)
            case "HistoricalLocations":
                return await self._historical(body, where)
            case "Datastreams":
                return await self._datastream(body, where)
            case "Sensors" | "ObservedProperties":
                return await self._described(entity_set, body, where)
            case "FeaturesOfInterest":
                return await self._feature(body, where)
            case _:
                return await self._observation(body, where)

    async def _one(self, entity_set: str, body: Body, where: str) -> Any:
        """Return the id of the entity that a body names or describes."""
        key = linked(body)
        if key is None:
            return await self._make(entity_set, body, where)
        model = ENTITY_SETS[entity_set]
        wanted = parse_key(model, str(key)) if isinstance(key, str | int) and not isinstance(key, bool) else None
        if wanted is not None:
            kind = "int" if model.key is int else "text"
            text = f"SELECT 1 FROM {model.rows} AS one WHERE one.id = $1::{kind}"
            if await self._connection.fetchval(text, wanted):
                return wanted
        raise RequestError(f"{where}: there is no {model.single} {key!r:.80}")

    async def _thing(self, body: object, where: str) -> str:
        body = check_body("Things", body, where)
        properties = body.get("properties", {})
        known = properties.get("domain")
        domain = Domain(known) if known in set(Domain) else Domain.WEATHER
        device_id: str = await self._connection.fetchval(
            query("sensorthings", "make_thing"), _name(body), PROFILE, domain, body["description"], properties
        )
        self._registry_changed = True
        places = [
            await self._one("Locations", place, f"{where}.Locations[{k}]")
            for k, place in enumerate(body.get("Locations", []))
        ]
        for k, past in enumerate(body.get("HistoricalLocations", [])):
            if not isinstance(past, dict):
                raise RequestError(f"{where}.HistoricalLocations[{k}] is to be an object")
            given = {"Locations": [{"@iot.id": place} for place in places], **past, "Thing": {"@iot.id": device_id}}
            await self._historical(given, f"{where}.HistoricalLocations[{k}]")
        if places:
            await self._place(device_id, places)
        for k, datastream in enumerate(body.get("Datastreams", [])):
            inner = f"{where}.Datastreams[{k}]"
            await self._datastream(_under(datastream, "Thing", device_id, inner), inner)
        return device_id

    async def _place(self, device_id: str, places: list[str]) -> None:
        """Put a thing where `places` are, from now on."""
        made = await self._connection.fetchval("SELECT EXISTS (SELECT FROM sta_thing WHERE device_id = $1)", device_id)
        if not made:
            raise ConflictError(f"{device_id} is in the city's registry, and its place is kept there")
        await self._connection.execute(query("sensorthings", "end_placing"), device_id)
        placing = await self._connection.fetchval(query("sensorthings", "make_placing"), device_id, self._now)
        await self._connection.execute(query("sensorthings", "make_placed"), placing, places, True)
        place = await self._connection.fetchrow(query("sensorthings", "point_of"), places)
        if place is not None:
            shapes = make_shapes(await self._connection.fetch(query("devices", "district_shapes")))
            district = district_of(place["longitude"], place["latitude"], shapes)
            await self._connection.execute(query("sensorthings", "keep_place"), device_id, *place, district)
        self._registry_changed = True

    async def _location(self, body: object, where: str) -> str:
        body = check_body("Locations", body, where)
        longitude, latitude = point_of(body["location"])
        location_id: str = await self._connection.fetchval(
            query("sensorthings", "make_location"), _name(body), body["description"], body["encodingType"],
            body["location"], longitude, latitude, body.get("properties", {}),
        )  # fmt: skip
        for k, thing in enumerate(body.get("Things", [])):
            inner = f"{where}.Things[{k}]"
            if not isinstance(thing, dict):
                raise RequestError(f"{inner} is to be an object")
            await self._place(await self._one("Things", thing, inner), [location_id])
        return location_id

    async def _historical(self, body: object, where: str) -> str:
        body = check_body("HistoricalLocations", body, where)
        thing = await self._one("Things", body["Thing"], f"{where}.Thing")
        if not body["Locations"]:
            raise RequestError(f"{where}: Locations is to name one or more")
        places = [
            await self._one("Locations", _object(place, f"{where}.Locations[{k}]"), f"{where}.Locations[{k}]")
            for k, place in enumerate(body["Locations"])
        ]
        at = parse_span(body["time"], f"{where}.time")[0]
        placing: str = await self._connection.fetchval(query("sensorthings", "make_placing"), thing, at)
        await self._connection.execute(query("sensorthings", "make_placed"), placing, places, False)
        return placing

    async def _described(self, entity_set: str, body: object, where: str) -> str:
        """Make a Sensor or an ObservedProperty, and the datastreams inside."""
        body = check_body(entity_set, body, where)
        single = ENTITY_SETS[entity_set].single
        if entity_set == "Sensors":
            text, *values = "make_sensor", _name(body), body["description"], body["encodingType"], body["metadata"]
        else:
            name = body["name"]
            text, *values = "make_property", slug(name), name, body["definition"], body["description"]
        made: str = await self._connection.fetchval(query("sensorthings", text), *values, body.get("properties", {}))
        for k, datastream in enumerate(body.get("Datastreams", [])):
            inner = f"{where}.Datastreams[{k}]"
            await self._datastream(_under(datastream, single, made, inner), inner)
        return made

    async def _feature(self, body: object, where: str) -> str:
        body = check_body("FeaturesOfInterest", body, where)
        longitude, latitude = point_of(body["feature"])
        feature_id: str = await self._connection.fetchval(
            query("sensorthings", "make_feature"), _name(body), body["description"], body["encodingType"],
            body["feature"], longitude, latitude, body.get("properties", {}),
        )  # fmt: skip
        for k, observation in enumerate(body.get("Observations", [])):
            inner = f"{where}.Observations[{k}]"
            await self._observation(_under(observation, "FeatureOfInterest", feature_id, inner), inner)
        return feature_id

    async def _datastream(self, body: object, where: str) -> int:
        body = check_body("Datastreams", body, where)
        thing = await self._one("Things", body["Thing"], f"{where}.Thing")
        sensor = await self._one("Sensors", body["Sensor"], f"{where}.Sensor")
        observed = await self._one("ObservedProperties", body["ObservedProperty"], f"{where}.ObservedProperty")
        if observed in DERIVED:
            raise RequestError(f"{where}: {observed} is worked out here from other readings, and taken from nobody")
        unit = body["unitOfMeasurement"]
        datastream_id: int = await self._connection.fetchval(
            query("sensorthings", "make_datastream"), thing, observed, unit["symbol"] or "1", _name(body),
            body["description"], body["observationType"], unit, sensor, body.get("properties", {}),
        )  # fmt: skip
        self._registry_changed = True
        for k, observation in enumerate(body.get("Observations", [])):
            inner = f"{where}.Observations[{k}]"
            await self._observation(_under(observation, "Datastream", datastream_id, inner), inner)
        return datastream_id

    async def _observation(self, body: object, where: str) -> str:
        body = check_body("Observations", body, where)
        datastream_id = await self._one("Datastreams", body["Datastream"], f"{where}.Datastream")
        text = body.get("phenomenonTime")
        start, end = (self._now, None) if text is None else check_span(text, self._now, f"{where}.phenomenonTime")
        for name in ("resultTime", "validTime"):
            if name in body:
                parse_span(body[name], f"{where}.{name}")
        found = await self._connection.fetchrow(query("sensorthings", "has_place"), datastream_id)
        assert found is not None
        if found["property"] in DERIVED:
            raise RequestError(f"{where}: {found['property']} is worked out here, and taken from nobody")
        feature = body.get("FeatureOfInterest")
        if feature is None and not found["placed"]:
            raise RequestError(f"{where}: FeatureOfInterest is missing, and the Thing has no Location to stand for it")
        feature_id = None
        if feature is not None:
            feature_id = await self._one("FeaturesOfInterest", feature, f"{where}.FeatureOfInterest")
            if not await self._connection.fetchval(
                "SELECT EXISTS (SELECT FROM sta_feature WHERE feature_id = $1)", feature_id
            ):
                feature_id = None  # the thing's own place: what stands there without being named
        if len(self._pending) >= MAX_ROWS:
            raise RequestError(f"one request carries at most {MAX_ROWS} observations")
        row = Pending(datastream_id, found["device_id"], start, end, float(body["result"]), body, feature_id)
        other = self._pending.setdefault((datastream_id, start), row)
        if other.result != row.result:
            raise ConflictError(f"{where}: Datastream {datastream_id} has two results for {start.isoformat()}")
        return row.row_id

    async def _store(self, rows: list[Pending]) -> None:
        """Write observations, the tail that other processes follow, and the account."""
        if not rows:
            return
        keys = [row.datastream_id for row in rows], [row.start for row in rows]
        results = [row.result for row in rows]
        taken = await self._connection.fetchval(query("sensorthings", "same_observations"), *keys, results)
        if taken is not None:
            row = rows[taken - 1]
            raise ConflictError(
                f"Datastream {row.datastream_id} has another result for {row.start.isoformat()} already"
            )
        told = [row for row in rows if row.says_more]
        await self._connection.execute(
            query("sensorthings", "describe_observations"),
            [row.datastream_id for row in told],
            [row.start for row in told],
            [row.end for row in told],
            [_start(row.body, "resultTime") for row in told],
            [row.body.get("validTime") for row in told],
            [row.body.get("resultQuality") for row in told],
            [row.body.get("parameters") for row in told],
            [row.feature_id for row in told],
        )
        written = await store_observations(
            self._connection,
            datastreams=keys[0],
            times=keys[1],
            received=[self._now] * len(rows),
            results=results,
            quality=[QualityFlag.NOT_EVALUATED] * len(rows),
            tests=[0] * len(rows),
        )
        fresh = {row.datastream_id: 0 for row in rows}
        new = set(zip(written["datastream_id"] or (), written["phenomenon_time"] or (), strict=True))
        for row in rows:
            fresh[row.datastream_id] += written["stored"] == len(rows) or (row.datastream_id, row.start) in new
        await self._count(rows, fresh)

    async def _count(self, rows: list[Pending], fresh: Mapping[int, int]) -> None:
        """Count each datastream's observations as one message accepted, so that both sums close."""
        hour = self._now.replace(minute=0, second=0, microsecond=0)
        sums: dict[str, list[int]] = {}
        for datastream_id, stored in fresh.items():
            mine = [row for row in rows if row.datastream_id == datastream_id]
            total = sums.setdefault(mine[0].device_id, [0, 0, 0, 0, 0, 0, 0])
            # received, accepted, rejected, readings, stored, duplicate, refused
            for k, n in enumerate((1, 1, 0, len(mine), stored, len(mine) - stored, 0)):
                total[k] += n
        columns = [list(column) for column in zip(*sums.values(), strict=True)]
        await count_deliveries(self._connection, list(sums), [hour] * len(sums), columns)


def _name(body: Body) -> str:
    """Return the name; version 1.0 of the standard had none, and its clients send the description only."""
    return str(body.get("name", body["description"]))[:200]


def _object(value: object, where: str) -> Body:
    if not isinstance(value, dict):
        raise RequestError(f"{where} is to be an object")
    return value


def _under(body: object, relation: str, key: object, where: str) -> Body:
    """Return a body that stands inside another, with the link that its place says."""
    return {**_object(body, where), relation: {"@iot.id": key}}


def _start(body: Body, name: str) -> datetime | None:
    return parse_span(body[name], name)[0] if name in body else None
