"""The broker's accounts at run time: commands to Mosquitto's dynamic security over its control topic."""

import json
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from citywatch.errors import BrokerError
from citywatch.local.dynamic_security import DEVICE_ROLE, device_client, device_role
from citywatch.local.running import broker_account, broker_address
from citywatch.settings import Settings

CONTROL = "$CONTROL/dynamic-security/v1"
PATIENCE = 60.0  # seconds for one answer: the plugin writes its whole file for each command


class BrokerAdmin(Protocol):
    """Whoever gives accounts at the broker and takes them; each raises BrokerError where that did not happen."""

    def grant(self, passwords: Iterable[tuple[str, str]]) -> None:
        """Let devices in by (id, password), each on its own branch; what they had before is cut off."""

    def revoke(self, device_ids: Iterable[str]) -> None:
        """Cut devices off now and keep them out."""


class StoreAdmin:
    """For a broker that reads our table itself (EMQX), or is given all of it at its next start: nothing to tell."""

    def grant(self, passwords: Iterable[tuple[str, str]]) -> None:
        """Nothing: it looks when the device connects."""

    def revoke(self, device_ids: Iterable[str]) -> None:
        """Nothing: it refuses the next connection. One that stands is ended by the broker's own interface."""


class DynamicSecurity:
    """One connection to a Mosquitto as an account that may administer it; for the length of a `with` block."""

    def __init__(self, host: str, port: int, username: str | None, password: str | None, ca_file: str | None) -> None:
        self._place = f"{host}:{port}"
        self._username = username
        self._address = host, port
        self._answered = threading.Event()
        self._answer: list[dict[str, Any]] = []
        self._ready = threading.Event()
        self._refused: str | None = None
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if username is not None:
            self._client.username_pw_set(username, password)
        if ca_file is not None:
            self._client.tls_set(ca_file)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address, keepalive=60)
        except OSError as error:
            raise BrokerError(f"no broker at {self._place}: {error}") from None
        self._client.loop_start()
        if not self._ready.wait(PATIENCE) or self._refused is not None:
            self.close()
            raise BrokerError(
                f"the broker at {self._place} lets us administer no accounts: {self._refused or 'silence'}"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def grant(self, passwords: Iterable[tuple[str, str]]) -> None:
        """Let devices in by (id, password), each on its own branch; what they had before is cut off."""
        devices = list(passwords)
        self.revoke(device_id for device_id, _ in devices)
        commands: list[dict[str, Any]] = []
        for device_id, password in devices:
            commands.append({"command": "createRole", **device_role(device_id)})
            commands.append({"command": "createClient", "password": password, **device_client(device_id)})
        self._run(commands, tolerated="already exists")

    def revoke(self, device_ids: Iterable[str]) -> None:
        """Cut devices off now and keep them out. Raises BrokerError where one bears the name of our own account."""
        named = list(device_ids)
        if self._username in named:
            raise BrokerError(f"{self._username!r} is our own account at the broker: no device can have it")
        self._run(
            [
                {"command": command, name: value}
                for device_id in named
                for command, name, value in (
                    ("deleteClient", "username", device_id),
                    ("deleteRole", "rolename", f"{DEVICE_ROLE}{device_id}"),
                )
            ],
            tolerated="not found",
        )

    def _run(self, commands: list[dict[str, Any]], *, tolerated: str) -> None:
        """Have the commands done in one message; raise BrokerError with the first fault that is not `tolerated`."""
        if not commands:
            return
        self._answered.clear()
        self._client.publish(CONTROL, json.dumps({"commands": commands}), qos=1)
        if not self._answered.wait(PATIENCE):
            raise BrokerError(f"the broker at {self._place} does not answer: has it the dynamic security plugin?")
        for response in self._answer:
            if "error" in response and tolerated not in str(response["error"]):
                raise BrokerError(f"the broker at {self._place}: {response['command']}: {response['error']}")

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._ready.set()
        else:
            client.subscribe(f"{CONTROL}/response", qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Sequence[Any], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = "not granted to our account"
        self._ready.set()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._answer = json.loads(message.payload)["responses"]
        self._answered.set()


def dynamic_security(settings: Settings) -> DynamicSecurity:
    """Return the connection to the broker of the settings, or the embedded one, as our own account."""
    ca_file = settings.broker.ca_file
    return DynamicSecurity(*broker_address(settings), *broker_account(settings), str(ca_file) if ca_file else None)
