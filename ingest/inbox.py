"""Between socket and batches: a bounded inbox. Full, it has the socket read no further; the broker keeps the rest."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ingest.fairness import Fairness
from ingest.model import Delivery

# What one delivery costs beside its payload: the object, its topic, its decoded rows until they are committed.
OVERHEAD = 1500
# How many payload bytes are taken at a time: decoding and judging them, a millisecond or two, keeps the writer waiting.
SLICE = 16 * 1024


class Taker(Protocol):
    """Where a connection puts what it receives."""

    @property
    def full(self) -> bool:
        """Return whether reading is to pause."""

    def attach(self, link: object, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Have the reader of `link` pause while there is no room."""

    def put(self, delivery: Delivery) -> None:
        """Take in one delivery."""

    def forget(self, link: object) -> int:
        """Drop what waits from a connection that is gone, and return how many."""


class Inbox:
    """Deliveries waiting, and the count of those taken but not yet settled. Both together are bounded."""

    def __init__(self, max_messages: int, max_bytes: int, flood_share: float = 1.0) -> None:
        """Bound messages and bytes; reading resumes when both are down to half. `flood_share`: see fairness."""
        # At 1 the bound is never reached: reading pauses first.
        self._most_behind = max_messages * flood_share if flood_share < 1 else float("inf")
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._waiting: deque[Delivery] = deque()
        # Those of topics that flood, taken when nothing else waits; and how many of each topic are among them.
        self._behind: deque[Delivery] = deque()
        self._behind_by_topic: dict[str, int] = {}
        self.fairness = Fairness()
        self._arrived = asyncio.Event()
        self.held = 0
        self.held_bytes = 0
        self._readers: dict[object, tuple[Callable[[], None], Callable[[], None]]] = {}
        self._full = self._closed = False

    @property
    def waiting(self) -> int:
        """Return how many deliveries nobody has taken yet."""
        return len(self._waiting) + len(self._behind)

    @property
    def full(self) -> bool:
        """Return whether reading is to pause."""
        return self._full

    @property
    def lagging(self) -> bool:
        """Return whether so much is held that more waits at the broker: while it does, half or more is held here."""
        return self.held > self._max_messages // 4 or self.held_bytes > self._max_bytes // 4

    def attach(self, link: object, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Have the reader of `link` pause while there is no room."""
        self._readers[link] = pause, resume
        if self._full:
            pause()

    def close(self) -> None:
        """Have nothing more read: what is here is to be finished, and the broker keeps the rest."""
        self._full = self._closed = True
        for pause, _ in self._readers.values():
            pause()

    def put(self, delivery: Delivery) -> None:
        """Take in one delivery. Never refuses: what the socket had already read must go somewhere."""
        topic, counts = delivery.topic, self.fairness.counts
        counts[topic] = count = counts.get(topic, 0) + 1
        if count > self.fairness.limit or topic in self.fairness.slow or topic in self._behind_by_topic:
            self._put_behind(delivery)
        else:
            self._waiting.append(delivery)
        self.held += 1
        self.held_bytes += len(delivery.payload) + OVERHEAD
        self._arrived.set()
        if not self._full and (self.held >= self._max_messages or self.held_bytes >= self._max_bytes):
            self._full = True
            for pause, _ in self._readers.values():
                pause()

    async def take(self, limit: int, patience: float | None) -> list[Delivery]:
        """Return up to `limit` deliveries, those of topics that flood last; an empty list after `patience` seconds.

        Those of one topic always come in their own order. Beyond a slice of bytes fewer come, but one at least.
        """
        if not self._waiting and not self._behind:
            self._arrived.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        waiting, size = self._waiting, 0
        taken: list[Delivery] = []
        while waiting and len(taken) < limit and size < SLICE:
            delivery = waiting.popleft()
            size += len(delivery.payload)
            taken.append(delivery)
        while self._behind and len(taken) < limit and size < SLICE:
            delivery = self._take_behind()
            size += len(delivery.payload)
            taken.append(delivery)
        return taken

    def _put_behind(self, delivery: Delivery) -> None:
        count = self._behind_by_topic.get(delivery.topic, 0) + 1
        if count > self._most_behind:
            delivery.excess = True
            self.fairness.aside[delivery.topic] = self.fairness.aside.get(delivery.topic, 0) + 1
        self._behind_by_topic[delivery.topic] = count
        self._behind.append(delivery)

    def _take_behind(self) -> Delivery:
        delivery = self._behind.popleft()
        left = self._behind_by_topic[delivery.topic] - 1
        if left:
            self._behind_by_topic[delivery.topic] = left
        else:
            del self._behind_by_topic[delivery.topic]
        return delivery

    def settle(self, delivery: Delivery) -> None:
        """Acknowledge a delivery that has been taken, and free its place."""
        delivery.ack()
        self._release(delivery)

    def forget(self, link: object) -> int:
        """Drop what waits from a connection that is gone: the broker will send it again. Return how many."""
        self._readers.pop(link, None)
        gone = 0
        waiting, self._waiting = self._waiting, deque()
        behind, self._behind, self._behind_by_topic = self._behind, deque(), {}
        for delivery in waiting:
            if delivery.link is link and delivery.qos:
                self._release(delivery)
                gone += 1
            else:
                self._waiting.append(delivery)
        for delivery in behind:
            if delivery.link is link and delivery.qos:
                self._release(delivery)
                gone += 1
            else:
                self._put_behind(delivery)
        return gone

    def _release(self, delivery: Delivery) -> None:
        self.held -= 1
        self.held_bytes -= len(delivery.payload) + OVERHEAD
        if (
            self._full
            and not self._closed
            and self.held <= self._max_messages // 2
            and self.held_bytes <= self._max_bytes // 2
        ):
            self._full = False
            for _, resume in self._readers.values():
                resume()
