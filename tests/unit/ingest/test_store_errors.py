"""What the writer makes of the driver's errors."""

import asyncpg
import pytest

from ingest.store import AWAY
from sql.retry import PASSING


@pytest.mark.parametrize(
    "error",
    [
        *PASSING,
        # "cannot switch to state ...; another operation is in progress": what the driver says when the network went
        # away in the middle of a statement. A worker ended over it.
        asyncpg.InternalClientError,
        asyncpg.DiskFullError,
        asyncpg.CannotConnectNowError,
        TimeoutError,
    ],
)
def test_what_passes_by_itself_never_ends_the_worker(error: type[Exception]) -> None:
    assert issubclass(error, AWAY)
