"""Shared by the tests of sign-in: the application with sign-in on, and accounts by short words."""

import httpx
from fastapi import FastAPI

from api.identity.accounts import add_account
from api.identity.passwords import hash_password
from citywatch.settings import Settings
from sql.connection import Connection, Pool

HERE = "http://city.example"
ORIGIN = {"Origin": HERE}
PASSWORD = "a long enough phrase"
_HASH = hash_password(PASSWORD)


def closed(settings: Settings) -> Settings:
    """Return the settings with sign-in on."""
    return settings.model_copy(update={"serve": settings.serve.model_copy(update={"demo": False})})


async def set_password(connection: Connection, name: str) -> None:
    """Make PASSWORD an account's own."""
    await connection.execute(
        "UPDATE account_user SET password_hash = $2, must_change = false WHERE name = $1", name, _HASH
    )


async def add(
    pool: Pool,
    name: str,
    role: str = "operator",
    districts: list[str] | None = None,
    domains: list[str] | None = None,
) -> None:
    """Add an account whose password is PASSWORD already."""
    async with pool.acquire() as connection:
        await add_account(connection, "test", name, role, districts, domains)
        await set_password(connection, name)


def browser(application: FastAPI, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """Return a client that keeps cookies, as a browser at `address` does."""
    transport = httpx.ASGITransport(application, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url=HERE)


async def sign_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, after: str = "/") -> httpx.Response:
    """Send the sign-in form."""
    form = {"name": name, "password": password, "next": after}
    return await client.post("/sign-in", data=form, headers=ORIGIN)
