"""What the API could not hand to the broker it does not keep: the caller was told so, and sends it again."""

from pathlib import Path

import pytest

from api.broker_link import BrokerLink
from citywatch.errors import BrokerError
from tests.integration.secured_broker import secured_broker, settings_for, wait_until


async def test_a_message_without_a_broker_is_refused_and_forgotten(tmp_path: Path) -> None:
    with secured_broker(tmp_path / "broker", []) as (broker, password):
        link = BrokerLink(settings_for("postgresql://nowhere", broker, password))
        await link.publish("city/v1/devices/bin-1/up", b"{}")
    client = link._client
    assert client is not None
    wait_until(lambda: not client.is_connected(), "the broker's end")
    for _ in range(3):
        with pytest.raises(BrokerError, match="cannot be reached"):
            await link.publish("city/v1/devices/bin-1/up", b"{}")
    assert len(client._out_messages) == 0
    link.close()
