"""`citywatch rejected`: messages turned away, and playing them again after a mend."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import asyncpg
import typer

from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from ingest.rejected import KeptMessage, list_rejected
from ingest.replay import ReplayCounts, replay_rejected
from sql.pool import set_up

app = typer.Typer(help="Messages turned away, kept with their reason.", no_args_is_help=True)
Reason = Annotated[str | None, typer.Option(help="only this reason, such as unknown_device")]
DeviceId = Annotated[str | None, typer.Option("--device", help="only this device")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command("list")
def list_(
    reason: Reason = None,
    device: DeviceId = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="how many at most")] = 50,
    before: Annotated[int | None, typer.Option(help="page on: ids below this one")] = None,
    pending: Annotated[bool, typer.Option(help="leave out those played again already")] = False,
    as_json: Json = False,
) -> None:
    """Show kept messages, newest first.

    Example: `citywatch rejected list --reason unknown_device`
    """

    async def fetch() -> list[KeptMessage]:
        connection = await asyncpg.connect(store_dsn(load_settings()))
        try:
            await set_up(connection)
            return await list_rejected(
                connection, limit=limit, before=before, reason=reason, device_id=device, pending=pending
            )
        finally:
            await connection.close()

    found = asyncio.run(fetch())
    if not found and not as_json:
        print("no such message is kept")
    for message in found:
        text = message.payload.decode("utf-8", "backslashreplace")
        if as_json:
            entry: dict[str, Any] = {**asdict(message), "payload": text}
            print(json.dumps(entry, default=str))
        else:
            again = "  (played again)" if message.replayed_at else ""
            print(f"{message.rejected_id}  {message.received_at:%Y-%m-%d %H:%M:%S}Z  {message.reason}{again}")
            print(f"    {message.topic}  {message.payload_size} bytes  {message.detail}")
            print(f"    {text[:160]}")


@app.command()
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="ids from the list; none: all that match")] = None,
    reason: Reason = None,
    device: DeviceId = None,
    as_json: Json = False,
) -> None:
    """Play kept messages again, as of when they arrived: after a device was registered or a profile mended.

    What is stored already is not doubled. A message that is turned away once more stays in the list.

    Example: `citywatch rejected replay --reason unknown_device --device bin-17`
    """
    counts: ReplayCounts = asyncio.run(
        replay_rejected(load_settings(), ids=ids or None, reason=reason, device_id=device)
    )
    if as_json:
        print(json.dumps(asdict(counts)))
        return
    print(
        f"{counts.played} played again: {counts.mended} accepted whole, {counts.still} still turned away, "
        f"{counts.stored} readings stored, {counts.duplicate} were there already"
    )
    if counts.cut:
        print(f"{counts.cut} were larger than what is kept of a message and cannot be played again")
