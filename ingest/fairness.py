"""Fairness: which topics flood, judged against the others. Pure; the caller says when time has passed.

The policy. Whoever sends far more than the median of those that send is named and waits behind the others: it gets
whatever capacity they leave, and keeps its own order. Nothing of it is turned away for that, however long it lasts: a
backlog or a replay is a flood as well. An installation may decide otherwise (`ingest.flood_share` below 1): what one
topic sends beyond that share of the worker's window is set aside, kept raw as `rate_limited`, to be played again.
Where everybody sends much nobody floods: then the broker is simply read more slowly.
"""

from dataclasses import dataclass

# A flood is more than so many messages a second, and so many times the median topic's.
LEAST_RATE = 5.0
TIMES_MEDIAN = 20.0


@dataclass(frozen=True, slots=True)
class Flood:
    """One topic above its share in the time since the last look; rates in messages a second."""

    topic: str
    messages: int
    rate: float
    usual: float
    set_aside: int


class Fairness:
    """Counts messages by topic between two looks."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.aside: dict[str, int] = {}
        self.slow: frozenset[str] = frozenset()
        # Beyond so many messages since the last look a topic is a flood at once.
        self.limit = LEAST_RATE

    def look(self, seconds: float) -> list[Flood]:
        """Return who floods, over the last `seconds`, and begin to count anew."""
        counts, self.counts = self.counts, {}
        aside, self.aside = self.aside, {}
        usual = sorted(counts.values())[(len(counts) - 1) // 2] / seconds if counts else 0.0
        limit = max(LEAST_RATE, TIMES_MEDIAN * usual)
        self.limit = limit * seconds
        floods = [
            Flood(topic, count, count / seconds, usual, aside.get(topic, 0))
            for topic, count in counts.items()
            if count / seconds > limit
        ]
        self.slow = frozenset(flood.topic for flood in floods)
        return floods
