"""Automatic incident detection from neighbouring detectors: California #7, standard normal deviate, low-pass.

One method alone calls too often to be useful (0.134 % of decisions at 30 s is 14 false calls an hour on 87 stations);
`confirmed` therefore asks for persistence and a second voice. Sources: Martin et al., MPC-01-122 (2001);
Stephanedes and Chassiakos (1993). Thresholds are starting points: calibrate them per pair of detectors.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from statistics import fmean, stdev

from indicators.errors import IndicatorError

LOOK_BACK = 2  # steps between which the downstream drop is taken


class IncidentState(IntEnum):
    """States of the California algorithms."""

    FREE = 0
    TENTATIVE = 1
    CONFIRMED = 2
    CONTINUING = 3


@dataclass(frozen=True, slots=True)
class California7:
    """California algorithm #7 on occupancies in percent, one pair of stations, steps of 20 to 60 s.

    `spatial` is T1 (upstream minus downstream, points), `relative` T2 (the same over upstream), `drop` T3: the relative
    fall of downstream occupancy over two steps, as in the public implementation (the original asks instead for
    downstream occupancy below about 20 %).
    """

    spatial: float = 8.0
    relative: float = 0.5
    drop: float = 0.3

    def step(
        self, state: IncidentState, upstream: float, downstream: float, downstream_before: float | None
    ) -> IncidentState:
        """Return the next state; `downstream_before` is two steps old, None where there is none: then FREE."""
        if downstream_before is None:
            return IncidentState.FREE
        difference = upstream - downstream
        relative = difference / upstream if upstream else 0.0
        if state is not IncidentState.FREE:
            return _NEXT[state] if relative >= self.relative else IncidentState.FREE
        fall = (downstream_before - downstream) / downstream_before if downstream_before else 0.0
        starts = difference >= self.spatial and relative >= self.relative and fall >= self.drop
        return IncidentState.TENTATIVE if starts else IncidentState.FREE

    def states(self, upstream: Sequence[float], downstream: Sequence[float]) -> list[IncidentState]:
        """Return the state after each step; an alarm is the step that enters CONFIRMED."""
        state, states = IncidentState.FREE, []
        for at, (above, below) in enumerate(zip(upstream, downstream, strict=True)):
            state = self.step(state, above, below, downstream[at - LOOK_BACK] if at >= LOOK_BACK else None)
            states.append(state)
        return states


_NEXT = {
    IncidentState.TENTATIVE: IncidentState.CONFIRMED,
    IncidentState.CONFIRMED: IncidentState.CONTINUING,
    IncidentState.CONTINUING: IncidentState.CONTINUING,
}


@dataclass(frozen=True, slots=True)
class StandardNormalDeviate:
    """Alarm on `successive` values that lie `limit` sample standard deviations from the `window` values before them."""

    window: int
    limit: float
    successive: int = 1

    def scores(self, values: Sequence[float]) -> list[float | None]:
        """Return z of each value; None while the window fills, and where it does not vary."""
        if self.window < 2:
            raise IndicatorError(f"a standard deviation needs a window of 2 and more, not {self.window}")
        return [self._score(values[max(0, at - self.window) : at], value) for at, value in enumerate(values)]

    def alarms(self, values: Sequence[float]) -> list[bool]:
        """Return whether each value completes `successive` scores at or beyond the limit."""
        run, alarms = 0, []
        for score in self.scores(values):
            run = run + 1 if score is not None and abs(score) >= self.limit else 0
            alarms.append(run >= self.successive)
        return alarms

    def _score(self, before: Sequence[float], value: float) -> float | None:
        if len(before) < self.window:
            return None
        spread = stdev(before)
        return (value - fmean(before)) / spread if spread else None


@dataclass(frozen=True, slots=True)
class LowPass:
    """Smoothed spatial occupancy difference now against before (Stephanedes and Chassiakos), occupancies in percent.

    Over the last `after` steps and the `before` steps ahead of those (3 and 5 minutes): mean difference between
    stations, both divided by the larger of the stations' mean occupancies before. Congestion needs `congestion`, an
    incident also a rise of `rise`.
    """

    after: int
    before: int
    congestion: float = 0.4
    rise: float = 0.3

    def alarms(self, upstream: Sequence[float], downstream: Sequence[float]) -> list[bool]:
        """Return whether each step ends in an incident; False while the windows fill."""
        window: deque[tuple[float, float]] = deque(maxlen=self.after + self.before)
        alarms = []
        for pair in zip(upstream, downstream, strict=True):
            window.append(pair)
            alarms.append(len(window) == window.maxlen and self._incident(list(window)))
        return alarms

    def _incident(self, window: Sequence[tuple[float, float]]) -> bool:
        earlier, latest = window[: self.before], window[self.before :]
        larger = max(fmean(above for above, _ in earlier), fmean(below for _, below in earlier))
        if larger <= 0:
            return False
        now = fmean(above - below for above, below in latest) / larger
        then = fmean(above - below for above, below in earlier) / larger
        return now >= self.congestion and now - then >= self.rise


def false_alarms_per_hour(share_of_decisions: float, stations: int, step: timedelta) -> float:
    """Return the false alarms an hour that a rate per decision means: 0.05 % on 87 stations at 20 s are about eight."""
    if step <= timedelta(0):
        raise IndicatorError(f"stations decide every so often, not every {step}")
    return share_of_decisions * stations * (timedelta(hours=1) / step)


def confirmed(calls: Sequence[bool], others: Sequence[Sequence[bool]], persistence: int) -> list[bool]:
    """Return at which steps an incident is worth a person's time.

    `calls` are one detector pair's, `others` those of neighbouring pairs or other methods on the same steps. A call
    counts once it has held for `persistence` steps in a row and any of the others spoke within these.
    """
    if persistence < 1:
        raise IndicatorError(f"persistence is a number of steps, 1 and more, not {persistence}")
    verdicts, run = [], 0
    for at, call in enumerate(calls):
        run = run + 1 if call else 0
        since = at - persistence + 1
        verdicts.append(run >= persistence and any(any(other[max(0, since) : at + 1]) for other in others))
    return verdicts
