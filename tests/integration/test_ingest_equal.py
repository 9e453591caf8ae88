"""Equal messages without a time: what is a redelivery, and what another reading, by when each arrived."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from devices.envelopes import ENVELOPES
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import load_devices
from ingest.batch import Batch
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.model import Delivery, Outcome
from ingest.replay import replay_rejected
from ingest.routes import make_routes
from ingest.store import Store
from sql.connection import Pool
from sql.engine import detect_engine
from tests.integration.ingest_run import TOPIC, account_closes, register

NOW = datetime.now(UTC).replace(microsecond=0)


async def take(
    pool: Pool, arrivals: Sequence[timedelta], *, slot: int = 0, body: bytes = b'{"fill_level": 40}'
) -> Outcome:
    """Have one worker take equal messages that arrived so long ago, in one batch."""
    directory = Directory()
    async with pool.acquire() as connection:
        directory.renew(await load_devices(connection), ProfileStore(BUILTIN).profiles)
        store = Store(pool, await detect_engine(connection), slot=slot, patience=timedelta(seconds=60))
    decoder = Decoder(
        directory,
        make_routes({}, ENVELOPES),
        lateness=timedelta(hours=48),
        equal_window=timedelta(seconds=30),
        max_payload=1000,
    )
    batch = Batch(2000, 0.05)
    for ago in arrivals:
        batch.add(decoder.decode(Delivery(TOPIC.format("bin-1"), body, NOW - ago, 1)), 0.0)
    return await store.write(batch, directory.speakers, {})


@pytest.mark.parametrize("body", [b'{"fill_level": 40}', b'{"fill_level": 40, "seq": 7}'])
@pytest.mark.parametrize("since", [False, True])
async def test_days_of_equal_readings_are_all_played_again(dsn: str, pool: Pool, since: bool, body: bytes) -> None:
    # With a number: a counter that begins anew at each reading, and stands still for longer than the lateness.
    apart = timedelta(hours=49) if b"seq" in body else timedelta(minutes=15)
    turned_away = await take(pool, [n * apart for n in range(192, 0, -1)], body=body)
    assert turned_away.by_reason == {"unknown_device": 192}
    await register(pool)
    if since:
        assert (await take(pool, [timedelta(0)], body=body)).stored == 1
    replayed = await replay_rejected(Settings(store=StoreSettings(dsn=dsn)))
    assert (replayed.played, replayed.stored, replayed.duplicate) == (192, 192, 0)
    if since:
        last = await pool.fetchrow("SELECT received_at, slot FROM delivery")
        assert tuple(last or ()) == (NOW, 0), "what a worker took last is still known"
    assert await account_closes(pool)


async def test_equal_readings_in_one_batch_after_an_outage_go_by_their_arrival(pool: Pool) -> None:
    await register(pool)
    arrivals = [timedelta(seconds=ago) for ago in (180, 179, 120, 110, 60, 0)]
    outcome = await take(pool, arrivals)
    assert (outcome.stored, outcome.duplicate) == (4, 2), "a second and ten seconds apart is inside the window"
    # A copy that another worker took a little earlier is a redelivery as well; one of long before is not.
    assert (await take(pool, [timedelta(seconds=5)], slot=1)).stored == 0
    assert (await take(pool, [timedelta(seconds=600)], slot=1)).stored == 1
    assert await account_closes(pool)
