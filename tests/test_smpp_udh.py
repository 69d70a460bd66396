"""The user data header is skipped where it is one; where its length lies, the whole body is text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.udh import Udh, read, suspected, text_offsets


@pytest.mark.parametrize(
    ("body", "offsets"),
    [
        (b"\x05\x00\x03\x2a\x02\x01Bonjour", (6,)),
        (b"\x06\x08\x04\x01\x2a\x02\x01Bonjour", (7,)),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x2a\x02\x01Bonjour", (12,)),
        (b"\x00Bonjour", (1,)),
        (b"\x05\x00\x03\x2a\x02\x01", (6,)),
        (b"\x00", (1,)),
        (b"", (0,)),
    ],
)
def test_a_header_that_adds_up_is_skipped(body: bytes, offsets: tuple[int, ...]) -> None:
    assert text_offsets(body) == offsets


@pytest.mark.parametrize(
    "body",
    [
        b"\x06\x00\x03\x2a\x02\x01",
        b"\xffhttps://pay.example",
        b"\x20Votre solde CPF expire: repondez",
        b"\x50\x00\xf0" + b"x" * 90,
    ],
    ids=["longer than the body", "no header", "covers the text", "an element runs over"],
)
def test_one_that_does_not_hides_nothing(body: bytes) -> None:
    assert text_offsets(body) == (0, 1)


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


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x05\x00\x03\x2a\x02\x01text", True),
        (b"\x06\x08\x04\x01\x2a\x02\x01text", True),
        (b"\x06\x05\x04\x0b\x84\x23\xf0", True),
        (b"\x03\x24\x01\x01text", True),
        (b"\x03\x0a\x01\x01text", False),
        (b"\x05\x00\x04\x2a\x02\x01text", False),
        (b"\x05\x00\x03", False),
        ("été".encode("utf-16-be"), False),
        (b"\x05t\x05", False),
        (b"Bonjour", False),
        (b"\x00\x00", False),
        (b"\x05", False),
        (b"", False),
    ],
    ids=repr,
)
def test_a_header_that_nobody_announced_is_suspected_by_its_elements(body: bytes, expected: bool) -> None:
    assert suspected(body) is expected


@given(st.binary(max_size=40))
def test_whatever_is_suspected_can_be_read(body: bytes) -> None:
    assert not suspected(body) or read(body) is not None
