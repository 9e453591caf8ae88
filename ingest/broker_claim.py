"""Opens a worker's session at the broker before the worker itself is there.

A broker keeps messages only for sessions it knows. What is published before a worker's very first connection would
reach nobody, so whoever starts publishers and worker together claims the session first.
"""

import threading
from collections.abc import Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from citywatch.errors import BrokerError

PATIENCE = 15  # seconds for the broker's word


def claim_session(
    host: str, port: int, client_id: str, filters: Sequence[str], account: tuple[str | None, str | None] = (None, None)
) -> None:
    """Subscribe `client_id` to `filters` at QoS 1 in a session that is kept; raise BrokerError if not granted.

    `account` is name and password at the broker.

    What the session already holds stays there: nothing that arrives meanwhile is acknowledged.
    """
    granted = threading.Event()
    codes: list[int] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False, manual_ack=True)

    if account[0] is not None:
        client.username_pw_set(*account)

    def on_subscribe(_client: object, _data: object, _mid: int, reasons: Sequence[object], _properties: object) -> None:
        codes.extend(int(getattr(reason, "value", 128)) for reason in reasons)
        granted.set()

    client.on_subscribe = on_subscribe
    try:
        client.connect(host, port)
    except OSError as error:
        raise BrokerError(f"no broker at {host}:{port}: {error}") from None
    client.loop_start()
    try:
        client.subscribe([(each, 1) for each in filters])
        if not granted.wait(PATIENCE) or any(code >= 128 for code in codes):
            raise BrokerError(f"the broker at {host}:{port} did not grant {client_id} its subscription ({codes})")
    finally:
        client.disconnect()
        client.loop_stop()
