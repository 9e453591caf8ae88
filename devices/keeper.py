"""`citywatch devices run`: births and wills into the store, commands out to devices, their answers back.

Its session at the broker is persistent, and a message is acknowledged after its commit, as ingest does it.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from paho.mqtt.client import MQTTMessage

from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.command_messages import RESPONSES, answer_topics, read_answer
from devices.commands import CHANNEL, message_of, settle
from devices.keeper_link import KeeperLink
from devices.model import DecodeError
from devices.presence import STATUS, read_status
from sql.connection import Pool
from sql.listen import Listener
from sql.pool import open_pool
from sql.queries import query
from sql.retry import insist

log = get_logger()

POLL = 2.0  # seconds
LEARN_EVERY = timedelta(minutes=10)
AT_ONCE = 500
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Keeper:
    """Everything that one turn of the work needs."""

    pool: Pool
    link: KeeperLink
    downlinks: dict[str, str]
    learned_at: datetime = NEVER

    async def take(self, messages: list[MQTTMessage]) -> None:
        """Store what arrived, then acknowledge it. A device that says two things gets two steps."""
        now, links = datetime.now(UTC), dict[str, str]()
        async with self.pool.acquire() as connection:
            for message in messages:
                try:
                    if message.topic.endswith("/status"):
                        device_id, link = read_status(message.topic, bytes(message.payload))
                        if links.get(device_id, link) != link:
                            await self._note(connection, links, now)
                        links[device_id] = link
                        continue
                    correlation = getattr(message.properties, "CorrelationData", None)
                    answer = read_answer(message.topic, bytes(message.payload), correlation)
                    if answer is not None and not await settle(connection, answer, now):
                        log.warning("answer_to_no_command", device_id=answer.device_id, state=answer.state)
                except DecodeError as reason:
                    log.warning("device_message_not_understood", topic=message.topic, reason=str(reason))
            await self._note(connection, links, now)
        for message in messages:
            self.link.acknowledge(message)

    async def _note(self, connection: Any, links: dict[str, str], now: datetime) -> None:
        if links:
            await connection.execute(query("presence", "note_links"), list(links), list(links.values()), now)
            links.clear()

    async def send(self) -> None:
        """Expire what waited too long, and send what is queued."""
        now = datetime.now(UTC)
        async with self.pool.acquire() as connection:
            await connection.execute(query("commands", "expire_commands"), now)
            for row in await connection.fetch(query("commands", "queued_commands"), now, AT_ONCE):
                state, reason = "sent", ""
                try:
                    message = message_of(**row, downlinks=self.downlinks)
                except DecodeError as error:
                    state, reason = "failed", str(error)
                else:
                    if not await self.link.publish(message, row["expires_at"] - now):
                        return  # the broker is away: it stays queued
                await connection.execute(
                    query("commands", "move_command"), row["command_id"], row["device_id"], state, now, None, reason
                )
            if now - self.learned_at >= LEARN_EVERY:
                await connection.execute(query("presence", "learn_intervals"), now)
                self.learned_at = now


async def run_keeper(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop`; a store or a broker that is away is waited for."""
    dsn, downlinks = store_dsn(settings), settings.devices.downlinks
    topics = [STATUS, RESPONSES, *(t for route, template in downlinks.items() for t in answer_topics(route, template))]
    opened: list[Pool] = []

    async def open_up() -> None:
        opened.append(
            await open_pool(dsn, process="devices", size=2, statement_timeout=settings.store.statement_timeout)
        )

    await insist(open_up, stop)
    if not opened:
        return
    woken = asyncio.Event()
    link = KeeperLink(settings, topics, asyncio.get_running_loop())
    keeper = Keeper(opened[0], link, downlinks)
    try:
        async with Listener(dsn, [CHANNEL], lambda _channel, _payload: woken.set(), process="devices"):
            link.start()
            log.info("keeper_started", topics=topics)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_take_all(keeper, stop))
                tasks.create_task(_send_all(keeper, woken, stop))
                await stop.wait()
                woken.set()
    finally:
        link.stop()
        await opened[0].close()


async def _take_all(keeper: Keeper, stop: asyncio.Event) -> None:
    while not stop.is_set():
        messages = await keeper.link.take(AT_ONCE, 0.2)
        if messages:
            await insist(lambda messages=messages: keeper.take(messages), stop)  # type: ignore[misc]


async def _send_all(keeper: Keeper, woken: asyncio.Event, stop: asyncio.Event) -> None:
    while not stop.is_set():
        woken.clear()
        await insist(keeper.send, stop)
        waiting = asyncio.create_task(woken.wait())
        await asyncio.wait(
            {waiting, asyncio.create_task(stop.wait())}, timeout=POLL, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
