"""Slow shifts that no single value shows: EWMA, CUSUM and Page-Hinkley, one pure step at a time.

Run them on de-seasonalised hourly residuals and set the limits from history: run lengths in textbooks hold for
independent noise only, and traffic and air are anything but. Sources: Roberts (1959), Page (1954); the Page-Hinkley
variant is river's, mean updated first.
"""

from dataclasses import dataclass, replace
from math import sqrt


@dataclass(frozen=True, slots=True)
class Ewma:
    """Exponentially weighted mean against `mean` and `deviation` of undisturbed values; alarm beyond the limit."""

    mean: float
    deviation: float
    weight: float = 0.2
    width: float = 3.0
    value: float | None = None
    n: int = 0

    def step(self, x: float) -> "Ewma":
        """Return the state after `x`."""
        before = self.mean if self.value is None else self.value
        return replace(self, value=self.weight * x + (1 - self.weight) * before, n=self.n + 1)

    @property
    def limit(self) -> float:
        """Return how far the mean may be off: narrower for the first values, as fewer are in it."""
        grown = 1 - (1 - self.weight) ** (2 * self.n)
        return self.width * self.deviation * sqrt(self.weight / (2 - self.weight) * grown)

    @property
    def alarm(self) -> bool:
        """Return whether the weighted mean is off by more than the limit."""
        return self.value is not None and abs(self.value - self.mean) > self.limit


@dataclass(frozen=True, slots=True)
class Cusum:
    """Sums of deviations beyond `slack` on either side, in standard deviations; alarm above `limit`.

    `high_for` and `low_for` count the values since each sum was last 0: a shift began that long ago.
    """

    mean: float
    deviation: float
    slack: float = 0.5
    limit: float = 5.0
    high: float = 0.0
    low: float = 0.0
    high_for: int = 0
    low_for: int = 0

    def step(self, x: float) -> "Cusum":
        """Return the state after `x`."""
        off = (x - self.mean) / self.deviation
        high = max(0.0, self.high + off - self.slack)
        low = max(0.0, self.low - off - self.slack)
        return replace(
            self,
            high=high,
            low=low,
            high_for=self.high_for + 1 if high else 0,
            low_for=self.low_for + 1 if low else 0,
        )

    @property
    def alarm(self) -> bool:
        """Return whether either sum is above the limit."""
        return max(self.high, self.low) > self.limit


@dataclass(frozen=True, slots=True)
class PageHinkley:
    """Cumulated rise above the running mean less `tolerance`; alarm when it exceeds its lowest value by `threshold`."""

    tolerance: float
    threshold: float
    needed: int = 30
    n: int = 0
    mean: float = 0.0
    total: float = 0.0
    lowest: float = 0.0

    def step(self, x: float) -> "PageHinkley":
        """Return the state after `x`; after an alarm start again from a fresh one."""
        n = self.n + 1
        mean = self.mean + (x - self.mean) / n
        total = self.total + x - mean - self.tolerance
        return replace(self, n=n, mean=mean, total=total, lowest=min(self.lowest, total))

    @property
    def alarm(self) -> bool:
        """Return whether a rise has been seen, once `needed` values are in."""
        return self.n >= self.needed and self.total - self.lowest > self.threshold
