"""The table of session states: every pair of state and event is a transition, or an error of ours."""

from __future__ import annotations

import pytest

from smsgate.smpp.states import READS_ESME, TRANSITIONS, Event, State
from tests.wires import Wire

LEGAL = {
    (State.OPEN, Event.BIND): State.BINDING,
    (State.OPEN, Event.ESME_EOF): State.CLOSED,
    (State.OPEN, Event.SMSC_EOF): State.CLOSED,
    (State.OPEN, Event.DRAIN): State.CLOSED,
    (State.BINDING, Event.SMSC_EOF): State.CLOSED,
    (State.BINDING, Event.BIND_ACCEPTED): State.BOUND,
    (State.BINDING, Event.BIND_REFUSED): State.OPEN,
    (State.BINDING, Event.DRAIN): State.CLOSED,
    (State.BOUND, Event.ESME_EOF): State.ESME_ENDED,
    (State.BOUND, Event.SMSC_EOF): State.SMSC_ENDED,
    (State.BOUND, Event.DRAIN): State.UNBINDING_ESME,
    (State.ESME_ENDED, Event.SMSC_EOF): State.CLOSED,
    (State.ESME_ENDED, Event.DRAIN): State.CLOSED,
    (State.SMSC_ENDED, Event.ESME_EOF): State.CLOSED,
    (State.SMSC_ENDED, Event.DRAIN): State.CLOSED,
    (State.UNBINDING_ESME, Event.ESME_EOF): State.UNBINDING_SMSC,
    (State.UNBINDING_ESME, Event.SMSC_EOF): State.CLOSED,
    (State.UNBINDING_SMSC, Event.ESME_EOF): State.UNBINDING_SMSC,
    (State.UNBINDING_SMSC, Event.SMSC_EOF): State.CLOSED,
    (State.UNBINDING_ESME, Event.ESME_UNBOUND): State.UNBINDING_SMSC,
    (State.UNBINDING_SMSC, Event.SMSC_UNBOUND): State.CLOSED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_state_and_event_is_a_transition_or_an_error_of_ours(state: State, event: Event) -> None:
    session = Wire().session
    session.state = state
    expected = State.CLOSED if event is Event.CLOSE else LEGAL.get((state, event))
    if expected is None:
        with pytest.raises(KeyError):
            session.move(event)
        assert session.state is state
    else:
        session.move(event)
        assert session.state is expected


def test_every_state_can_be_reached_and_left() -> None:
    assert set(TRANSITIONS.values()) | {State.OPEN} == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)
    assert {State.BINDING, State.ESME_ENDED, State.UNBINDING_SMSC, State.CLOSED} == set(State) - READS_ESME
