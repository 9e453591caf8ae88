"""A demonstration publishes its simulated city before it speaks, and takes back no decision of anybody."""

import asyncio

from citywatch.cli.registering import OPEN, publish_city, register
from simulators.placing import build_city
from simulators.registry import registry_document
from sql.connection import Pool


async def test_the_simulated_city_is_open_data_unless_somebody_withdrew_it(dsn: str, pool: Pool) -> None:
    document = registry_document(build_city(1, 40))
    await asyncio.to_thread(register, dsn, document)
    made = await asyncio.to_thread(publish_city, dsn, document)
    found = await pool.fetch("SELECT property, published FROM datastream")
    assert made == len(found) > 40 / 2
    assert {"vehicle_speed", "fill_level", "pm2_5"} <= {row["property"] for row in found} <= OPEN
    assert all(row["published"] for row in found)
    assert not await pool.fetchval(
        "SELECT count(*) FROM datastream JOIN device USING (device_id) WHERE domain = 'health'"
    )
    await pool.execute("UPDATE datastream SET published = false WHERE property = 'pm2_5'")
    assert await asyncio.to_thread(publish_city, dsn, document) == 0
    assert not await pool.fetchval("SELECT bool_or(published) FROM datastream WHERE property = 'pm2_5'")
    actions = [row["action"] for row in await pool.fetch("SELECT action FROM audit_event")]
    assert actions == ["datastreams.publish"]
