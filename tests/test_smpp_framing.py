"""The framer cuts any stream into the same PDUs, however it arrives, and refuses lengths that can't be true."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.framing import Framer, FramingError
from tests.pdus import ENQUIRE_LINK, pdu, submit_sm

CAP = 66 * 1024
ENQUIRE = pdu(ENQUIRE_LINK, sequence=0xFFFFFFFF)
SUBMIT = submit_sm(b"Bonjour", sequence=7)
BIG = pdu(0x1FFFF, b"x" * (CAP - 16))

streams = st.lists(st.binary(max_size=40).map(lambda body: pdu(0x04, body)), max_size=8)


def take_all(framer: Framer) -> list[bytes]:
    """Every PDU that is whole by now."""
    taken = []
    while (header := framer.header()) is not None:
        start = framer.position
        framer.position += header[0]
        taken.append(framer.data[start : framer.position])
    framer.release()
    return taken


def fed(framer: Framer, *pieces: bytes) -> list[bytes]:
    """The PDUs that come out while the pieces go in."""
    taken = []
    for piece in pieces:
        framer.feed(piece)
        taken += take_all(framer)
    return taken


@pytest.mark.parametrize("expected", [[ENQUIRE], [SUBMIT], [SUBMIT, ENQUIRE, SUBMIT], [ENQUIRE, BIG, ENQUIRE]])
def test_pdus_come_out_whole_whether_read_at_once_or_octet_by_octet(expected: list[bytes]) -> None:
    stream = b"".join(expected)
    assert fed(Framer(CAP), stream) == expected
    assert fed(Framer(CAP), *(stream[i : i + 1] for i in range(len(stream)))) == expected


def test_trailing_octets_wait_for_their_rest() -> None:
    framer = Framer(CAP)
    assert fed(framer, SUBMIT + ENQUIRE[:5]) == [SUBMIT]
    assert framer.pending == 5
    assert fed(framer, ENQUIRE[5:]) == [ENQUIRE]
    assert framer.pending == 0


@given(streams, st.data())
def test_any_split_gives_the_same_pdus(expected: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(expected)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    borders = [0, *cuts, len(stream)]
    framer = Framer(CAP)
    assert fed(framer, *(stream[a:b] for a, b in pairwise(borders))) == expected
    assert framer.pending == 0


@given(streams, st.data())
def test_a_read_that_arrives_before_the_last_one_was_taken_loses_nothing(
    expected: list[bytes], data: st.DataObject
) -> None:
    """While a bind is pending, or between two turns, whole PDUs stay in the framer and more is fed."""
    stream = b"".join(expected)
    border = data.draw(st.integers(0, len(stream)))
    framer = Framer(CAP)
    framer.feed(stream[:border])
    framer.feed(stream[border:])
    assert framer.pending == len(stream)
    assert take_all(framer) == expected


def test_header_tells_all_four_fields_and_does_not_move() -> None:
    framer = Framer(CAP)
    framer.feed(pdu(0x80000004, b"id\0", status=0x401, sequence=0xFFFFFFFE))
    assert framer.header() == framer.header() == (19, 0x80000004, 0x401, 0xFFFFFFFE)


@pytest.mark.parametrize("length", [0, 1, 4, 15])
@pytest.mark.parametrize("arrived", [4, 5, 15, 16, 40])
def test_a_length_below_a_header_is_refused_with_sequence_0_once_it_is_there(length: int, arrived: int) -> None:
    framer = Framer(CAP)
    framer.feed((length.to_bytes(4, "big") + b"\x07" * 36)[:arrived])
    with pytest.raises(FramingError) as caught:
        framer.header()
    assert (caught.value.length, caught.value.sequence) == (length, 0)


@pytest.mark.parametrize("length", [0, 1, 5, 15])
def test_a_length_below_a_header_is_refused_at_its_last_octet(length: int) -> None:
    framer = Framer(CAP)
    octets = length.to_bytes(4, "big")
    assert fed(framer, *(octets[i : i + 1] for i in range(3))) == []
    framer.feed(octets[3:])
    with pytest.raises(FramingError):
        framer.header()


@pytest.mark.parametrize("length", [CAP + 1, 0x47455420, 0xFFFFFFFF])
def test_a_length_above_the_cap_is_refused_with_the_sequence_once_it_is_there(length: int) -> None:
    header = length.to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes(4) + (0x01020304).to_bytes(4, "big")
    framer = Framer(CAP)
    assert fed(framer, *(header[i : i + 1] for i in range(15))) == []
    framer.feed(header[15:])
    with pytest.raises(FramingError) as caught:
        framer.header()
    assert (caught.value.length, caught.value.sequence) == (length, 0x01020304)


@pytest.mark.parametrize("split", range(1, 20))
def test_a_bad_length_behind_a_good_pdu_is_seen_after_it(split: int) -> None:
    stream = ENQUIRE + (3).to_bytes(4, "big")
    framer = Framer(CAP)
    first = fed(framer, stream[:split])
    framer.feed(stream[split:])
    if not first:
        assert framer.header() == (16, ENQUIRE_LINK, 0, 0xFFFFFFFF)
        framer.position += 16
    with pytest.raises(FramingError):
        framer.header()


def test_a_pdu_of_the_cap_itself_is_whole() -> None:
    assert fed(Framer(CAP), BIG) == [BIG]


def test_a_big_pdu_octet_by_octet_is_joined_once() -> None:
    """Growing bytes by joining would copy 2 GB here: until the PDU is whole, `data` must stay empty."""
    framer = Framer(CAP)
    for i in range(len(BIG) - 1):
        framer.feed(BIG[i : i + 1])
        assert not framer.data or len(framer.data) <= 1, "the pieces were joined before the PDU was whole"
    assert fed(framer, BIG[-1:]) == [BIG]


def test_what_was_taken_is_let_go() -> None:
    framer = Framer(CAP)
    assert fed(framer, SUBMIT) == [SUBMIT]
    assert (framer.data, framer.position, framer.pending) == (b"", 0, 0)
