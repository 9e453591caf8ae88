"""The life of one alert after ISA-18.2-2016: the only code that says which state follows which.

Pure: a standing and an event give the next standing, or an error that says why not. An alert is one occurrence; when
its condition comes back after it went away, that is a new alert, which supersedes the old one if it is still open. So
acknowledging an old occurrence can never acknowledge a new one, and what the journal says was raised does not depend
on when somebody clicked.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from citywatch.errors import AlertError


class AlertState(StrEnum):
    """ISA-18.2 states A to I; an alert is closed once NORMAL."""

    UNACKNOWLEDGED = "unacknowledged"  # B
    ACKNOWLEDGED = "acknowledged"  # C
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"  # D
    NORMAL = "normal"  # A
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"  # E
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"  # F
    SHELVED = "shelved"  # G
    SUPPRESSED = "suppressed"  # H
    OUT_OF_SERVICE = "out_of_service"  # I


class AlertEventKind(StrEnum):
    """What can happen to an alert; the words of the journal."""

    RAISED = "raised"
    ANNUNCIATED = "annunciated"  # changes no state: what was said silently is said aloud, even if it is over by now
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    RESTORED = "restored"
    TAKEN_OUT_OF_SERVICE = "taken_out_of_service"
    RETURNED_TO_SERVICE = "returned_to_service"
    SUPERSEDED = "superseded"  # the condition came back: a new alert speaks of it
    WITHDRAWN = "withdrawn"  # its rule is no more, or watches the device no more
    CALLED_BACK = "called_back"  # an operator finds that it was closed too early
    # What late readings show to have been otherwise:
    RETRACTED = "retracted"
    MOVED = "moved"
    REOPENED = "reopened"
    # What changes no state:
    COMMENTED = "commented"
    ASSIGNED = "assigned"


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert's state, whether its condition stands, and whether it stays until reset."""

    state: AlertState
    active: bool
    latched: bool = False

    @property
    def open(self) -> bool:
        """Say whether the alert still wants something of somebody."""
        return self.state is not AlertState.NORMAL


S, E = AlertState, AlertEventKind
QUIET = frozenset({S.SHELVED, S.SUPPRESSED, S.OUT_OF_SERVICE})
_ENTER = {E.SHELVED: S.SHELVED, E.SUPPRESSED: S.SUPPRESSED, E.TAKEN_OUT_OF_SERVICE: S.OUT_OF_SERVICE}
_LEAVE = {E.UNSHELVED: S.SHELVED, E.RESTORED: S.SUPPRESSED, E.RETURNED_TO_SERVICE: S.OUT_OF_SERVICE}
_CLEAR = {
    S.UNACKNOWLEDGED: (S.RETURNED_UNACKNOWLEDGED, S.LATCHED_UNACKNOWLEDGED),
    S.ACKNOWLEDGED: (S.NORMAL, S.LATCHED_ACKNOWLEDGED),
}
_ACKNOWLEDGE = {
    S.UNACKNOWLEDGED: S.ACKNOWLEDGED,
    S.ACKNOWLEDGED: S.ACKNOWLEDGED,
    S.RETURNED_UNACKNOWLEDGED: S.NORMAL,
    S.LATCHED_UNACKNOWLEDGED: S.LATCHED_ACKNOWLEDGED,
    S.LATCHED_ACKNOWLEDGED: S.LATCHED_ACKNOWLEDGED,
}
_RESET = {S.LATCHED_UNACKNOWLEDGED: S.RETURNED_UNACKNOWLEDGED, S.LATCHED_ACKNOWLEDGED: S.NORMAL}
_REOPEN = {
    S.RETURNED_UNACKNOWLEDGED: S.UNACKNOWLEDGED,
    S.LATCHED_UNACKNOWLEDGED: S.UNACKNOWLEDGED,
    S.LATCHED_ACKNOWLEDGED: S.ACKNOWLEDGED,
}


def raised(*, latched: bool, quiet: AlertState | None = None) -> Standing:
    """Return the standing of a new alert; `quiet` is the state that keeps its key silent, if one does."""
    if quiet is not None and quiet not in QUIET:
        raise AlertError(f"an alert is not raised {quiet}")
    return Standing(quiet or S.UNACKNOWLEDGED, active=True, latched=latched)


def advance(standing: Standing, event: AlertEventKind, *, acknowledged: bool = False) -> Standing:
    """Return the standing after `event`; raise AlertError where the state does not allow it.

    `acknowledged` says whether somebody had acknowledged the alert, for REOPENED after it was closed.
    """
    state = standing.state
    match event:
        case E.COMMENTED | E.ASSIGNED | E.MOVED | E.ANNUNCIATED:
            return standing
        case E.SUPERSEDED | E.RETRACTED | E.WITHDRAWN:
            return replace(standing, state=S.NORMAL, active=False)
        case E.CLEARED if standing.active:
            if state in QUIET:
                return replace(standing, active=False)
            if state in _CLEAR:
                return replace(standing, state=_CLEAR[state][standing.latched], active=False)
        case E.REOPENED if not standing.active:
            if state is S.NORMAL:
                return replace(standing, state=S.ACKNOWLEDGED if acknowledged else S.UNACKNOWLEDGED, active=True)
            if state in QUIET:
                return replace(standing, active=True)
            return replace(standing, state=_REOPEN[state], active=True)
        case E.CALLED_BACK if state is S.NORMAL:
            back = S.LATCHED_UNACKNOWLEDGED if standing.latched else S.RETURNED_UNACKNOWLEDGED
            return replace(standing, state=back)
        case E.ACKNOWLEDGED if state in _ACKNOWLEDGE:
            return replace(standing, state=_ACKNOWLEDGE[state])
        case E.RESET if state in _RESET:
            return replace(standing, state=_RESET[state])
        case E.SHELVED | E.SUPPRESSED | E.TAKEN_OUT_OF_SERVICE if state not in QUIET and state is not S.NORMAL:
            return replace(standing, state=_ENTER[event])
        case E.UNSHELVED | E.RESTORED | E.RETURNED_TO_SERVICE if state is _LEAVE[event]:
            if standing.active:
                return replace(standing, state=S.UNACKNOWLEDGED)
            return replace(standing, state=S.LATCHED_UNACKNOWLEDGED if standing.latched else S.NORMAL)
    raise AlertError(_refusal(standing, event))


def _refusal(standing: Standing, event: AlertEventKind) -> str:
    state = standing.state.replace("_", " ")
    verb = event.replace("_", " ")
    if event is E.CALLED_BACK:
        return f"the alert is {state}, not closed: there is nothing to call back"
    if standing.state is S.NORMAL:
        return f"the alert is closed: it cannot be {verb}"
    if standing.state in QUIET and event is E.ACKNOWLEDGED:
        return f"the alert is {state}: it asks nobody, so there is nothing to acknowledge"
    if event is E.RESET:
        return f"the alert is {state}: only a latched alert whose condition has gone is reset"
    if event is E.CLEARED:
        return f"the alert is {state} and its condition has gone already"
    if event is E.REOPENED:
        return f"the alert is {state} and its condition stands: there is nothing to reopen"
    return f"the alert is {state}: it cannot be {verb}"
