"""Which parts of a divided consumer a process holds: advisory locks of one session, so that a lease ends with it.

The session that holds the leases does the work too. Whoever has lost a lease has lost the connection it would have
written by; nobody has to watch a clock, and who is killed is free at once.
"""

from sql.connection import Connection
from sql.queries import query
from sql.tail import part_name

# Two-number locks: the class says what, the second number which part, or of how many parts. One more: those alive.
CLASSES = {"rules": 7_228_031, "indicators": 7_228_051}
WHOEVER_DIVIDES = 1_000  # no part has this number


class Leases:
    """What one process holds of a consumer in `parts` parts: `held`, in order."""

    def __init__(self, connection: Connection, consumer: str, parts: int) -> None:
        self.held: list[int] = []
        self.parts = parts
        self._connection = connection
        self._consumer = consumer
        self._class = CLASSES[consumer]

    async def arrive(self) -> None:
        """Be counted among those alive; call it once, first."""
        await self._connection.fetch(query("leases", "end_soon"))
        await self._connection.fetch(query("leases", "arrive"), self._class + 1, self.parts)

    async def stored_parts(self) -> int:
        """Return by how many the store says that the consumer is divided."""
        found: int = await self._connection.fetchval(query("leases", "parts"), self._consumer)
        return found

    async def balance(self) -> tuple[list[int], list[int]]:
        """Take free parts up to a fair share; return those, and those held beyond it, which are to be given back.

        The first part is the last to be given back. With as many parts as wanted alive, each holds one.
        """
        there = await self._connection.fetchrow(
            query("leases", "who_is_there"), self._class, self._class + 1, self.parts
        )
        assert there is not None
        fair = -(-self.parts // max(there["alive"], 1))
        free = [part for part in range(self.parts) if part not in there["held"]]
        taken: list[int] = []
        for part in free:
            if len(self.held) + len(taken) < fair and await self._take(part):
                taken.append(part)
        self.held = sorted(self.held + taken)
        return taken, self.held[fair:]

    async def give_back(self, part: int) -> None:
        """Let somebody else have a part."""
        await self._connection.fetch(query("leases", "give_back"), self._class, part)
        self.held.remove(part)

    async def take_all(self, former: int) -> bool:
        """Take every part of this division and of the `former` one, or none, where somebody is at work; say which.

        Of several who try, one at a time does.
        """
        if not await self._take(WHOEVER_DIVIDES):
            return False
        taken: list[int] = []
        for part in range(max(self.parts, former)):
            if not await self._take(part):
                for each in [*taken, WHOEVER_DIVIDES]:
                    await self._connection.fetch(query("leases", "give_back"), self._class, each)
                return False
            taken.append(part)
        self.held = taken
        return True

    async def divided(self) -> None:
        """Give back what `take_all` took beyond the parts that there are now."""
        for part in [each for each in self.held if each >= self.parts]:
            await self.give_back(part)
        await self._connection.fetch(query("leases", "give_back"), self._class, WHOEVER_DIVIDES)

    async def _take(self, part: int) -> bool:
        return bool(await self._connection.fetchval(query("leases", "take"), self._class, part))


async def lock_positions(connection: Connection, consumer: str, parts: int) -> list[int]:
    """Return how far each part is, all held until the transaction ends; 0 for one that has not begun."""
    names = [part_name(consumer, number) for number in range(parts)]
    found = dict(await connection.fetch(query("leases", "lock_positions"), names))
    return [found.get(name, 0) for name in names]


async def save_division(connection: Connection, consumer: str, parts: int, seq: int) -> None:
    """Have the consumer divided by `parts` from now on, each at the tail's `seq`, inside the caller's transaction."""
    names = [part_name(consumer, number) for number in range(parts)]
    await connection.execute(query("leases", "save_division"), consumer, parts, names, seq)
