"""One account cannot take all the live connections there are."""

from contextlib import ExitStack

from api.live_seats import MOST_EACH, Seats
from api.principal import DEMO, Principal, Role


def test_an_account_has_so_many_seats_and_gets_them_back() -> None:
    seats = Seats()
    ada, key, bob = (
        Principal(name, "session", frozenset({Role.VIEWER}), number)
        for name, number in (("ada", 1), ("ada (key x)", 1), ("bob", 2))
    )
    with ExitStack() as held:
        for _ in range(MOST_EACH):
            assert not seats.full(ada)
            held.enter_context(seats.sit(ada))
            held.enter_context(seats.sit(DEMO))
        assert [seats.full(each) for each in (ada, key, bob, DEMO)] == [True, True, False, False]
    assert not seats.full(ada)
