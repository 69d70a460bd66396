"""The user data header is read where it is one, or may be one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.udh import Udh, read, suspected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x06\x00\x03\x2a\x02\x01",
        b"\xffhttps://pay.example",
        b"\x20Votre solde CPF expire: repondez",
        b"\x50\x00\xf0" + b"x" * 90,
    ],
    ids=["nothing", "longer than the body", "no header", "covers the text", "an element runs over"],
)
def test_a_header_that_does_not_add_up_is_none(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    ("body", "may_be"),
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
def test_a_header_that_nobody_announced_is_suspected_by_its_elements(body: bytes, may_be: bool) -> None:
    assert suspected(body) is may_be


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
