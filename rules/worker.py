"""Readings to alerts.

What a batch of the tail brings about and the position in the tail are one transaction, so a restart repeats and
forgets nothing. The state between readings is kept in memory and written at checkpoints; a start takes the last
checkpoint, goes again over the tail from there to the position, and compares what comes out with the alerts there are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from citywatch.errors import RuleError
from citywatch.metrics import note_step
from citywatch.telemetry import get_logger
from rules.alerts import withdraw
from rules.checkpoint import CONSUMER, heard_devices, load_checkpoint, save_checkpoint, told_episodes
from rules.definitions import load_definitions, rule_files
from rules.difference import Change
from rules.duties import Duties
from rules.engine import Watch
from rules.judge import Judge
from rules.lifecycle import AlertEventKind
from rules.notify.escalation import Policy
from rules.notify.outbox import enqueue
from rules.pace import Pace
from rules.record import News, record
from rules.store import load_city, load_rules, sync_rules
from rules.stream import BEGINNING
from sql.connection import Connection
from sql.queries import query
from sql.share import WHOLE, Share
from sql.tail import TailBatch, lock_position, part_name, read_tail, save_position

ROWS, BATCHES = 5_000, 1_000  # so much of the tail in one step at most
CHECKPOINT_EVERY = timedelta(seconds=30)
# Of all time at most. Where much is remembered a checkpoint takes seconds; the city's duties look at every open alert,
# of which there may be ten thousands; for time to pass every device is looked at.
CHECKPOINT_SHARE, DUTIES_SHARE, TICK_SHARE = 0.02, 0.1, 0.1
LOOK_EVERY = timedelta(seconds=1)  # how often rule files and rule table are looked at for changes
AT_ONCE = 50  # batches that are gone over again: one may have thousands of rows
TICK_AT_LEAST_EVERY = timedelta(seconds=2)  # however much there is to read: silence must be noticed
# What an alert may begin to speak by. One that is reopened may have been over when it was raised or said aloud; who was
# told of it already is not told again.
SPEAKING = frozenset({AlertEventKind.RAISED, AlertEventKind.ANNUNCIATED, AlertEventKind.REOPENED})

log = get_logger()


class Worker:
    """Judges one share of the city on one connection; `position` is None until state has been restored."""

    def __init__(
        self,
        connection: Connection,
        *,
        allowance: timedelta,
        folders: Iterable[Path] = (),
        author: str = "file",
        policy: Policy | None = None,
        share: Share = WHOLE,
    ) -> None:
        self._connection = connection
        self._judge = Judge(allowance)
        self._allowance = allowance
        self._folders = list(folders)
        self._author = author
        self._policy = policy or Policy()
        self._share = share
        self.consumer = part_name(CONSUMER, share.number)
        self._duties = Duties(connection, self._policy)
        self._position: int | None = None
        self._keeping = Pace(CHECKPOINT_SHARE, CHECKPOINT_EVERY)
        self._attending, self._ticking = Pace(DUTIES_SHARE), Pace(TICK_SHARE)
        self._files: dict[Path, float] = {}
        self._unseen = ""  # why the rule files could not be looked at, as it was said last
        self._rules_at: datetime | None = None
        self._ticked_at = self._looked_at = BEGINNING
        self._stale = True
        self._told = False

    def registry_changed(self) -> None:
        """Have devices and rules read again before the next batch."""
        self._stale = True

    async def work(self, now: datetime) -> int:
        """Take one step in one transaction: rows from the tail, or, where there are none, the passing of time.

        Returns how many rows it was. Whatever fails, the next call starts from what is committed.
        """
        began = time.perf_counter()
        try:
            async with self._connection.transaction():
                known = self._position
                if known == await self._stand() and (self._stale or await self._rules_changed(now)):
                    await self._reload()
                count, heard_at = await self._consume(now)
                passed = not count or now - self._ticked_at >= TICK_AT_LEAST_EVERY
                if passed and self._ticking.due(now):
                    self._ticked_at = now
                    with self._ticking.measured(now):
                        await self._tell(list(self._news(self._judge.tick(heard_at))))
                ears = {"deaf_from": self._judge.deaf_from(heard_at), "heard_at": self._judge.clocks.get("live")}
                attend = self._share.number == 0 and (passed or self._told) and self._attending.due(now)
                if attend and self._share.is_whole:
                    with self._attending.measured(now):
                        await self._duties.attend(now, told=self._told, **ears)
                    self._told = False
                if self._keeping.due(now):
                    await self._keep(now)
            if attend and not self._share.is_whole:
                with self._attending.measured(now):
                    await self._duties.attend_apart(now, **ears)
                self._told = False
        except BaseException:
            self._position = None  # memory may be ahead of the store
            raise
        if count:
            note_step(self.consumer, count, time.perf_counter() - began)
        return count

    async def work_to(self, seq: int) -> Judge:
        """Judge the tail up to its row `seq` exactly; return all that is known then.

        For who divides the city anew: time does not pass, and nobody else may be at work.
        """
        while self._position is None or self._position < seq:
            async with self._connection.transaction():
                position = await self._stand()
                rows = await self._connection.fetch(query("rules", "batches_between"), position, seq, AT_ONCE)
                await self._take([TailBatch(**row) for row in rows])
                if not rows:
                    await self._save_position(seq)
        return self._judge

    async def _stand(self) -> int:
        """Hold the position, and know what is known there; return it."""
        position = await lock_position(self._connection, self.consumer)
        if position != self._position:
            await self._restore(position)
        return position

    async def checkpoint(self, now: datetime) -> None:
        """Keep the state as it is, so that the next start has nothing to go over again."""
        if self._position is not None:
            async with self._connection.transaction():
                await self._keep(now)

    async def _consume(self, now: datetime) -> tuple[int, datetime]:
        """Judge the next rows of the tail; return how many, and until when all that was heard has been judged.

        That is `now` where the tail is read to its end. Where we are behind, nobody is silent yet.
        """
        batches = await read_tail(self._connection, self.consumer, ROWS)
        await self._take(batches)
        count = sum(len(batch.datastream_id) for batch in batches)
        behind = count >= ROWS or len(batches) >= BATCHES
        return count, min(now, batches[-1].at) if behind else now

    async def _take(self, batches: Sequence[TailBatch]) -> None:
        """Judge some batches, tell what comes of it, and save the position."""
        said: list[News] = []
        for batch in batches:
            if not self._judge.knows(batch):
                await self._tell(said)
                said = []
                await self._reload()
            said += self._news(self._judge.take(batch))
        await self._tell(said)
        if batches:
            await self._save_position(batches[-1].seq)

    async def _save_position(self, seq: int) -> None:
        self._position = seq
        await save_position(self._connection, self.consumer, seq)

    def _news(self, changes: Iterable[tuple[str, Watch, Change]]) -> Iterator[News]:
        city = self._judge.city
        for device_id, ready, change in changes:
            yield News(ready, city.subjects[device_id], city.datastream_of(ready.rule, device_id), change)

    async def _tell(self, said: Sequence[News]) -> None:
        written = list(zip(said, await record(self._connection, said), strict=True))
        speaking = [
            (alert_id, news.ready.rule.severity)
            for news, alert_id in written
            if alert_id is not None and news.change.kind in SPEAKING
        ]
        await enqueue(self._connection, self._policy.targets, speaking, datetime.now(UTC), ready=False)
        for news, alert_id in written:
            if alert_id is not None:
                self._told = True
                change = news.change
                log.info(
                    f"alert_{change.kind}",
                    alert_id=alert_id,
                    rule_id=change.rule_id,
                    device_id=news.subject.device_id,
                    at=change.at.isoformat(),
                )

    async def _restore(self, position: int) -> None:
        self._judge = Judge(self._allowance)
        number = self._share.number
        seq, self._judge.clocks, self._judge.streams = await load_checkpoint(self._connection, number)
        if not self._share.is_whole:
            self._judge.elsewhere = await heard_devices(self._connection)
        for row in await self._connection.fetch(query("rules", "workers_heard"), seq):
            self._judge.hear_worker(row["worker"], row["at"], lagging=row["lagging"])
        await self._load()
        gone = self._judge.adopt()
        again = 0
        while seq < position:
            rows = await self._connection.fetch(query("rules", "batches_between"), seq, position, AT_ONCE)
            if not rows:
                break
            for row in rows:
                batch = TailBatch(**row)
                for _ in self._judge.take(batch):
                    pass  # told already, in the transaction that saved the position
                again += len(batch.datastream_id)
            seq = rows[-1]["seq"]
        told = await told_episodes(self._connection, self._judge.streams, self._share)
        await self._tell(list(self._news(self._judge.reconcile(told))))
        await self._withdraw(gone)
        self._position = position
        log.info("rules_restored", part=number, position=position, devices=len(self._judge.streams), rows_again=again)

    async def _reload(self) -> None:
        await self._load()
        await self._adopt()

    async def _load(self) -> None:
        files = self._files_now()
        if files != self._files:
            try:
                async with self._connection.transaction():
                    changed = await sync_rules(self._connection, load_definitions(self._folders), self._author)
                if changed:
                    log.info("rules_changed", rules=changed)
            except (RuleError, asyncpg.DataError) as error:  # a text may hold what the store does not: a NUL
                # The rules in the store go on; the mistake is said once for each change of the files.
                log.error("rule_files_refused", error=str(error))
            self._files = files
        self._rules_at = await self._connection.fetchval(query("rules", "rules_changed_at"))
        city = await load_city(self._connection)
        city.assign(await load_rules(self._connection), self._share)
        self._judge.city = city
        self._duties.know(city)
        self._stale = False

    def _files_now(self) -> dict[Path, float]:
        """Return the rule files and their age; the first part sees to them.

        Where one cannot look, since a folder is not mounted, they are as they were: that switches no rule off.
        """
        if self._share.number != 0:
            return {}
        try:
            found = {path: path.stat().st_mtime for path in rule_files(self._folders)}
        except (RuleError, OSError) as error:
            if str(error) != self._unseen:
                log.error("rule_files_refused", error=str(error))
            self._unseen = str(error)
            return self._files
        self._unseen = ""
        return found

    async def _adopt(self) -> None:
        await self._withdraw(self._judge.adopt())

    async def _withdraw(self, gone: Iterable[tuple[str, str]]) -> None:
        for rule_id, device_id in gone:
            await withdraw(self._connection, rule_id, device_id, datetime.now(UTC))

    async def _rules_changed(self, now: datetime) -> bool:
        if now - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = now
        if self._files_now() != self._files:
            return True
        stored_at: datetime | None = await self._connection.fetchval(query("rules", "rules_changed_at"))
        return stored_at != self._rules_at

    async def _keep(self, now: datetime) -> None:
        assert self._position is not None
        judge = self._judge
        changed = {device_id: judge.streams[device_id] for device_id in judge.touched if device_id in judge.streams}
        areas = {key for key in changed if judge.city.subjects[key].area is not None}
        with self._keeping.measured(now):
            await save_checkpoint(
                self._connection, self._share.number, self._position, judge.clocks, changed, areas, judge.dropped
            )
        judge.dropped.clear()
        judge.touched.clear()
