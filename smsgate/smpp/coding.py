"""data_coding: which alphabets the octets of a body may be in (SMPP 3.4, 5.2.19; 3GPP TS 23.038).

A body is octets; an `Alphabet` makes a `Reading` of them. What a handset would show is not always certain, so a body has
*readings*, one for each plausible alphabet, and the strictest verdict over them counts.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Protocol

from smsgate.smpp.pdu import UNKNOWN_CODING
from smsgate.text.disguise import is_odd, may_be_swapped, usual_octets
from smsgate.text.normalize import byte_table, collapse
from smsgate.text.reading import Reading
from smsgate.text.urls import may_hold_link

GSM7_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
ESCAPE: Final = b"\x1b"

# GSM 03.38 has 128 characters and 10 behind an escape. The latter move to 0x80-0x89, octets that no GSM-7 body holds, and
# one table of 256 serves. 0xA0-0xFF read as Latin-1: what senders mean who send Latin-1 under data_coding 0.
_MOVED: Final = {code: bytes([0x80 + index]) for index, code in enumerate(GSM7_EXTENSION)}
_GSM7: Final = GSM7_BASIC.replace("\x1b", " ") + (
    "".join(GSM7_EXTENSION.values()).ljust(32, "\ufffd") + bytes(range(0xA0, 0x100)).decode("latin-1")
)
_ESCAPED: Final = re.compile(rb"\x1b++([^\x1b])?", re.DOTALL)  # possessive: a body of escapes alone is read once


def _unescape(body: bytes) -> bytes:
    """Each escaped pair as one octet; an unknown pair shows its second octet (23.038, 6.2.1.1), a lone escape a blank."""
    return _ESCAPED.sub(lambda pair: _MOVED.get(pair[1][0], pair[1]) if pair[1] else b" ", body)


class Alphabet(Protocol):
    """One way to read octets."""

    name: str

    def read(self, body: bytes) -> Reading:
        """The reading of a body, user data header already off."""
        ...


class OctetAlphabet:
    """An alphabet of one octet a character. Folding is one `translate` of the octets: 0.2 µs on 100 of them, where
    decoding and then folding the text takes 4."""

    __slots__ = ("_characters", "_deleted", "_escapes", "_folding", "_usual", "name")

    def __init__(self, name: str, characters: str, *, escapes: bool = False) -> None:
        self.name = name
        self._characters = characters
        self._escapes = escapes
        self._folding, self._deleted = byte_table(characters)
        self._usual = usual_octets(characters)

    def read(self, body: bytes) -> Reading:
        """The reading. With an escape in the body, brackets are not where ASCII has them: links are asked of the text."""
        if self._escapes and ESCAPE in body:
            body = _unescape(body)
            shown = self._text(body)
        else:
            shown = body.decode("latin-1")  # letters, dots and slashes are where Latin-1 has them
        words = collapse(body.translate(self._folding, self._deleted).decode("latin-1"))
        # 0.35 µs; the text, which must be decoded to be asked, costs 1.5
        odd = may_be_swapped(shown) or (body.translate(None, self._usual) != b"" and is_odd(self._text(body)))
        return Reading(self.name, words, may_hold_link(shown), odd, body, self._text)

    def _text(self, body: bytes) -> str:
        return codecs.charmap_decode(body, "strict", self._characters)[0]


class Utf16Alphabet:
    """UCS-2 as phones read it: UTF-16, big-endian, surrogate pairs, lone surrogates kept, an odd last octet dropped."""

    name = "ucs2"

    def read(self, body: bytes) -> Reading:
        """The reading."""
        return Reading.of_text(body[: len(body) & ~1].decode("utf-16-be", "surrogatepass"), self.name)


_LATIN_1: Final = bytes(range(256)).decode("latin-1")
GSM7: Final[Alphabet] = OctetAlphabet("gsm7", _GSM7, escapes=True)
LATIN_1: Final[Alphabet] = OctetAlphabet("latin1", _LATIN_1)
ASCII: Final[Alphabet] = OctetAlphabet("ascii", _LATIN_1)
"""Its upper half is not ASCII's; the octets are judged as the Latin-1 that handsets make of them."""
UCS2: Final[Alphabet] = Utf16Alphabet()

EVERY_READING: Final = (GSM7, LATIN_1, UCS2)


def _by_gsm_group(coding: int) -> tuple[Alphabet, ...]:
    """The GSM data coding groups from 0x10 on (23.038, 4)."""
    group = coding >> 4
    if group < 0x8:
        alphabet = coding >> 2 & 3
    elif group in {0xC, 0xD}:
        alphabet = 0
    elif group == 0xE:
        alphabet = 2
    elif group == 0xF:
        alphabet = coding >> 2 & 1
    else:
        return EVERY_READING
    return ((GSM7,), EVERY_READING, (UCS2,), EVERY_READING)[alphabet]


# 1 is ASCII, and what some stacks (node-smpp among them) send GSM-7 under.
_BY_SMPP_TABLE: Final = {0: (GSM7,), 1: (ASCII, GSM7), 3: (LATIN_1,), 8: (UCS2,)}
_PLAUSIBLE: Final = tuple(
    _by_gsm_group(coding) if coding >= 0x10 else _BY_SMPP_TABLE.get(coding, EVERY_READING) for coding in range(256)
)


def plausible(data_coding: int) -> tuple[Alphabet, ...]:
    """The alphabets that a body under `data_coding` (0-255, or UNKNOWN_CODING) may be in, the declared one first."""
    return EVERY_READING if data_coding == UNKNOWN_CODING else _PLAUSIBLE[data_coding]
