"""The user data header is skipped where it is one; where its length lies, the whole body is text."""

from __future__ import annotations

import pytest

from smsgate.smpp.udh import text_offset


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x05\x00\x03\x2a\x02\x01Bonjour", b"Bonjour"),
        (b"\x06\x08\x04\x01\x2a\x02\x01Bonjour", b"Bonjour"),
        (b"\x00Bonjour", b"Bonjour"),
        (b"\x05\x00\x03\x2a\x02\x01", b""),
        (b"\x06\x00\x03\x2a\x02\x01", b"\x06\x00\x03\x2a\x02\x01"),
        (b"\xffhttps://pay.example", b"\xffhttps://pay.example"),
        (b"\x00", b""),
        (b"", b""),
    ],
)
def test_where_the_text_starts(body: bytes, text: bytes) -> None:
    assert body[text_offset(body) :] == text
