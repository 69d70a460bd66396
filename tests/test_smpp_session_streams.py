"""Sessions under streams: bounds of a turn, copies, counts; and any mix of PDUs, split anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.session import MAX_HELD_BYTES, TURN_BYTES, Run
from smsgate.smpp.states import State
from tests import pdus
from tests.pdus import bind, bind_resp, pdu, submit_resp, submit_sm
from tests.wires import CAP, NOW, Wire, blocked

ENQUIRE = pdu(pdus.ENQUIRE_LINK, sequence=0)
SUBMIT = submit_sm(b"one", sequence=2)


def test_a_turn_handles_about_so_many_octets() -> None:
    wire = Wire(State.BOUND)
    session, one = wire.session, submit_sm(b"x" * 100)
    count = 5 * TURN_BYTES // len(one)
    for framer, advance, output in (
        (session.downstream, session.advance_downstream, session.to_upstream),
        (session.upstream, session.advance_upstream, session.to_downstream),
    ):
        framer.feed(one * count)
        sizes = []
        more = True
        while more:
            more = advance(NOW)
            sizes.append(sum(map(len, output)))
            output.clear()
        assert sum(sizes) == len(one) * count
        assert all(TURN_BYTES <= size < TURN_BYTES + len(one) for size in sizes[:-1])


def test_holding_behind_a_bind() -> None:
    """64 KiB of a PDU that is never whole."""
    wire = Wire().esme(bind() + CAP.to_bytes(4, "big") + bytes(MAX_HELD_BYTES - 4))
    held = [wire.session.holding]
    held.append(wire.esme(b"\0").session.holding)
    held.append(wire.smsc(bind_resp()).session.holding)
    assert held == [False, True, False]


def test_whole_reads_are_passed_on_uncopied() -> None:
    session = Wire(State.BOUND).session
    read = SUBMIT + ENQUIRE
    for feed, advance, output in (
        (session.downstream.feed, session.advance_downstream, session.to_upstream),
        (session.upstream.feed, session.advance_upstream, session.to_downstream),
    ):
        feed(read)
        advance(NOW)
        assert len(output) == 1
        assert output[0] is read


def test_a_read_with_a_blocked_pdu_is_passed_on_in_views_of_it() -> None:
    session = Wire(State.BOUND).session
    read = ENQUIRE * 3 + blocked(1) + blocked(2) + ENQUIRE * 2
    session.downstream.feed(read)
    session.advance_downstream(NOW)
    runs: list[Run] = session.to_upstream
    assert [bytes(run) for run in runs] == [ENQUIRE * 3, ENQUIRE * 2]
    assert all(isinstance(run, memoryview) and run.obj is read for run in runs)


def test_answers_are_timed_and_pdus_counted() -> None:
    wire = Wire(State.BOUND)
    wire.esme(submit_sm(b"x", sequence=1) + submit_sm(b"y", sequence=2) + blocked(3) + ENQUIRE)
    wire.now += 0.25
    wire.smsc(submit_resp(sequence=2) + submit_resp(sequence=9))
    wire.now += 0.5
    wire.smsc(submit_resp(sequence=1) + submit_resp(sequence=1))
    assert wire.told == [(0.25, 1), (0.75, 1)]
    assert wire.counts == ({0x04: 3, -1: 2}, {0x80000004: 4, -1: 1})
    assert wire.session.awaited_smsc == {0: NOW}


def test_answers_to_messages_of_one_turn_are_told_of_together() -> None:
    wire = Wire(State.BOUND)
    for turn in range(2):
        wire.esme(b"".join(submit_sm(b"x", sequence=4 * turn + number) for number in range(4)))
        wire.now += 1.0
    wire.smsc(b"".join(submit_resp(sequence=number) for number in (0, 1, 9, 2, 4, 5, 6, 3)))
    assert wire.told == [(2.0, 2), (2.0, 1), (1.0, 3), (2.0, 1)]


def test_an_answer_that_somebody_waits_for_is_shown() -> None:
    wire = Wire(State.BOUND)
    wire.watched.add(2)
    wire.esme(b"".join(submit_sm(b"x", sequence=number) for number in (1, 2, 3)))
    wire.smsc(b"".join(submit_resp(sequence=number) for number in (1, 2, 3)))
    assert wire.seen == [submit_resp(sequence=2)]


# any mix, split anywhere

parts = st.lists(
    st.one_of(
        st.integers(0, 0xFFFFFFFF).map(blocked),
        st.builds(
            submit_sm, st.binary(max_size=30), sequence=st.integers(0, 0xFFFFFFFF), data_coding=st.integers(0, 255)
        ),
        st.builds(pdu, st.sampled_from([0x15, 0x03, 0x80000005, 0x103, 0x21]), st.binary(max_size=20)),
    ),
    max_size=12,
)


@given(parts, st.data())
def test_upstream_gets_exactly_the_unblocked_pdus_byte_for_byte(sent: list[bytes], data: st.DataObject) -> None:
    stream = bind() + b"".join(sent)
    borders = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8))), len(stream)]
    accepted_after = data.draw(st.integers(0, len(borders)))
    wire = Wire()
    for index in range(len(borders) - 1):
        wire.esme(stream[borders[index] : borders[index + 1]])
        if index >= accepted_after and wire.session.state is State.BINDING:
            wire.smsc(bind_resp())
    if wire.session.state is State.BINDING:
        wire.smsc(bind_resp())
    refused = [one for one in sent if one[4:8] == pdu(4)[4:8] and b"blocked" in one]
    assert wire.up == bind() + b"".join(one for one in sent if one not in refused)
    assert wire.down == bind_resp() + b"".join(
        submit_resp(status=0x66, sequence=int.from_bytes(one[12:16], "big")) for one in refused
    )


@given(parts, st.data())
def test_downstream_gets_every_octet_of_the_smsc(sent: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(sent)
    borders = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8))), len(stream)]
    wire = Wire(State.BOUND)
    for index in range(len(borders) - 1):
        wire.smsc(stream[borders[index] : borders[index + 1]])
    assert (wire.down, wire.up) == (stream, b"")
