"""The OpenAPI document is a contract: every phase of schemathesis, by the key of an administrator and as nobody."""

import asyncio
import re
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

from api.app import create_app
from api.identity.accounts import add_account, add_key
from citywatch.cli.serve import serve_app
from citywatch.settings import Settings
from docs.proof.own_store import own_store
from sql.pool import open_pool
from tests.integration.api.conftest import CITY
from tests.integration.api.contract import ALL_PHASES, WITHOUT_BROKER, generated, run_schemathesis


def prove() -> dict[str, Any]:
    """Return what was asked and what was found; raise AssertionError for any answer that breaks the contract."""
    with own_store() as (dsn, folder):
        return asyncio.run(_both(dsn, folder))


# What an administrator may do to accounts ends the account and the key that it is done with: a pass of its own.
ACCOUNTS = "^/api/v1/(accounts|keys)(/|$)"


async def _fill(dsn: str) -> tuple[str, str]:
    """Fill the store and return the keys of two administrators."""
    pool = await open_pool(dsn, process="proof")
    await pool.execute(CITY)
    async with pool.acquire() as connection:
        keys = []
        for name in ("root", "second"):
            await add_account(connection, "proof", name, "admin")
            await connection.execute("UPDATE account_user SET must_change = false")
            keys.append(await add_key(connection, "proof", name, "contract", timedelta(days=1)))
    await pool.close()
    return keys[0].text, keys[1].text


async def _both(dsn: str, folder: Path) -> dict[str, Any]:
    key, second = await _fill(dsn)
    settings = Settings(_env_file=None, store={"dsn": dsn}, serve={"demo": False, "rate": 100_000, "burst": 100_000})
    figures: dict[str, Any] = {}
    # Signed in nowhere, every closed route says 401 before it reads anything; the rest must hold all the same.
    cases = {
        "as an administrator": ["--header", f"Authorization: Bearer {key}"],
        "of accounts": ["--header", f"Authorization: Bearer {second}", "--include-path-regex", ACCOUNTS],
        "as nobody": ["--exclude-checks", "positive_data_acceptance"],
    }
    for name, options in cases.items():
        stop = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = asyncio.create_task(serve_app(create_app(settings), listening, stop))
            address = f"127.0.0.1:{listening.getsockname()[1]}"
            left_out = f"{WITHOUT_BROKER}|{ACCOUNTS}" if name == "as an administrator" else WITHOUT_BROKER
            code, report = await run_schemathesis(address, folder, ALL_PHASES, 8, *options, left_out=left_out)
            stop.set()
            await serving
        operations = re.search(r"Selected: (\d+)/(\d+)", report)
        figures[name] = {
            "operations": operations[0] if operations else "",
            "cases": generated(report),
            "failures": re.findall(r"❌ (ST\d+ [^\n]*)", report),
        }
        assert code == 0, f"{name}: {report[-6000:]}"
    return figures
