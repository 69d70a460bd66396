"""A session without sockets: what comes out for what goes in, in every state, however the octets arrive."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smsgate.smpp.own import OWN_ANSWER_S
from smsgate.smpp.session import HELD
from smsgate.smpp.states import READS_ESME, State
from tests import pdus
from tests.pdus import bind, bind_resp, nack, pdu, submit_resp, submit_sm
from tests.wires import CAP, NOW, Wire, blocked, octets

OWN = 0x7FFE0000
ENQUIRE = pdu(pdus.ENQUIRE_LINK, sequence=0)
VENDOR = pdu(0x0001_0200, b"later version", sequence=4)

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


# what the SMSC delivers


SCAM_MO = submit_sm(b"blocked", command=pdus.DELIVER_SM, sequence=21)
DATA_MO = pdus.data_sm(b"blocked", sequence=22)
SUBMIT_MO = submit_sm(b"blocked", sequence=23)
RECEIPT_MO = submit_sm(b"blocked", command=pdus.DELIVER_SM, esm_class=0x04, sequence=24)
NOTIFICATION_MO = pdus.data_sm(b"blocked", esm_class=0x20, sequence=25)
ACKNOWLEDGEMENT_MO = submit_sm(b"blocked", command=pdus.DELIVER_SM, esm_class=0x08, sequence=26)
CLEAN_MO = submit_sm(b"mo", command=pdus.DELIVER_SM, sequence=27)
ALERT_MO = pdu(pdus.ALERT_NOTIFICATION, b"blocked", sequence=28)
ANSWER_MO = pdu(0x80000004, b"blocked", sequence=29)
JUDGED_MO = [SCAM_MO, DATA_MO, SUBMIT_MO, ACKNOWLEDGEMENT_MO]
PASSING_MO = [RECEIPT_MO, NOTIFICATION_MO, CLEAN_MO, ALERT_MO, ANSWER_MO, VENDOR]
ALL_MO = [*JUDGED_MO, *PASSING_MO]


def refusals(requests: list[bytes], status: int) -> bytes:
    return b"".join(
        pdu(int.from_bytes(one[4:8], "big") | 0x80000000, status=status, sequence=int.from_bytes(one[12:16], "big"))
        for one in requests
    )


@pytest.mark.parametrize("state", State)
def test_what_the_smsc_delivers_is_judged_in_every_state_if_asked_for(state: State) -> None:
    wire = Wire(state, mo=True).smsc(*ALL_MO)
    if state is State.CLOSED:
        assert (wire.up, wire.down) == (b"", b"")
    elif state in {State.OPEN, State.BINDING}:  # nobody is bound whose message it could be
        texts = [one for one in ALL_MO if one not in {ALERT_MO, ANSWER_MO, VENDOR}]
        assert wire.up == refusals(texts, 0x04)
        assert wire.down == ALERT_MO + ANSWER_MO + VENDOR
    else:
        assert wire.up == refusals(JUDGED_MO, 0x66)
        assert wire.down == b"".join(PASSING_MO)


@pytest.mark.parametrize("state", State)
def test_what_the_smsc_delivers_passes_in_every_state_if_not(state: State) -> None:
    wire = Wire(state).smsc(*ALL_MO)
    assert (wire.up, wire.down) == (b"", b"" if state is State.CLOSED else b"".join(ALL_MO))


@pytest.mark.parametrize("state", State)
def test_what_the_esme_sends_is_judged_in_every_state_that_reads_it(state: State) -> None:
    wire = Wire(state, mo=True).esme(blocked(31) + submit_sm(b"one", esm_class=0x04, sequence=32))
    if state is State.OPEN:
        assert (wire.up, wire.down) == (
            b"",
            submit_resp(status=0x04, sequence=31) + submit_resp(status=0x04, sequence=32),
        )
    elif state in READS_ESME:
        assert wire.up == submit_sm(b"one", esm_class=0x04, sequence=32)
        assert wire.down == submit_resp(status=0x66, sequence=31)
    else:
        assert (wire.up, wire.down) == (b"", b"")


def test_receipt_bits_set_by_the_esme_exempt_nothing() -> None:
    receipt = submit_sm(b"blocked", esm_class=0x04, sequence=7)
    delivered = submit_sm(b"blocked", command=pdus.DELIVER_SM, esm_class=0x04, sequence=8)
    wire = Wire(State.BOUND, mo=True).esme(receipt + delivered)
    assert (wire.up, wire.down) == (b"", refusals([receipt, delivered], 0x66))


@pytest.mark.parametrize("split", [lambda read: [read], octets], ids=["whole", "octet by octet"])
def test_what_is_refused_to_the_smsc_is_cut_out_of_what_passes(split: Callable[[bytes], list[bytes]]) -> None:
    wire = Wire(State.BOUND, mo=True)
    wire.smsc(*split(CLEAN_MO + SCAM_MO + DATA_MO + RECEIPT_MO + submit_resp(sequence=5) + SCAM_MO))
    assert wire.down == CLEAN_MO + RECEIPT_MO + submit_resp(sequence=5)
    assert wire.up == refusals([SCAM_MO, DATA_MO, SCAM_MO], 0x66)
    assert set(wire.session.awaited_esme) == {27, 24}, "nobody answers what was not handed on"


def test_what_comes_behind_the_bind_resp_is_judged_once_the_caller_has_heard_of_the_bind() -> None:
    wire = Wire(State.BINDING, mo=True)
    wire.session.upstream.feed(bind_resp() + SCAM_MO)
    assert wire.session.advance_upstream(NOW), "there is more to handle"
    wire.collect()
    assert (wire.session.state, wire.up, wire.down) == (State.BOUND, b"", bind_resp())
    wire.turns()
    assert (wire.up, wire.down) == (refusals([SCAM_MO], 0x66), bind_resp())


@pytest.mark.parametrize("cut", [0, 30, 70, 100, None])
def test_nothing_is_taken_behind_a_message_that_is_held_and_all_of_it_later(cut: int | None) -> None:
    wire = Wire(State.BOUND)
    wire.session.judge = lambda command, data, start, end, now: HELD if b"slow" in data[start:end] else 0
    sent = [
        submit_sm(text, sequence=number) for number, text in enumerate((b"one", b"slow", b"two", b"slow", b"three"))
    ]
    stream = b"".join(sent)
    for read in (stream[:cut], stream[cut:]) if cut else [stream]:
        wire.session.downstream.feed(read)
        if not wire.session.held:
            assert not wire.session.advance_downstream(NOW)
            wire.collect()
    assert wire.session.held
    assert wire.up == b"".join(sent[:2])
    for passed in (4, 5):
        wire.session.held = False
        wire.session.advance_downstream(NOW)
        wire.collect()
        assert wire.up == b"".join(sent[:passed])
    assert wire.session.awaited_smsc.keys() == set(range(5))
    assert wire.down == b""
