"""The worker's session with the broker: persistent, reconnecting, whatever receive loop carries it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path

from citywatch.errors import BrokerError
from citywatch.telemetry import get_logger
from ingest.inbox import Taker
from sql.retry import Backoff

log = get_logger()

SESSION_EXPIRY = timedelta(days=7)
KEEPALIVE = 30
GROUP = "citywatch"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Where the broker is and who we are there. `client_id` names the persistent session: the same after a restart."""

    host: str
    port: int
    client_id: str
    filters: tuple[str, ...]
    protocol: str = "3.1.1"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    window: int = 20_000
    leave: bool = False  # unsubscribe, and take only what is queued already
    outdated: tuple[str, ...] = ()  # what the session may be subscribed to from an earlier number of workers: left


def share(filters: Sequence[str], workers: int) -> tuple[str, ...]:
    """Return the filters to subscribe to: shared where several workers divide the messages among them."""
    return tuple(f"$share/{GROUP}/{name}" if workers > 1 else name for name in filters)


class BrokerSession(ABC):
    """A persistent session that reconnects for as long as it runs, and hands every message to the inbox."""

    def __init__(self, settings: SessionSettings, inbox: Taker, on_connected: Callable[[], None]) -> None:
        """`on_connected` is called before the first message of each connection."""
        self.settings = settings
        self.inbox = inbox
        self.on_connected = on_connected
        self.connected = False
        self.answered_at = -inf  # when the broker last answered us, in the loop's seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until `stop` is set; then disconnect in order, keeping the session at the broker."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                await self.connect_once(stop, backoff)
            except (OSError, BrokerError) as error:
                log.warning("broker_away", host=self.settings.host, port=self.settings.port, error=str(error))
                await backoff.pause(stop)
            finally:
                self.connected = False

    @abstractmethod
    async def connect_once(self, stop: asyncio.Event, backoff: Backoff) -> None:
        """Connect, subscribe and receive until `stop` is set or the connection breaks; raise OSError or BrokerError."""

    def begin(self, backoff: Backoff) -> None:
        """Note that the connection stands and the subscription is granted."""
        backoff.reset()
        self.connected = True
        self.note_answer()
        log.info(
            "broker_connected",
            host=self.settings.host,
            port=self.settings.port,
            client_id=self.settings.client_id,
            protocol=self.settings.protocol,
        )

    def note_answer(self) -> None:
        """Note that the broker has just answered a request of this connection."""
        self.answered_at = asyncio.get_running_loop().time()

    def ping(self) -> bool:
        """Ask the broker for an answer; return False where the receive loop does that by itself only."""
        return False

    def check_granted(self, codes: Sequence[int]) -> None:
        """Raise BrokerError naming the subscriptions that were refused."""
        refused = [name for name, code in zip(self.settings.filters, codes, strict=True) if code >= 128]
        if refused:
            raise BrokerError(f"the broker refuses the subscription to {', '.join(refused)}")
