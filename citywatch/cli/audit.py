"""`citywatch audit`: check that the log of who did what is whole."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import asyncpg
import typer

from citywatch.errors import CitywatchError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from sql.audit import Chain
from sql.audit import verify as verify_chain

app = typer.Typer(help="The log of who did what from where.", no_args_is_help=True)


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    number, _, hash_ = head.partition(":")
    if not number.isdigit() or len(hash_) != 64:
        raise CitywatchError(f"--head takes NUMBER:HASH as an earlier run printed it, not {head!r}")
    return int(number), hash_


@app.callback()
def _group() -> None:
    """Keep `verify` a command of its own while it is the only one."""


@app.command()
def verify(
    head: Annotated[str | None, typer.Option(help="NUMBER:HASH of an earlier run, kept elsewhere")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Find entries that were changed, taken out or put in, by number. Exit code 1 when there are any.

    Note the head it prints somewhere else: with it, a log that was cut off or written anew is found as well.

    Example: `citywatch audit verify --head 1204:9f2c...`
    """

    async def run() -> Chain:
        connection = await asyncpg.connect(store_dsn(load_settings()))
        try:
            return await verify_chain(connection, _noted(head))
        finally:
            await connection.close()

    chain = asyncio.run(run())
    if as_json:
        print(json.dumps(asdict(chain)))
    else:
        for fault in chain.faults:
            print(f"FAULT  {fault}")
        print(f"{chain.entries} entries, {'every one as written' if not chain.faults else 'not as written'}.")
        print(f"Head, to be noted elsewhere: {chain.last}:{chain.head}")
    raise typer.Exit(1 if chain.faults else 0)
