"""Devices by place, gathered for a map: a hundred thousand of them fit on a screen."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from api.answer import answer
from api.clusters import Chosen, Places, States, gather, total
from api.context import BBoxDep, DomainQuery, Identifier, NowDep, PoolDep, PrincipalDep
from api.map_schemas import ClusterPage
from api.permissions import Allow, Permission
from api.place_index import PlaceIndex
from api.plain import Word
from api.principal import Limits
from api.problems import responses
from api.schemas import Instant
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["devices"], dependencies=[Allow(Permission.READ)])


async def get_index(request: Request) -> PlaceIndex:
    """Return the index of places, kept by the application."""
    index: PlaceIndex = request.app.state.places
    return index


def _within(places: Places, limits: Limits | None) -> Chosen:
    """Return which places an account sees that is limited to a part of the city."""
    if limits is None:
        return np.ones(len(places.ids), np.bool_)
    seen = [[limits.covers(district, domain) for domain in places.domains] for district in places.districts]
    # One place is enough of a table for a city without devices.
    return np.array(seen or [[False]], np.bool_)[places.district, places.domain]


def _equal(codes: Any, words: list[str | None], wanted: str | None) -> Any:
    """Return which have the word that is wanted; all of them where none is."""
    if wanted is None:
        return True
    return codes == words.index(wanted) if wanted in words else False


@router.get("/device-clusters", response_model=ClusterPage, responses=responses(422, 503))
async def list_device_clusters(
    pool: PoolDep,
    principal: PrincipalDep,
    index: Annotated[PlaceIndex, Depends(get_index)],
    now: NowDep,
    bbox: BBoxDep,
    zoom: Annotated[int, Query(ge=0, le=22, description="of a web map; a cell is 64 of its pixels")] = 12,
    domain: DomainQuery = None,
    source_id: Annotated[Word, Query(description="source of time")] = "live",
    device_id: Annotated[Identifier | None, Query(description="a device that is to stand by itself")] = None,
    at: Annotated[Instant | None, Query(description="alerts as they stood at this time instead of now")] = None,
) -> Response:
    """Located devices gathered on the grid of a web map, each cluster with its count and worst state.

    Alerts are those of this moment, or of `at`; how fresh devices are may be ten seconds old, and is not
    known for `at`.
    At most 1,000 clusters: beyond that the grid is that of a lower `zoom`, which the answer names.
    """
    known = await index.now()
    places = known.places
    alerts: list[Mapping[str, Any]] = (
        await pool.fetch(query("map", "open_alerts")) if at is None else await pool.fetch(query("map", "alerts_at"), at)
    )
    freshness = places.freshness(now.timestamp(), known.clocks) if at is None else None
    states = States.of(places, alerts, freshness)
    seen = _within(places, principal.limits)
    seen &= _equal(places.source, places.sources, source_id)
    seen &= _equal(places.domain, places.domains, domain)
    apart = None if device_id is None else places.row_of.get(device_id)
    held = seen & places.inside(bbox)
    return answer({"at": at or now, **total(places, states, held), **gather(places, states, held, zoom, apart)})
