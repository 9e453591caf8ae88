"""Accounts for many devices: a job in parts, each of which is done, written and told before the next begins."""

import time
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from devices.broker_admin import BrokerAdmin
from devices.credentials import Credential, create_credentials
from sql.connection import Connection

# Devices in one message to the broker: it does nothing else meanwhile, and takes the longer the more it has.
FIRST, MOST = 20, 500
PART_SECONDS = 0.5


async def provision(
    connection: Connection,
    admin: BrokerAdmin,
    device_ids: Sequence[str],
    *,
    actor: str,
    rotate: bool = False,
    address: str = "",
) -> AsyncGenerator[list[Credential]]:
    """Yield the devices' new credentials, part by part.

    What was yielded is done, what was not is not. Raises as `create_credentials` does.
    """
    at, size = 0, FIRST
    while at < len(device_ids):
        part = device_ids[at : at + size]
        begun = time.monotonic()
        yield await create_credentials(
            connection, admin, part, actor=actor, now=datetime.now(UTC), rotate=rotate, address=address
        )
        at += len(part)
        lasted = max(time.monotonic() - begun, 0.001)
        size = max(1, min(MOST, 2 * size, round(len(part) * PART_SECONDS / lasted)))
