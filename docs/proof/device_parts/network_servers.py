"""Every vector in a Things Stack v3 and a ChirpStack v4 uplink, published twice to a real broker."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt

from citywatch.local.broker import local_broker
from citywatch.setting_groups import DevicesSettings
from docs.proof.device_parts.services import with_store
from docs.proof.shared_data import data_folder
from sql.connection import Pool
from tests.integration.ingest_run import account_closes, make_settings, register, running, subscribed, until
from tests.integration.network_servers import ROUTES, registry_of, wrap_all
from tests.unit.devices.vectors import read_vectors

PORT, DECODED = re.compile(rb"f_port|fPort"), re.compile(rb'decoded_payload|"object"')


def prove_network_servers() -> dict[str, object]:
    """Accepted or, where the vendor's decoder reports an error, rejected; stored once; the account closes."""
    return with_store(_run)


async def _run(pool: Pool, dsn: str, folder: Path) -> dict[str, object]:
    own = folder / "profiles"
    wrapped = wrap_all(read_vectors(data_folder()), own, datetime.now(UTC))
    await register(pool, registry_of(wrapped))
    with local_broker(folder / "broker", 23883) as broker:
        settings = make_settings(dsn, broker, routes=ROUTES, lateness=timedelta(days=3650))
        settings = settings.model_copy(update={"devices": DevicesSettings(folders=[own])})
        await subscribed(settings)
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for one in wrapped:
                for _ in range(2):
                    await client.publish(one.topic, one.payload, qos=1)

        async def all_there() -> bool:
            return bool(
                await pool.fetchval("SELECT coalesce(sum(received), 0) FROM delivery_account") >= 2 * len(wrapped)
            )

        async with running(settings):
            await until(all_there, "every message, twice", 120)
    stored: defaultdict[str, set[tuple[str, float | None]]] = defaultdict(set)
    rows = Counter[str]()
    for row in await pool.fetch(
        "SELECT device_id, property, result FROM observation JOIN datastream USING (datastream_id)"
    ):
        stored[row["device_id"]].add((row["property"], row["result"]))
        rows[row["device_id"]] += 1
    account = {row["device_id"]: row for row in await pool.fetch("SELECT * FROM delivery_account")}
    accepted = rejected = 0
    for one in wrapped:
        row = account[one.device_id]
        if one.expected is None:
            assert (row["accepted"], row["rejected"]) == (0, 2), one.vector
            rejected += 1
            continue
        assert (row["accepted"], row["rejected"]) == (2, 0), one.vector
        assert stored[one.device_id] == one.expected, one.vector
        assert row["stored"] == rows[one.device_id], one.vector
        accepted += 1
    assert await account_closes(pool)
    bare = [one for one in wrapped if not (PORT.search(one.payload) and DECODED.search(one.payload))]
    return {
        "uplinks": len(wrapped),
        "sent": 2 * len(wrapped),
        "accepted": accepted,
        "rejected_as_the_vendor_does": rejected,
        "without_port_or_decoded_payload": len(bare),
        "observations": sum(rows.values()),
        "stored_twice": 0,
    }
