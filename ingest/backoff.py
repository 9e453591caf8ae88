"""Waiting between tries: doubling, with jitter, so that many workers do not come back in step."""

import random


class Backoff:
    """Delays in seconds, from `first` doubling up to `most`, each shortened at random by up to a half."""

    def __init__(self, first: float = 0.1, most: float = 15.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def delay(self) -> float:
        """Return how long to wait now; the next wait will be longer."""
        delay = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, self._most)
        return delay

    def reset(self) -> None:
        """Start again from the first delay, after a success."""
        self._next = self._first
