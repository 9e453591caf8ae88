"""`citywatch indicators compare | equity | routes`: judgements over the whole store, from the command line."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
import typer

from citywatch.cli.instants import instant
from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from indicators.collection import Shift, collection_task, plan_as_told, seconds_of, solve
from indicators.districts import Periods, district_effects, district_service
from indicators.route_export import to_csv, to_geojson
from sql.connection import Connection
from sql.pool import set_up

Json = Annotated[bool, typer.Option("--json", help="for programs")]
Answer = TypeVar("Answer")
SPAN = "two instants, RFC 3339, with a slash between; the second is not included"


def compare(
    name: Annotated[str, typer.Argument(help="observed property, for example no2")],
    before: Annotated[str, typer.Option(help=f"the period before the measure: {SPAN}")],
    after: Annotated[str, typer.Option(help="the period after it, likewise")],
    control: Annotated[str | None, typer.Option(help="district that the measure does not touch")] = None,
    share: Annotated[float, typer.Option(min=0.5, max=0.999, help="what the interval is to hold")] = 0.99,
    as_json: Json = False,
) -> None:
    """Say what changed in each district between two periods, with interval and n.

    Hours of the week are matched. Without a control district, season and weather look like the measure.

    Example: `citywatch indicators compare no2 --before 2026-01-01/2026-03-01 --after 2026-03-01/2026-05-01`
    """
    periods = Periods(_span("--before", before), _span("--after", after))
    zone = ZoneInfo(load_settings().indicators.zone)
    found = _ask(lambda store: district_effects(store, name, periods, zone, control, share))
    if as_json:
        print(json.dumps(found))
        return
    for each in found["items"]:
        print(f"{each['district_id'] or '(no district)'}: {_effect(each, found['share'])}")
    if not found["items"]:
        print(f"No district has {name} in both periods.")


def equity(
    days: Annotated[int, typer.Option(min=1, max=3660, help="how far alerts and overflow are looked at")] = 30,
    as_json: Json = False,
) -> None:
    """Say whether districts are served alike: coverage, overflow hours, response times, parity, Gini and Theil.

    Example: `citywatch indicators equity --days 90`
    """
    found = _ask(lambda store: district_service(store, datetime.now(UTC) - timedelta(days=days)))
    if as_json:
        print(json.dumps(found, default=lambda at: at.isoformat()))
        return
    for each in found["districts"]:
        coverage = "no residents known" if each["coverage"] is None else f"{each['coverage']:.1f} per 10,000 residents"
        slow = each["to_acknowledge"]
        waited = f"{slow['median_s'] / 60:.0f} min to acknowledge (n {slow['n']})" if slow["n"] else "no alert answered"
        print(
            f"{each['name']}: {each['devices']} devices, {coverage}; "
            f"{each['overflow_hours']} overflow hours of {each['bins']} bins; {waited}"
        )
    if found["parity"] is not None:
        told = "below four fifths" if found["flagged"] else "above four fifths"
        spread = f"Gini {found['gini']:.3f}, Theil {found['theil']:.3f}"
        print(f"Parity {found['parity']:.2f} ({told}), {spread}, n {found['n']}")


def routes(
    trucks: Annotated[int, typer.Option(min=1, max=50, help="how many go out")] = 2,
    capacity: Annotated[int, typer.Option(min=100, max=100_000, help="litres a truck holds")] = 8000,
    least_level: Annotated[float, typer.Option(min=0, max=100, help="bins this full are visited, percent")] = 60.0,
    full_within: Annotated[
        float | None, typer.Option(min=0, max=1344, help="and bins that may be full within so many hours")
    ] = None,
    district: Annotated[str | None, typer.Option(help="bins of this district only")] = None,
    source: Annotated[str, typer.Option(help="source of time")] = "live",
    depot: Annotated[str, typer.Option(help="latitude,longitude; none: the middle of the bins")] = "",
    shift: Annotated[str, typer.Option(help="from-to, hh:mm-hh:mm")] = "06:00-14:00",
    into: Annotated[Path | None, typer.Option(help="folder for a CSV per truck and routes.geojson")] = None,
    as_json: Json = False,
) -> None:
    """Plan which truck empties which bins, from the levels their sensors show; what cannot be served is named.

    Example: `citywatch indicators routes --trucks 3 --least-level 70 --into today`
    """
    begin, _, end = shift.partition("-")
    asked = Shift(trucks, capacity, seconds_of(begin), seconds_of(end))
    task = _ask(lambda store: collection_task(store, asked, least_level, source, district, _place(depot), full_within))
    plan, in_order = solve(task)
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
        for route in plan.routes:
            (into / f"truck-{route.truck}.csv").write_text(to_csv(route), encoding="utf-8")
        drawn = to_geojson(plan, task.positions[0], task.by_bin)
        (into / "routes.geojson").write_text(json.dumps(drawn), encoding="utf-8")
    if as_json:
        print(json.dumps(plan_as_told(plan, task, in_order)))
        return
    for route in plan.routes:
        bins = " ".join(visit.bin_id for visit in route.visits)
        print(f"truck {route.truck}: {route.distance / 1000:.1f} km, {route.load} L, {len(route.visits)} bins: {bins}")
    for left in plan.left_out:
        print(f"left out: {left.bin_id}: {left.reason}")
    saved = f", {100 * (1 - plan.distance / in_order):.0f} % less than in the bins' order" if in_order else ""
    ahead = "" if full_within is None else f" or full within {full_within:g} h"
    print(f"{len(task.stops)} bins at {least_level:g} % or more{ahead}, {plan.distance / 1000:.1f} km{saved}")


def _effect(each: dict[str, Any], share: float) -> str:
    if each["change"] is None:
        return str(each["reason"])
    verdict = "found" if each["found"] else "not distinguishable from none"
    return (
        f"{100 * each['change']:+.1f} % ({100 * share:g} % interval {100 * each['low']:+.1f} to "
        f"{100 * each['high']:+.1f} %), {verdict}; {each['days_before']} and {each['days_after']} days"
    )


def _span(option: str, text: str) -> tuple[datetime, datetime]:
    since, slash, until = text.partition("/")
    if not slash:
        raise typer.BadParameter(f"{text!r} has no slash between its first instant and its end", param_hint=option)
    return instant(option, since), instant(option, until)


def _place(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no place such as 46.95,7.44", param_hint="--depot") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise typer.BadParameter(f"{text!r} lies outside of 90 degrees north and south, 180 east and west")
    return latitude, longitude


def _ask(work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    async def connected() -> Answer:
        try:
            connection = await asyncpg.connect(store_dsn(load_settings()))
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreError(f"the store cannot be reached: {error}") from error
        try:
            await set_up(connection)
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())
