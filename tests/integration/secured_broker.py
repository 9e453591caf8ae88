"""A Mosquitto where everybody needs an account, and clients that say what became of what they tried."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from citywatch.local.broker import LocalBroker, local_broker
from citywatch.local.dynamic_security import SERVICE, Account, make_account, new_password, write_document
from citywatch.settings import Settings

PATIENCE = 30.0


@contextmanager
def secured_broker(folder: Path, devices: list[Account]) -> Iterator[tuple[LocalBroker, str]]:
    """Run one with these devices' accounts, and yield it with the password of our own."""
    folder.mkdir(parents=True, exist_ok=True)
    password, file = new_password(), folder / "dynamic-security.json"
    write_document(file, make_account(SERVICE, password), devices)
    with local_broker(folder, 22983, security=file) as broker:
        yield broker, password


def settings_for(dsn: str, broker: LocalBroker, password: str) -> Settings:
    """Return the settings of our own processes."""
    return Settings.model_validate(
        {
            "store": {"dsn": dsn},
            "broker": {
                "host": "127.0.0.1",
                "port": broker.port,
                "username": SERVICE,
                "password": password,
                "accounts": "dynamic-security",
            },
        }
    )


class Someone:
    """A client that waits for the broker's word on everything it does."""

    def __init__(self, port: int, username: str | None, password: str | None, client_id: str | None = None) -> None:
        self.reason: Any = None
        self.got: list[tuple[str, bytes | bytearray]] = []
        self.connected = threading.Event()
        self.cut_off = threading.Event()
        self._codes: dict[int, Any] = {}
        self._port = port
        # A device has to come with its own id; our own account may be there several times.
        several = username is None or username == SERVICE
        name = client_id or (f"{username}-{time.monotonic_ns()}" if several else username)
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        if username is not None:
            self.client.username_pw_set(username, password)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.cut_off.set()
        self.client.on_message = lambda _c, _d, message: self.got.append((message.topic, message.payload))
        self.client.on_publish = lambda _c, _d, number, reason, _p: self._codes.__setitem__(number, reason)
        self.client.on_subscribe = lambda _c, _d, number, reasons, _p: self._codes.__setitem__(number, reasons[0])

    def __enter__(self) -> Self:
        self.client.connect("127.0.0.1", self._port)
        self.client.loop_start()
        assert self.connected.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Return whether the broker took it."""
        return self._word_on(self.client.publish(topic, payload, qos=1).mid)

    def subscribe(self, topic: str) -> bool:
        """Return whether the broker granted it."""
        number = self.client.subscribe(topic, qos=1)[1]
        assert number is not None
        return self._word_on(number)

    def _word_on(self, number: int) -> bool:
        wait_until(lambda: number in self._codes, "the broker's word")
        return not self._codes[number].is_failure

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.reason = reason
        self.connected.set()


def may_connect(port: int, username: str | None, password: str | None, client_id: str | None = None) -> bool:
    """Return whether the broker lets this account in."""
    with Someone(port, username, password, client_id) as someone:
        return not someone.reason.is_failure


def wait_until(condition: Callable[[], object], what: str) -> float:
    """Wait until `condition` holds and return how long that took, in seconds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, f"{what}: not within {PATIENCE} s"
        time.sleep(0.002)
    return time.monotonic() - started
