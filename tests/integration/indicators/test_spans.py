"""What a span of readings costs to read: what lies in it, not all that its datastream has of the week."""

from datetime import timedelta
from typing import Any

import pytest

from sql.queries import query
from tests.integration.indicators.deriving import DAY, City
from tests.integration.storing import make_room

QUARTER = timedelta(minutes=15)
FILLED = """
INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT d, $2::timestamptz + n * interval '10 s', $2, n % 90, 1
  FROM generate_series(0, $3::int - 1) AS n CROSS JOIN unnest($1::int[]) AS d ORDER BY n, d
"""


def rows_read(node: dict[str, Any]) -> float:
    """Return how many observations a plan took from the store, those among them that it dropped."""
    own = 0.0
    # TimescaleDB's own node above the scans of chunks names the table as well.
    if node.get("Relation Name", "").startswith(("observation", "_hyper")) and node["Node Type"] != "Custom Scan":
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return own + sum(rows_read(each) for each in node.get("Plans", ()))


@pytest.mark.parametrize("plan", ["force_generic_plan", "force_custom_plan"])
async def test_a_span_is_read_alone(city: City, plan: str) -> None:
    bins, readings = 30, 8640  # a day of each, as it came: what one bin has lies in as many places
    added = [await city.add(f"bin-{number}", ["fill_level"], timedelta(seconds=10)) for number in range(bins)]
    await make_room(city.pool, [DAY, DAY + timedelta(weeks=1)])
    await city.pool.execute(FILLED, [each["fill_level"] for each in added], DAY, readings)
    counter = await city.add("counter", ["vehicle_count"])
    await city.pool.execute(FILLED, [counter["vehicle_count"]], DAY + timedelta(weeks=1), 5 * readings)
    await city.pool.execute("ANALYZE observation, datastream, device")
    async with city.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL plan_cache_mode = {plan}")
        asked = [f"bin-{n}" for n in range(bins)], [DAY + QUARTER] * bins, [DAY + 2 * QUARTER] * bins, "fill_level"
        statement = query("indicators", "span_readings")
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *asked)
        assert len(await connection.fetch(statement, *asked)) == bins * 90
    assert rows_read(found[0]["Plan"]) == bins * 90
