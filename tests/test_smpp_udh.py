"""The user data header is skipped where it is one; where its length lies, the whole body is text."""

from __future__ import annotations

import pytest

from smsgate.smpp.udh import text_offsets


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
