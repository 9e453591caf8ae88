"""Replay and simulation over a real broker, counted by a plain subscriber that shares no code with them."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from citywatch.errors import BrokerError
from citywatch.local.broker import LocalBroker
from citywatch.local.process import free_port
from simulators.fleet import Fleet
from simulators.listening import answers
from simulators.living import Links, Pace, live, send_history
from simulators.placing import build_city
from simulators.publisher import Endpoint, Publisher
from simulators.replay import merge_same_source, replay, squeezed, timed_messages
from simulators.scenarios import load_scenario
from simulators.series import find_mapping, read_series

SAMPLES = Path(__file__).resolve().parents[2] / "simulators" / "samples"


class Counter:
    """A plain paho subscriber on a thread of its own."""

    def __init__(self, port: int) -> None:
        self.messages: list[MQTTMessage] = []
        self._more = threading.Condition()
        subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, "independent-count")
        self.client.on_connect = lambda client, *_: client.subscribe("city/#", qos=1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = self._keep
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(10)

    def _keep(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        with self._more:
            self.messages.append(message)
            self._more.notify_all()

    def wait_for(self, count: int) -> list[MQTTMessage]:
        with self._more:
            self._more.wait_for(lambda: len(self.messages) >= count, timeout=30)
        return self.messages

    def answers(self, topic: str) -> list[dict[str, object]]:
        return [json.loads(m.payload) for m in list(self.messages) if m.topic == f"{topic}/response"]

    def wait_a_little(self, until: Callable[[], bool]) -> None:
        with self._more:
            self._more.wait_for(until, timeout=0.5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def counter(broker: LocalBroker) -> Iterator[Counter]:
    counting = Counter(broker.port)
    yield counting
    counting.close()


def nothing(_done: int, _total: int, _detail: str) -> None:
    return


async def test_samples_replayed_over_the_broker_arrive_to_the_row(broker: LocalBroker, counter: Counter) -> None:
    series = [read_series(path, find_mapping(path)) for path in sorted(SAMPLES.glob("*.csv"))]
    rows = sum(len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in SAMPLES.glob("*.csv"))
    publisher = Publisher(Endpoint("127.0.0.1", broker.port), "replay", window=50)
    await publisher.open()
    result = await replay(
        [timed_messages(one) for one in merge_same_source(series)], publisher, None, asyncio.Event(), nothing
    )
    await publisher.close()
    arrived = await asyncio.to_thread(counter.wait_for, rows)
    assert result.messages == len(arrived) == rows == 464
    assert {m.qos for m in arrived} == {1}
    for device in ("beijing-Dongsi", "i94-atr301", "wyndham-1511190"):
        topic = f"city/v1/devices/{device}/telemetry"
        times = [json.loads(m.payload)["time"] for m in arrived if m.topic == topic]
        assert times == sorted(times)
        assert times


async def test_replay_keeps_the_pace_it_is_given(broker: LocalBroker, counter: Counter) -> None:
    path = SAMPLES / "i94_2017-06-14.csv"
    recording = squeezed(timed_messages(read_series(path, find_mapping(path))), timedelta(seconds=1))
    publisher = Publisher(Endpoint("127.0.0.1", broker.port), "replay")
    await publisher.open()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await replay([recording], publisher, 1.0, asyncio.Event(), nothing)
    assert 1.0 <= loop.time() - begun < 3.0
    await publisher.close()


async def test_a_replay_that_is_stopped_says_so(broker: LocalBroker, counter: Counter) -> None:
    path = SAMPLES / "i94_2017-06-14.csv"
    publisher = Publisher(Endpoint("127.0.0.1", broker.port), "replay")
    await publisher.open()
    stop = asyncio.Event()
    running = asyncio.create_task(
        replay([timed_messages(read_series(path, find_mapping(path)))], publisher, 1.0, stop, nothing)
    )
    await asyncio.to_thread(counter.wait_for, 1)
    stop.set()
    result = await asyncio.wait_for(running, 5)
    assert result.stopped
    assert result.messages < 32
    await publisher.close()


async def test_a_living_city_publishes_births_history_and_readings(broker: LocalBroker, counter: Counter) -> None:
    start = datetime.now(UTC)
    fleet = Fleet(build_city(1, 30), load_scenario("quiet-day"), start, replay=True)
    links = Links(Endpoint("127.0.0.1", broker.port), fleet.city, own=False, name="city")
    await links.open()
    stop = asyncio.Event()
    await links.announce(b"online")
    past = await send_history(fleet, links, timedelta(hours=2), timedelta(minutes=10), stop, nothing)
    begun = asyncio.get_running_loop().time()
    sent = await live(fleet, links, Pace(start, begun, warp=120, lasts=timedelta(seconds=1)), stop)
    await links.close()
    assert sent >= 30
    births = {m.topic for m in counter.wait_for(1) if m.topic.endswith("/status")}
    assert len(births) == 30
    packs = [json.loads(m.payload) for m in counter.messages if m.topic.endswith("/telemetry")]
    assert sum(len(r) - 2 for pack in packs if isinstance(pack, list) for r in pack) == past
    assert sum(isinstance(pack, dict) for pack in packs) == sent


async def test_a_device_of_a_living_city_answers_a_command(broker: LocalBroker, counter: Counter) -> None:
    now = datetime.now(UTC)
    fleet = Fleet(build_city(1, 30), load_scenario("quiet-day"), now)
    links = Links(Endpoint("127.0.0.1", broker.port), fleet.city, own=False, name="city")
    links.listen(lambda topic, payload: answers(fleet, topic, payload, now, now.timestamp()))
    await links.open()
    topic = f"city/v1/devices/{fleet.city.devices[-1].device_id}/commands/identify"
    asking = Publisher(Endpoint("127.0.0.1", broker.port), "operator")
    await asking.open()
    # The city's own subscription may be granted a moment after it is connected.
    for number in range(100):
        await asking.publish(topic, json.dumps({"id": number, "arguments": {}}).encode())
        await asking.drain()
        await asyncio.to_thread(counter.wait_a_little, lambda: len(counter.answers(topic)) >= 2)
        if counter.answers(topic):
            break
    assert [answer["state"] for answer in counter.answers(topic)[:2]] == ["acknowledged", "done"]
    await asking.close()
    await links.close()


async def test_what_was_in_flight_when_the_broker_died_arrives_after_it_is_back(
    broker: LocalBroker, counter: Counter
) -> None:
    publisher = Publisher(Endpoint("127.0.0.1", broker.port), "steadfast", window=20)
    await publisher.open()
    for number in range(100):
        await publisher.publish("city/v1/devices/d/telemetry", str(number).encode())
    broker.stop(kill=True)
    waiting = asyncio.create_task(_publish(publisher, range(100, 200)))
    await asyncio.to_thread(broker.start)
    await asyncio.wait_for(waiting, 30)
    await asyncio.wait_for(publisher.drain(), 30)
    await publisher.close()
    assert publisher.acknowledged == 200


async def _publish(publisher: Publisher, numbers: range) -> None:
    for number in numbers:
        await publisher.publish("city/v1/devices/d/telemetry", str(number).encode())


async def test_a_broker_that_is_not_there_is_one_clear_error() -> None:
    port = free_port()
    with pytest.raises(BrokerError, match=f"no MQTT connection to 127.0.0.1:{port}"):
        await Publisher(Endpoint("127.0.0.1", port), "lonely").open()
