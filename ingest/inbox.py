"""Between socket and batches: a bounded inbox. Full, it has the socket read no further; the broker keeps the rest."""

import asyncio
from collections import deque
from collections.abc import Callable

from ingest.model import Delivery

# What one delivery costs beside its payload: the object, its topic, its decoded rows until they are committed.
OVERHEAD = 1500


class Inbox:
    """Deliveries waiting, and the count of those taken but not yet settled. Both together are bounded."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        """Bound messages and bytes; reading resumes when both are down to half."""
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._waiting: deque[Delivery] = deque()
        self._arrived = asyncio.Event()
        self.held = 0
        self.held_bytes = 0
        self.on_full: Callable[[], None] | None = None
        self.on_room: Callable[[], None] | None = None
        self._full = False

    @property
    def waiting(self) -> int:
        """Return how many deliveries nobody has taken yet."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Return whether reading is to pause."""
        return self._full

    def put(self, delivery: Delivery) -> None:
        """Take in one delivery. Never refuses: what the socket had already read must go somewhere."""
        self._waiting.append(delivery)
        self.held += 1
        self.held_bytes += len(delivery.payload) + OVERHEAD
        self._arrived.set()
        if not self._full and (self.held >= self._max_messages or self.held_bytes >= self._max_bytes):
            self._full = True
            if self.on_full is not None:
                self.on_full()

    async def take(self, limit: int, patience: float | None) -> list[Delivery]:
        """Return up to `limit` deliveries in order of arrival; an empty list after `patience` seconds without any."""
        if not self._waiting:
            self._arrived.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(limit, len(waiting)))]

    def settle(self, delivery: Delivery) -> None:
        """Acknowledge a delivery that has been taken, and free its place."""
        delivery.ack()
        self._release(delivery)

    def forget(self, link: object) -> int:
        """Drop what waits from a connection that is gone: the broker will send it again. Return how many."""
        gone = [delivery for delivery in self._waiting if delivery.link is link and delivery.qos]
        if gone:
            dropped = set(gone)
            self._waiting = deque(delivery for delivery in self._waiting if delivery not in dropped)
            for delivery in gone:
                self._release(delivery)
        return len(gone)

    def _release(self, delivery: Delivery) -> None:
        self.held -= 1
        self.held_bytes -= len(delivery.payload) + OVERHEAD
        if self._full and self.held <= self._max_messages // 2 and self.held_bytes <= self._max_bytes // 2:
            self._full = False
            if self.on_room is not None:
                self.on_room()
