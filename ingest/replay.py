"""Playing rejected messages again: through the same decoder, quality tests and transaction as on the day."""

from dataclasses import dataclass
from datetime import timedelta

from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from devices.envelopes import ENVELOPES
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import load_devices
from ingest.batch import Batch
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.model import Accepted
from ingest.quality.memory import judge
from ingest.rejected import pending_deliveries
from ingest.routes import make_routes
from ingest.store import Store
from sql.connection import Pool
from sql.engine import detect_engine
from sql.pool import open_pool
from sql.queries import query

AT_ONCE = 500
# Not the slot of any worker: its keys say nothing about what a worker has acknowledged.
SLOT = -1


@dataclass(slots=True)
class ReplayCounts:
    """What a replay did: messages played, mended, still turned away, cut too short to play; and their readings."""

    played: int = 0
    mended: int = 0
    still: int = 0
    cut: int = 0
    stored: int = 0
    duplicate: int = 0


async def replay_rejected(
    settings: Settings, *, ids: list[int] | None = None, reason: str | None = None, device_id: str | None = None
) -> ReplayCounts:
    """Play what was kept and not yet played again, oldest first; raises PoisonError or AwayError from the store."""
    pool = await open_pool(store_dsn(settings), process="rejected replay", size=2)
    try:
        replay = _Replay(settings, pool)
        try:
            return await replay.run(ids, reason, device_id)
        finally:
            replay.close()
    finally:
        await pool.close()


class _Replay:
    def __init__(self, settings: Settings, pool: Pool) -> None:
        options = settings.ingest
        self._pool = pool
        self._patience = settings.store.statement_timeout * 2
        self._directory = Directory()
        self._profiles = ProfileStore(BUILTIN, *settings.devices.folders)
        self._decoder = Decoder(
            self._directory,
            make_routes(options.routes, ENVELOPES),
            # A reading judged as of its arrival was in time then; an operator who plays it again wants it in.
            lateness=timedelta(days=3650),
            counted_window=options.lateness,
            equal_window=options.equal_window,
            max_payload=options.max_payload,
        )

    def close(self) -> None:
        """End what runs vendors' JavaScript."""
        self._profiles.close()

    async def run(self, ids: list[int] | None, reason: str | None, device_id: str | None) -> ReplayCounts:
        counts, after = ReplayCounts(), 0
        async with self._pool.acquire() as connection:
            self._directory.renew(await load_devices(connection), self._profiles.profiles)
            store = Store(
                self._pool,
                await detect_engine(connection),
                slot=SLOT,
                patience=self._patience,
                takes_deliveries=False,
            )
            while found := await pending_deliveries(
                connection, after=after, ids=ids, reason=reason, device_id=device_id, limit=AT_ONCE
            ):
                after = found[-1][0]
                batch, mended = Batch(AT_ONCE, 0.0), []
                for rejected_id, delivery in found:
                    if delivery is None:
                        counts.cut += 1
                        continue
                    counts.played += 1
                    verdict = self._decoder.decode(delivery)
                    if not isinstance(verdict, Accepted) or verdict.refused:
                        counts.still += 1
                        continue
                    for row in verdict.rows:
                        judge(row)
                    batch.add(verdict, 0.0)
                    mended.append(rejected_id)
                if mended:
                    outcome = await store.write(batch, self._directory.speakers, {})
                    await connection.execute(query("account", "mark_replayed"), mended)
                    counts.mended += len(mended)
                    counts.stored += outcome.stored
                    counts.duplicate += outcome.duplicate
        return counts
