"""Septets come out of octets as they went in, and each is the character that the tables in force say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.gsm7 import national_table, unpacked
from smsgate.smpp.national import BASIC
from tests.septets import pack

TURKISH, SPANISH, PORTUGUESE, HINDI = 1, 2, 3, 6


def test_the_specifications_own_example() -> None:
    assert pack(b"hellohello") == bytes.fromhex("e8329bfd4697d9ec37"), "the test's packer"
    assert unpacked(bytes.fromhex("e8329bfd4697d9ec37")) == b"hellohello"


@given(st.binary(max_size=400).map(lambda octets: bytes(octet & 0x7F for octet in octets)), st.integers(0, 6))
def test_septets_come_back(septets: bytes, fill_bits: int) -> None:
    back = unpacked(pack(septets, fill_bits), fill_bits)
    assert back in {septets, septets.removesuffix(b"\0")}
    if septets and septets[-1]:
        assert back == septets


@pytest.mark.parametrize(
    ("septets", "back"),
    [(b"1234567", b"1234567"), (b"1234567\0", b"1234567"), (b"123456\0", b"123456\0"), (b"\0", b"\0"), (b"", b"")],
)
def test_an_at_sign_that_fills_the_last_octet_is_fill(septets: bytes, back: bytes) -> None:
    assert unpacked(pack(septets)) == back


@given(st.binary(max_size=200), st.integers(0, 6))
def test_any_octets_are_septets(octets: bytes, fill_bits: int) -> None:
    assert all(septet < 0x80 for septet in unpacked(octets, fill_bits))


@pytest.mark.parametrize(
    ("locking", "single", "octets", "text"),
    [
        (0, TURKISH, b"\x1bSi\x1bi\x1b\x65", "Şiı€"),
        (0, SPANISH, b"S\x1bi, \x1b\x49\x1b\x3cx\x1b\x3e", "Sí, Í[x]"),
        (0, PORTUGUESE, b"p\x1b\x7bo, voc\x1b\x05", "pão, você"),
        (TURKISH, TURKISH, b"\x40stanbul\x1c\x0b", "İstanbulŞĞ"),
        (PORTUGUESE, 0, b"p\x7bo \x18\x12", "pão €ª"),
        (HINDI, HINDI, b"\x1bC\x1bP\x1bF cpf\x2ein\x1b\x0f1", "CPF cpf.in/1"),
        (HINDI, 0, b"a\x1bCb", "a\u092fb"),  # no such pair in the default extension: the locking table's letter
        (99, 99, b"a\x1b\x65\x04", "a€è"),
    ],
)
def test_national_tables(locking: int, single: int, octets: bytes, text: str) -> None:
    assert national_table(locking, single).text(octets) == text


def test_unknown_languages_have_the_default_tables() -> None:
    assert national_table(200, 0).characters[:0x80] == BASIC.replace("\x1b", " ")
