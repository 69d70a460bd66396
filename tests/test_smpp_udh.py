"""The user data header is read where it is one, or may be one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.udh import Udh, read, stretches, suspected


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b"\x05\x00\x03\x2a\x02\x01", b"Bonjour"),
        (b"\x06\x08\x04\x01\x2a\x02\x01", b"Bonjour"),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x2a\x02\x01", b"Bonjour"),
        (b"\x05\x00\x03\x2a\x02\x01", b""),
    ],
)
def test_a_header_that_adds_up_is_skipped(header: bytes, text: bytes) -> None:
    assert stretches(header + text, announced=True) == [(text, read(header + text))]


@pytest.mark.parametrize(
    ("body", "offsets"),
    [
        (b"\x06\x00\x03\x2a\x02\x01", {0, 1}),
        (b"\xffhttps://pay.example", {0, 1}),
        (b"\x20Votre solde CPF expire: repondez", {0, 1}),
        (b"\x50\x00\xf0" + b"x" * 90, {0, 1, 0x51}),
        (b"", {0}),
    ],
    ids=["longer than the body", "no header", "covers the text", "an element runs over", "nothing at all"],
)
def test_one_that_does_not_hides_nothing(body: bytes, offsets: set[int]) -> None:
    assert set(stretches(body, announced=True)) == {(body[offset:], None) for offset in offsets}


def test_one_that_says_nothing_may_be_none() -> None:
    assert stretches(b"\0Bonjour", announced=True) == [(b"Bonjour", Udh(1)), (b"\0Bonjour", None)]


def test_a_long_one_has_room_for_a_text() -> None:
    text = b"Votre solde CPF expire"
    body = bytes([len(text) + 7, 0x00, 3, 1, 1, 1, 0x70, len(text)]) + text + b"Bonjour"
    assert stretches(body, announced=True) == [(b"Bonjour", read(body)), (body, None), (text, None)]


@pytest.mark.parametrize("header", [b"\x05\x00\x03\x2a\x02\x01", b"\x06\x05\x04\x0b\x84\x23\xf0"])
def test_one_that_is_not_announced_is_read_both_ways(header: bytes) -> None:
    assert stretches(header + b"Bonjour", announced=False) == [
        (header + b"Bonjour", None),
        (b"Bonjour", read(header)),
    ]
    assert stretches(b"Bonjour", announced=False) == [(b"Bonjour", None)]


@given(st.binary(max_size=60), st.booleans())
def test_no_octets_raise_and_stretches_lie_inside(body: bytes, announced: bool) -> None:
    assert all(stretch in body for stretch, _ in stretches(body, announced=announced))


@given(st.binary(max_size=40))
def test_whatever_is_suspected_can_be_read(body: bytes) -> None:
    assert not suspected(body) or read(body) is not None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("05 00 03 2a 02 01", Udh(6, reference=0x2A, total=2, part=1)),
        ("06 08 04 01 2a 02 01", Udh(7, reference=0x012A, total=2, part=1)),
        ("0b 05 04 0b 84 23 f0 00 03 2a 02 01", Udh(12, reference=0x2A, total=2, part=1, destination_port=2948)),
        ("04 04 02 e2 e2", Udh(5, destination_port=0xE2)),
        ("06 24 01 01 25 01 03", Udh(7, single_shift=1, locking_shift=3)),
        ("0a 00 03 01 02 01 00 03 07 02 02", Udh(11, reference=7, total=2, part=2)),
        ("03 00 01 2a", Udh(4)),
        ("00", Udh(1)),
    ],
    ids=["8-bit", "16-bit", "WAP push in parts", "8-bit ports", "shift tables", "twice", "too short", "empty"],
)
def test_the_elements_are_read(header: str, expected: Udh) -> None:
    assert read(bytes.fromhex(header) + b"text") == expected
