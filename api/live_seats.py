"""How many live connections one account holds: each costs memory and work for as long as it stands."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.principal import Principal

MOST_EACH = 50  # of one account; its keys count as itself


class Seats:
    """The live connections of one process by account. The demo, where all are one, is bounded by the hub alone."""

    def __init__(self) -> None:
        self._taken: Counter[int] = Counter()

    def full(self, principal: Principal) -> bool:
        """Return whether an account has as many as it may."""
        return principal.account_id is not None and self._taken[principal.account_id] >= MOST_EACH

    @contextmanager
    def sit(self, principal: Principal) -> Iterator[None]:
        """Count one connection while it stands."""
        if principal.account_id is None:
            yield
            return
        self._taken[principal.account_id] += 1
        try:
            yield
        finally:
            self._taken[principal.account_id] -= 1
