"""A session without sockets: what comes out for what goes in, in every state, however the octets arrive."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smsgate.smpp.own import OWN_ANSWER_S
from smsgate.smpp.states import READS_ESME, TRANSITIONS, Event, State
from tests import pdus
from tests.pdus import bind, bind_resp, nack, pdu, submit_resp, submit_sm
from tests.wires import CAP, NOW, Wire, blocked, octets

OWN = 0x7FFE0000
ENQUIRE = pdu(pdus.ENQUIRE_LINK, sequence=0)
VENDOR = pdu(0x0001_0200, b"later version", sequence=4)

# the table

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


# dialogues: reads of the ESME, or of the SMSC, in turn; then what each side must have been told

E, S = "esme", "smsc"
BOUND = [(E, bind()), (S, bind_resp())]
REFUSED = [(E, bind()), (S, bind_resp(status=0x0E))]
SUBMITS = [submit_sm(b"one", sequence=2), blocked(3), submit_sm(b"two", sequence=4), blocked(0), blocked(0xFFFFFFFF)]
Dialogue = list[tuple[str, bytes]]

DIALOGUES: dict[str, tuple[Dialogue, bytes, bytes, State]] = {
    "a bind passes both ways": (BOUND, bind(), bind_resp(), State.BOUND),
    "a burst with blocked PDUs in it": (
        [*BOUND, (E, b"".join(SUBMITS) + ENQUIRE)],
        bind() + SUBMITS[0] + SUBMITS[2] + ENQUIRE,
        bind_resp() + b"".join(submit_resp(status=0x66, sequence=number) for number in (3, 0, 0xFFFFFFFF)),
        State.BOUND,
    ),
    "pipelined behind the bind": (
        [(E, bind() + b"".join(SUBMITS)), (S, bind_resp())],
        bind() + SUBMITS[0] + SUBMITS[2],
        bind_resp() + b"".join(submit_resp(status=0x66, sequence=number) for number in (3, 0, 0xFFFFFFFF)),
        State.BOUND,
    ),
    "behind bind_resp": (
        [(E, bind()), (S, bind_resp() + submit_sm(b"mo", command=pdus.DELIVER_SM) + ENQUIRE)],
        bind(),
        bind_resp() + submit_sm(b"mo", command=pdus.DELIVER_SM) + ENQUIRE,
        State.BOUND,
    ),
    "an unknown request": (
        [*BOUND, (E, ENQUIRE + VENDOR + ENQUIRE)],
        bind() + ENQUIRE * 2,
        bind_resp() + nack(0x03, sequence=4),
        State.BOUND,
    ),
    "what only an SMSC may ask": (
        [*BOUND, (E, pdu(pdus.OUTBIND, sequence=5) + pdu(pdus.ALERT_NOTIFICATION, sequence=6))],
        bind(),
        bind_resp() + nack(0x03, sequence=5) + nack(0x03, sequence=6),
        State.BOUND,
    ),
    "commands of later versions from the SMSC": (
        [*BOUND, (S, VENDOR + pdu(0x80010200, b"x", status=0x432))],
        bind(),
        bind_resp() + VENDOR + pdu(0x80010200, b"x", status=0x432),
        State.BOUND,
    ),
    "vendor responses of the ESME": (
        [*BOUND, (E, pdu(0x80000005, b"\0", status=0x401, sequence=0xFFFFFFFF))],
        bind() + pdu(0x80000005, b"\0", status=0x401, sequence=0xFFFFFFFF),
        bind_resp(),
        State.BOUND,
    ),
    "before the bind": (
        [(E, submit_sm(b"x", sequence=7) + ENQUIRE + pdu(pdus.UNBIND, sequence=8) + VENDOR + submit_resp())],
        b"",
        submit_resp(status=0x04, sequence=7)
        + pdu(0x80000015, status=0x04, sequence=0)
        + pdu(0x80000006, status=0x04, sequence=8)
        + nack(0x03, sequence=4),
        State.OPEN,
    ),
    "a bind that is not well formed": (
        [(E, bind(b"") + bind(b"sixteen octets!!", sequence=2) + bind())],
        bind(),
        pdu(0x80000009, status=0x0F) + pdu(0x80000009, status=0x0F, sequence=2),
        State.BINDING,
    ),
    "a refused bind, tried again": (
        [*REFUSED, (E, bind(sequence=2)), (S, bind_resp(sequence=2))],
        bind() + bind(sequence=2),
        bind_resp(status=0x0E) + bind_resp(sequence=2),
        State.BOUND,
    ),
    "a refused bind, tried again in another name": (
        [*REFUSED, (E, bind(b"bank2", sequence=2))],
        bind(),
        bind_resp(status=0x0E) + pdu(0x80000009, status=0x0D, sequence=2),
        State.OPEN,
    ),
    "pipelined behind a refused bind": (
        [(E, bind() + submit_sm(b"x", sequence=2)), (S, bind_resp(status=0x0E))],
        bind(),
        bind_resp(status=0x0E) + submit_resp(status=0x04, sequence=2),
        State.OPEN,
    ),
    "a bind answered by generic_nack": (
        [(E, bind()), (S, nack(0x03, sequence=1))],
        bind(),
        nack(0x03, sequence=1),
        State.OPEN,
    ),
    "another answer than to the bind": (
        [(E, bind() + ENQUIRE), (S, bind_resp(sequence=9))],
        bind(),
        bind_resp(sequence=9) + pdu(0x80000015, sequence=0, status=0x04),
        State.OPEN,
    ),
    "a bad length from the ESME": (
        [*BOUND, (E, SUBMITS[0] + (3).to_bytes(4, "big"))],
        bind() + SUBMITS[0],
        bind_resp() + nack(0x02),
        State.CLOSED,
    ),
    "a length over the cap from the ESME": (
        [*BOUND, (E, blocked(3) + (CAP + 1).to_bytes(4, "big") + pdu(4, sequence=77)[4:])],
        bind(),
        bind_resp() + submit_resp(status=0x66, sequence=3) + nack(0x02, sequence=77),
        State.CLOSED,
    ),
    "something else than SMPP": ([(E, b"GET / HTTP/1.1\r\n\r\n")], b"", nack(0x02, sequence=0x2E310D0A), State.CLOSED),
    "a bad length from the SMSC": (
        [*BOUND, (S, ENQUIRE + bytes(4))],
        bind() + nack(0x02),
        bind_resp() + ENQUIRE,
        State.CLOSED,
    ),
}


@pytest.mark.parametrize("name", DIALOGUES)
@pytest.mark.parametrize("split", [lambda read: [read], octets], ids=["whole", "octet by octet"])
def test_dialogues(name: str, split: Callable[[bytes], list[bytes]]) -> None:
    reads, upstream, downstream, state = DIALOGUES[name]
    wire = Wire()
    for side, read in reads:
        getattr(wire, side)(*split(read))
    assert pdus.cut(wire.up) == pdus.cut(upstream)
    assert pdus.cut(wire.down) == pdus.cut(downstream)
    assert wire.session.state is state


# draining


@pytest.mark.parametrize("answer", [pdu(0x80000006, sequence=OWN), nack(0x03, sequence=OWN)])
def test_our_unbinds_are_swallowed_and_all_else_is_relayed(answer: bytes) -> None:
    wire = Wire(State.BOUND).drained()
    wire.esme(submit_sm(b"last", sequence=8) + blocked(9) + answer + submit_sm(b"too late", sequence=10))
    assert pdus.cut(wire.up) == [submit_sm(b"last", sequence=8), pdu(pdus.UNBIND, sequence=OWN + 1)]
    wire.smsc(submit_resp(sequence=8) + pdu(0x80000006, sequence=OWN + 1) + ENQUIRE)
    assert pdus.cut(wire.down) == [
        pdu(pdus.UNBIND, sequence=OWN),
        submit_resp(status=0x66, sequence=9),
        submit_resp(sequence=8),
    ]
    assert wire.session.state is State.CLOSED


def test_other_answers_end_no_unbind() -> None:
    wire = Wire(State.BOUND).drained()
    wire.esme(pdu(0x80000006, sequence=OWN + 5) + pdu(0x80000015, sequence=OWN))
    assert wire.session.state is State.UNBINDING_ESME
    assert len(pdus.cut(wire.up)) == 2


def test_the_esme_may_unbind_while_we_drain() -> None:
    wire = Wire(State.BOUND).drained()
    wire.esme(pdu(pdus.UNBIND, sequence=3))
    wire.smsc(pdu(0x80000006, sequence=3))
    assert wire.up == pdu(pdus.UNBIND, sequence=3)
    assert wire.down == pdu(pdus.UNBIND, sequence=OWN) + pdu(0x80000006, sequence=3)


def test_a_request_of_the_smsc_with_our_number_waits_for_our_answer() -> None:
    wire = Wire(State.BOUND).drained()
    same = pdu(pdus.ENQUIRE_LINK, sequence=OWN)
    wire.smsc(ENQUIRE + same + submit_resp(sequence=5))
    assert wire.down == pdu(pdus.UNBIND, sequence=OWN) + ENQUIRE
    wire.esme(pdu(0x80000006, sequence=OWN))
    assert wire.down == pdu(pdus.UNBIND, sequence=OWN) + ENQUIRE + same + submit_resp(sequence=5)


def test_it_waits_no_longer_than_so_many_seconds_and_then_the_first_answer_is_its_own() -> None:
    wire = Wire(State.BOUND).drained()
    same, answer = pdu(pdus.UNBIND, sequence=OWN), pdu(0x80000006, sequence=OWN)
    wire.smsc(same)
    wire.now += OWN_ANSWER_S
    wire.turns()
    assert wire.down == pdu(pdus.UNBIND, sequence=OWN) + same
    wire.esme(answer)
    assert (wire.up, wire.session.state) == (answer, State.UNBINDING_ESME)
    wire.esme(answer)
    assert (wire.up, wire.session.state) == (answer + pdu(pdus.UNBIND, sequence=OWN + 1), State.UNBINDING_SMSC)


def test_our_requests_take_no_number_that_is_in_flight() -> None:
    wire = Wire(State.BOUND)
    wire.esme(submit_sm(b"x", sequence=OWN + 2))
    wire.smsc(pdu(pdus.ENQUIRE_LINK, sequence=OWN) + pdu(pdus.UNBIND, sequence=OWN + 1)).drained()
    assert wire.down.endswith(pdu(pdus.UNBIND, sequence=OWN + 1) + pdu(pdus.UNBIND, sequence=OWN + 2))
    wire.esme(pdu(0x80000006, sequence=OWN + 2))
    assert wire.up.endswith(pdu(pdus.UNBIND, sequence=OWN + 3))


@pytest.mark.parametrize("reads", [[], [(E, bind())]], ids=["open", "binding"])
def test_a_session_that_is_not_bound_just_closes(reads: Dialogue) -> None:
    wire = Wire()
    for side, read in reads:
        getattr(wire, side)(read)
    wire.down = b""
    wire.drained()
    assert (wire.session.state, wire.down) == (State.CLOSED, b"")


def test_a_pending_bind_without_an_smsc_is_refused() -> None:
    wire = Wire()
    wire.session.downstream.feed(bind(sequence=9))
    wire.session.advance_downstream(NOW)
    wire.session.refuse_pending_bind(0x08)
    wire.collect()
    assert (wire.up, wire.down) == (b"", pdu(0x80000009, status=0x08, sequence=9))
    assert wire.session.state is State.CLOSED
    wire.esme(ENQUIRE).smsc(ENQUIRE)
    assert wire.up == b""
