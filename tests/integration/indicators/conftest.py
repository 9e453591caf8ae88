"""A city whose fold and indicators are stepped by hand."""

from collections.abc import AsyncIterator

import pytest

from sql.connection import Pool
from tests.integration.indicators.deriving import City


@pytest.fixture
async def city(pool: Pool) -> AsyncIterator[City]:
    async with pool.acquire() as connection:
        yield await City.open(pool, connection)
