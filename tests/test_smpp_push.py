"""A WAP push is read as a handset shows it: abbreviated URLs are written out, and no octets raise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp.push import MAX_CHARS, text

WSP = b"\x01\x06\x04\x03\xae\x81\xea"
SI, SL, UTF_8 = b"\x02\x05", b"\x02\x06", b"\x6a"
NO_TABLE = b"\x00"


def si(href: bytes, shown: bytes = b"Bonjour", table: bytes = NO_TABLE, identifier: bytes = SI) -> bytes:
    """si > indication with a URL and a text."""
    return identifier + UTF_8 + table + b"\x45\xc6" + href + b"\x01" + inline(shown) + b"\x01\x01"


def inline(string: bytes) -> bytes:
    return b"\x03" + string + b"\0"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (si(b"\x0b" + inline(b"http://a.example/x")), "http://a.example/x Bonjour"),
        (si(b"\x0c" + inline(b"a.example/x")), "http://a.example/x Bonjour"),
        (si(b"\x0d" + inline(b"a.example/x")), "http://www.a.example/x Bonjour"),
        (si(b"\x0e" + inline(b"a.example/x")), "https://a.example/x Bonjour"),
        (si(b"\x0f" + inline(b"a.example/x")), "https://www.a.example/x Bonjour"),
        (si(b"\x0c" + inline(b"evil") + b"\x85" + inline(b"x")), "http://evil.com/x Bonjour"),
        (si(b"\x0c" + inline(b"evil") + b"\x86"), "http://evil.edu/ Bonjour"),
        (si(b"\x0c" + inline(b"evil") + b"\x87"), "http://evil.net/ Bonjour"),
        (si(b"\x0c" + inline(b"evil") + b"\x88"), "http://evil.org/ Bonjour"),
        (si(b"\x0c" + inline(b"ev") + inline(b"il.example")), "http://evil.example Bonjour"),
        (si(b"\x0c" + inline(b"ev") + b"\x02\x69" + inline(b"l.example")), "http://evil.example Bonjour"),
        (si(b"\x0c\x83\x02", table=b"\x0fa\0evil.example\0"), "http://evil.example Bonjour"),
        (si(b"\x0a\xc3\x02\x19\x99\x0c" + inline(b"evil.example")), "http://evil.example Bonjour"),
        (si(b"\x11" + inline(b"id") + b"\x08\x0c" + inline(b"evil.example")), "id http://evil.example Bonjour"),
        (si(b"\x0c" + inline(b"evil.example"), "é€".encode()), "http://evil.example é€"),
        (SL + UTF_8 + NO_TABLE + b"\x85\x09" + inline(b"a.example") + b"\x01", "http://a.example"),
        (SL + UTF_8 + NO_TABLE + b"\x85\x0a" + inline(b"a.example") + b"\x01", "http://www.a.example"),
        (SL + UTF_8 + NO_TABLE + b"\x85\x06\x0b" + inline(b"a.example") + b"\x01", "https://a.example"),
        (SL + UTF_8 + NO_TABLE + b"\x85\x0c" + inline(b"a.example") + b"\x01", "https://www.a.example"),
    ],
)
@pytest.mark.parametrize("header", [b"", WSP, b"\x02\x06\x01\xae", b"junk"])
def test_a_document_is_shown_with_its_urls_written_out(header: bytes, body: bytes, shown: str) -> None:
    assert shown in " ".join(text(header + body).split())


@pytest.mark.parametrize("identifier", [b"\x03\x01", b"\x03\x00\x00"])
def test_behind_a_wsp_header_a_document_may_say_otherwise_what_it_is(identifier: bytes) -> None:
    assert "http://evil.example" in text(WSP + si(b"\x0c" + inline(b"evil.example"), identifier=identifier))


def test_decoys_in_front_hide_nothing_behind_a_wsp_header() -> None:
    decoys = b"\x02\x05" * 20
    header = b"\x01\x06" + bytes([len(decoys)]) + decoys
    assert "http://evil.example" in text(header + si(b"\x0c" + inline(b"evil.example")))


def test_the_same_as_xml() -> None:
    body = '<si><indication href="http://&#101;vil.example/?a&amp;b">été</indication></si>'.encode()
    assert text(body) == '<si><indication href="http://evil.example/?a&b">été</indication></si>'


@pytest.mark.parametrize("body", [b"", b"Bonjour", b"\x01\x07\x00", b"\x02"])
def test_what_is_no_push_shows_nothing(body: bytes) -> None:
    assert text(body) == ""


@given(st.binary(max_size=300), st.sampled_from([b"", WSP, SI, WSP + SI, SL + UTF_8]))
def test_no_octets_raise(octets: bytes, before: bytes) -> None:
    assert isinstance(text(before + octets), str)


def test_a_document_is_read_up_to_a_bound() -> None:
    """References of three octets to a string of thousands, entities of two octets, and nothing at all."""
    table = b"A" * 60_000
    length = bytes([0x80 | len(table) >> 14, 0x80 | len(table) >> 7 & 0x7F, len(table) & 0x7F])
    for many in (b"\x83\x00" * 3_000, b"\x02\x41" * 3_000, b"\x83\xff\x7f" * 2_000, b"\x05" * 6_000):
        assert len(text(SI + UTF_8 + length + table + many)) <= 2 * MAX_CHARS
