"""Commands in the store: asked for, sent, answered, and expired when nobody answers in time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from citywatch.errors import RegistryError
from devices.command_messages import Answer, CommandMessage, downlink, native_command
from devices.model import DecodeError
from devices.profiles import Profile
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query

CHANNEL = "citywatch_command"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Command:
    """One command and where it stands; see the table for what each time means."""

    command_id: UUID
    device_id: str
    name: str
    arguments: dict[str, Any]
    route: str
    state: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    ended_at: datetime | None
    result: Any
    reason: str


def message_of(
    command_id: UUID,
    device_id: str,
    name: str,
    arguments: Mapping[str, Any],
    expires_at: datetime,
    *,
    route: str,
    downlinks: Mapping[str, str],
) -> CommandMessage:
    """Return the message that carries a command; raise DecodeError where it cannot be sent so."""
    if route == "native":
        return native_command(command_id, device_id, name, arguments, expires_at)
    template = downlinks.get(route)
    if template is None:
        raise DecodeError(f"no topic for downlinks of {route} is set: CITYWATCH_DEVICES__DOWNLINKS")
    return downlink(command_id, device_id, route, template, arguments)


async def create_command(
    connection: Connection,
    profiles: Mapping[str, Profile],
    downlinks: Mapping[str, str],
    device_id: str,
    name: str,
    arguments: Mapping[str, Any],
    *,
    lasts: timedelta,
    actor: str,
    now: datetime,
    address: str = "",
) -> Command:
    """Queue a command; it is sent at once by `citywatch devices run`. Raises RegistryError where it cannot be."""
    if not NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no name for a command: small letters, digits, - and _, at most 64")
    if not timedelta(seconds=1) <= lasts <= LONGEST:
        raise RegistryError(f"a command may wait from 1 s to {LONGEST.days} days, not {lasts}")
    key = await connection.fetchval(query("commands", "profile_of"), device_id)
    if key is None:
        raise RegistryError(f"there is no device {device_id!r}")
    envelope = profiles[key].envelope if key in profiles else "native"
    route = envelope if envelope in ("tts_v3", "chirpstack_v4") else "native"
    command_id, expires_at = uuid4(), now + lasts
    try:
        message_of(command_id, device_id, name, arguments, expires_at, route=route, downlinks=downlinks)
    except DecodeError as reason:
        raise RegistryError(f"{device_id}: {reason}") from None
    async with connection.transaction():
        await connection.execute(
            query("commands", "add_command"),
            command_id, device_id, name, dict(arguments), route, now, actor, expires_at,
        )  # fmt: skip
        await connection.execute(query("commands", "announce_command"))
        detail = {"command_id": str(command_id), "name": name, "arguments": dict(arguments)}
        await audit(connection, actor, "command.send", f"device/{device_id}", detail, address)
    (command,) = await list_commands(connection, command_id=command_id)
    return command


async def list_commands(
    connection: Connection,
    *,
    device_id: str | None = None,
    state: str | None = None,
    command_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> Sequence[Command]:
    """Return commands, the newest first."""
    at, after = before or (None, None)
    rows = await connection.fetch(query("commands", "commands"), device_id, state, command_id, at, after, limit)
    # The driver's own kind of UUID is not one that JSON encoders know.
    return [Command(**{**row, "command_id": UUID(int=row["command_id"].int)}) for row in rows]


async def settle(connection: Connection, answer: Answer, now: datetime) -> bool:
    """Note an answer; False where the command is not this device's, is not there, or has ended already."""
    moved = await connection.fetchval(
        query("commands", "move_command"),
        answer.command_id, answer.device_id, answer.state, now, answer.result, answer.reason,
    )  # fmt: skip
    return bool(moved)
