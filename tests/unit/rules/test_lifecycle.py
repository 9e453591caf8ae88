"""The lifecycle against the table of ISA-18.2: every legal transition is reached, every other refused with a reason."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from citywatch.errors import AlertError
from rules.lifecycle import QUIET, AlertEventKind, AlertState, Standing, advance, raised

S, K = AlertState, AlertEventKind
CLOSE = {K.SUPERSEDED: S.NORMAL, K.RETRACTED: S.NORMAL, K.WITHDRAWN: S.NORMAL}
HUSH = {K.SHELVED: S.SHELVED, K.SUPPRESSED: S.SUPPRESSED, K.TAKEN_OUT_OF_SERVICE: S.OUT_OF_SERVICE}

# (state, condition stands, latched) -> what may happen and where it leads; written from the standard, not the code.
TABLE: dict[tuple[AlertState, bool, bool], dict[AlertEventKind, AlertState]] = {}
for latched in (False, True):
    returned = S.LATCHED_UNACKNOWLEDGED if latched else S.RETURNED_UNACKNOWLEDGED
    done = S.LATCHED_ACKNOWLEDGED if latched else S.NORMAL
    TABLE[S.UNACKNOWLEDGED, True, latched] = {
        K.CLEARED: returned,
        K.ACKNOWLEDGED: S.ACKNOWLEDGED,
        **HUSH,
    }
    TABLE[S.ACKNOWLEDGED, True, latched] = {
        K.CLEARED: done,
        K.ACKNOWLEDGED: S.ACKNOWLEDGED,
        **HUSH,
    }
    TABLE[S.RETURNED_UNACKNOWLEDGED, False, latched] = {
        K.ACKNOWLEDGED: S.NORMAL,
        K.REOPENED: S.UNACKNOWLEDGED,
        **HUSH,
    }
    TABLE[S.NORMAL, False, latched] = {K.REOPENED: S.UNACKNOWLEDGED, K.CALLED_BACK: returned}
    for quiet, leave in (
        (S.SHELVED, K.UNSHELVED),
        (S.SUPPRESSED, K.RESTORED),
        (S.OUT_OF_SERVICE, K.RETURNED_TO_SERVICE),
    ):
        TABLE[quiet, True, latched] = {K.CLEARED: quiet, leave: S.UNACKNOWLEDGED}
        resting = S.LATCHED_UNACKNOWLEDGED if latched else S.NORMAL
        TABLE[quiet, False, latched] = {K.REOPENED: quiet, leave: resting}
TABLE[S.LATCHED_UNACKNOWLEDGED, False, True] = {
    K.ACKNOWLEDGED: S.LATCHED_ACKNOWLEDGED,
    K.RESET: S.RETURNED_UNACKNOWLEDGED,
    K.REOPENED: S.UNACKNOWLEDGED,
    **HUSH,
}
TABLE[S.LATCHED_ACKNOWLEDGED, False, True] = {
    K.ACKNOWLEDGED: S.LATCHED_ACKNOWLEDGED,
    K.RESET: S.NORMAL,
    K.REOPENED: S.ACKNOWLEDGED,
    **HUSH,
}
for (state, _active, _latched), events in TABLE.items():
    events.update(CLOSE)
    events.update({K.COMMENTED: state, K.ASSIGNED: state, K.MOVED: state, K.ANNUNCIATED: state})


@pytest.mark.parametrize(("where", "event"), list(itertools.product(TABLE, [k for k in K if k is not K.RAISED])))
def test_every_pair_of_standing_and_event_is_as_the_standard_has_it(
    where: tuple[AlertState, bool, bool], event: AlertEventKind
) -> None:
    before = Standing(*where)
    expected = TABLE[where].get(event)
    if expected is None:
        with pytest.raises(AlertError, match="the alert is"):
            advance(before, event)
        return
    after = advance(before, event)
    assert after.state is expected
    assert after.open == (expected is not S.NORMAL)


class AlertMachine(RuleBasedStateMachine):
    """Lives through an alert at random; only standings of the table are ever reached."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = raised(latched=False)

    @rule(latched=st.booleans(), quiet=st.sampled_from([None, *sorted(QUIET)]))
    def raise_anew(self, latched: bool, quiet: AlertState | None) -> None:
        self.standing = raised(latched=latched, quiet=quiet)

    @rule(data=st.data())
    def something_legal_happens(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(sorted(TABLE[self._where()])))
        self.standing = advance(self.standing, event)

    @precondition(lambda self: len(TABLE[self._where()]) < len(K) - 1)
    @rule(data=st.data())
    def something_illegal_is_refused(self, data: st.DataObject) -> None:
        refused = [k for k in K if k not in TABLE[self._where()] and k is not K.RAISED]
        before = self.standing
        with pytest.raises(AlertError):
            advance(self.standing, data.draw(st.sampled_from(refused)))
        assert self.standing == before

    @invariant()
    def the_standing_is_one_of_the_table(self) -> None:
        assert self._where() in TABLE

    def _where(self) -> tuple[AlertState, bool, bool]:
        return self.standing.state, self.standing.active, self.standing.latched


TestALife = AlertMachine.TestCase
TestALife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, database=None)


def test_every_standing_of_the_table_is_reached_from_a_raise() -> None:
    front = [raised(latched=latched, quiet=quiet) for latched in (False, True) for quiet in (None, *QUIET)]
    reached: set[tuple[AlertState, bool, bool]] = set()
    while front:
        standing = front.pop()
        where = (standing.state, standing.active, standing.latched)
        if where not in reached:
            reached.add(where)
            front += [advance(standing, event) for event in TABLE[where]]
    assert reached == set(TABLE)


def test_an_alert_is_not_raised_into_an_odd_state() -> None:
    with pytest.raises(AlertError):
        raised(latched=False, quiet=S.ACKNOWLEDGED)
