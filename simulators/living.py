"""The city alive: the fleet's messages, published at the pace of a clock that runs as fast as asked."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from citywatch.errors import CitywatchError
from citywatch.telemetry import get_logger
from simulators.city import City, GatewayTraits
from simulators.dialects import topic_of
from simulators.fleet import Fleet, status_topic
from simulators.listening import COMMANDS
from simulators.publisher import Endpoint, Publisher
from simulators.randomness import mix

MOST_GATEWAY_CONNECTIONS = 64
MOST_BIRTHS = 5000  # retained one by one; beyond that only gateways announce themselves
HISTORY_SLICE = timedelta(hours=2)

Progress = Callable[[int, int, str], None]
log = get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How simulated time runs: from `start`, `warp` times as fast as the wall, for `lasts` of wall time (None: on).

    `begun` is what the monotonic clock showed at the start; work done since (history) is then caught up with.
    """

    start: datetime
    begun: float
    warp: float = 1.0
    lasts: timedelta | None = None

    def now(self, monotonic: float) -> float:
        """Return the simulated moment, seconds since 1970."""
        return self.start.timestamp() + (monotonic - self.begun) * self.warp


class Links:
    """The connections of a city: one for each gateway, with the gateway's will; or one for each device."""

    def __init__(self, endpoint: Endpoint, city: City, *, own: bool, name: str) -> None:
        self.city, self.own = city, own
        gateways = [d.device_id for d in city.devices if isinstance(d.traits, GatewayTraits)]
        self._of: dict[str, Publisher] = {}
        speakers = [d.device_id for d in city.devices] if own else gateways[:MOST_GATEWAY_CONNECTIONS]
        single = len(gateways) <= MOST_GATEWAY_CONNECTIONS
        self.publishers = [
            Publisher(
                endpoint,
                f"{name}-{speaker}",
                window=50 if own else 500,
                # A connection that stands for many gateways has no one status to leave behind.
                will=(status_topic(speaker), b"offline") if own or single else None,
            )
            for speaker in speakers
        ] or [Publisher(endpoint, name)]
        by_name = dict(zip(speakers, self.publishers, strict=False))
        for device in city.devices:
            speaker = device.device_id if own else (device.gateway_id or device.device_id)
            spare = self.publishers[mix(device.key, 7) % len(self.publishers)]
            self._of[device.device_id] = by_name.get(speaker, spare)

    def of(self, device_id: str) -> Publisher:
        """Return the connection a device speaks through."""
        return self._of[device_id]

    @property
    def acknowledged(self) -> int:
        """Return how many messages the broker has acknowledged."""
        return sum(p.acknowledged for p in self.publishers)

    def listen(self, hear: Callable[[str, bytes], Iterable[tuple[str, bytes]]]) -> None:
        """Answer commands to the city's devices with what `hear` returns; to be called before `open`."""
        answering: set[asyncio.Task[None]] = set()

        async def answer(topic: str, payload: bytes) -> None:
            for to, text in hear(topic, payload):
                await self.of(topic.split("/")[3]).publish(to, text)

        def heard(topic: str, payload: bytes) -> None:
            task = asyncio.get_running_loop().create_task(answer(topic, payload))
            answering.add(task)
            task.add_done_callback(answering.discard)

        if self.own:
            for device in self.city.devices:
                self.of(device.device_id).listen([COMMANDS.format(device.device_id)], heard)
        else:
            # One ear for all: gateways share the broker, and each command is for one device.
            self.publishers[0].listen([COMMANDS.format("+")], heard)

    async def open(self) -> None:
        """Connect all, a hundred at a time; raise BrokerError where one is refused."""
        for at in range(0, len(self.publishers), 100):
            await asyncio.gather(*(p.open() for p in self.publishers[at : at + 100]))

    async def announce(self, state: bytes) -> None:
        """Publish births or farewells, retained."""
        everyone = len(self.city.devices) <= MOST_BIRTHS
        for device in self.city.devices:
            if everyone or isinstance(device.traits, GatewayTraits):
                await self.of(device.device_id).publish(status_topic(device.device_id), state, retain=True)

    async def drain(self) -> None:
        """Wait until everything is acknowledged."""
        await asyncio.gather(*(p.drain() for p in self.publishers))

    async def close(self) -> None:
        """Disconnect all."""
        await asyncio.gather(*(p.close() for p in self.publishers))


async def live(fleet: Fleet, links: Links, pace: Pace, stop: asyncio.Event) -> int:
    """Publish what is due, until `stop` is set or the pace's time is over; return how many messages."""
    begun, begin = pace.begun, pace.start.timestamp()
    ends = None if pace.lasts is None else time.monotonic() + pace.lasts.total_seconds()
    sent = readings = 0
    reported_at = time.monotonic()
    while not stop.is_set():
        now = time.monotonic()
        if ends is not None and now >= ends:
            break
        for message in fleet.until(begin + (now - begun) * pace.warp):
            await links.of(message.device.device_id).publish(topic_of(message.device), message.payload)
            sent += 1
            readings += message.readings
            # A city that cannot keep up with its clock still stops when it is told to.
            if stop.is_set() or (ends is not None and time.monotonic() >= ends):
                break
        now = time.monotonic()
        if now - reported_at >= 60:
            log.info("city_alive", messages=sent, readings=readings, acknowledged=links.acknowledged)
            reported_at = now
        wait = (fleet.next_at - begin) / pace.warp - (now - begun)
        if ends is not None:
            wait = min(wait, ends - now)
        await _sleep(stop, wait)
    await links.drain()
    return sent


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return


async def send_history(
    fleet: Fleet, links: Links, span: timedelta, step: timedelta, stop: asyncio.Event, progress: Progress
) -> int:
    """Publish the city's past as fast as it is acknowledged; return how many readings."""
    readings = 0
    end = fleet.start.timestamp()
    for message in fleet.history(span, step, HISTORY_SLICE):
        if stop.is_set():
            break
        await links.of(message.device.device_id).publish(topic_of(message.device), message.payload)
        readings += message.readings
        done = span.total_seconds() - (end - message.send_at)
        progress(int(done), int(span.total_seconds()), f"{readings:,} readings of the last {span}")
    await links.drain()
    return readings


def start_time(now: datetime, asked: datetime | None, warp: float) -> datetime:
    """Return where the simulated clock starts, to the millisecond; raise CitywatchError where it cannot."""
    if asked is not None and warp == 1.0 and abs(asked - now) > timedelta(minutes=5):
        raise CitywatchError("a start other than now needs --warp: a live source runs on the wall clock")
    start = asked or now
    return datetime.fromtimestamp(int(start.timestamp()), UTC)
