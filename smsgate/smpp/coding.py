"""Alphabets, and which of them data_coding names (SMPP 3.4, 5.2.19; 3GPP TS 23.038, 4).

A body is octets; an `Alphabet` makes a `Reading` of them. `named` says which alphabets a data_coding stands for: SMPP's table
and GSM's coding groups collide below 0x10, and then both count. What else the octets themselves suggest is for `readings`.
"""

from __future__ import annotations

import codecs
from typing import Final, Protocol

from smsgate.settings import DefaultAlphabet
from smsgate.smpp import gsm7
from smsgate.smpp.national import BASIC, EXTENSION
from smsgate.smpp.pdu import UNKNOWN_CODING
from smsgate.text.disguise import (
    DOUBTFUL,
    LETTER,
    has_odd_characters,
    is_usual,
    kinds,
    may_be_altered,
    spells_with_digits,
)
from smsgate.text.normalize import OctetFolding
from smsgate.text.reading import CommonOctets, Reading
from smsgate.text.urls import may_hold_link

_WINDOWS_1252: Final = "".join(
    bytes([code]).decode("cp1252" if code not in b"\x81\x8d\x8f\x90\x9d" else "latin-1") for code in range(256)
)


_ESCAPE: Final = gsm7.ESCAPE[0]
"""As a number: asked for as octets it takes 0.1 µs more."""


class Alphabet(Protocol):
    """One way to read octets."""

    name: str

    def read(self, body: bytes) -> Reading:
        """The reading of a body, user data header already off. Any octets have one."""
        ...

    def sole(self, body: bytes) -> Reading | None:
        """The reading, if there is no doubt that the body is in this alphabet; None where its octets may hint at another."""
        ...


PLAIN: Final = b"\n" + bytes(set(range(0x20, 0x7B)) - set(b"$@[\\]^_`"))
"""Octets that are the same character in all octet alphabets, and none that calls for a second look."""
CONTROLS: Final = bytes({*range(0x20), 0x7F})
"""Letters and signs in GSM-7; of which Latin-1 makes nothing that a reading as GSM-7 misses."""
_LETTERS: Final = b"\r$" + bytes(range(0xC0, 0x100))  # without 0xA0-0xBF: UTF-8 has one of these for every letter
_HINTS: Final = bytes({*range(5), 0x1D, 0x1E, *range(0x80, 0x100)})
"""Octets of which many hint at another alphabet, packed or of two octets: see `readings`."""
HINTING_SHARE: Final = 12
"""With one octet in so many above 0x7F a body may be packed: packed Latin text has 30 to 50 %, French Latin-1 3 %. Of 7,625 real
texts 24 have so many."""
_HINT: Final = "!"
"""A letter that is one of _HINTS, among the kinds of `disguise.kind`."""


class OctetAlphabet:
    """An alphabet of one octet a character, with PLAIN octets where ASCII has them. Folding is one `translate` of the
    octets: 0.1 µs on 100 of them, where decoding and then folding the text takes 4.

    `expected`: octets beside the PLAIN ones that say nothing against the alphabet, where they are rare. Most bodies have no
    others: one more `translate`, 0.13 µs, tells that and where digits stand among letters.
    """

    __slots__ = ("_characters", "_common", "_escapes", "_expected", "_folding", "_shapes", "_usual", "name")

    def __init__(self, name: str, characters: str, expected: bytes, escapes: gsm7.Table | None = None) -> None:
        self.name = name
        self._characters = characters
        self._expected = expected
        self._escapes = escapes
        self._folding = OctetFolding(characters)
        self._usual = bytes(code for code, char in enumerate(characters) if is_usual(char))
        self._common = CommonOctets(characters)
        self._shapes = bytes(map(self._shape, range(0x100)))

    def _shape(self, code: int) -> int:
        """The kind of an octet's character; _HINT where many of them hint at another alphabet, DOUBTFUL where one does."""
        shape = self._common.shapes[code]
        if code in PLAIN or (code in self._expected and code != _ESCAPE and code not in _HINTS):
            return shape
        return ord(_HINT if code in self._expected and chr(shape) == LETTER else DOUBTFUL)

    def sole(self, body: bytes) -> Reading | None:
        """The reading, if nothing hints at another alphabet."""
        shape = body.translate(self._shapes).decode()
        if _HINT in shape:
            if shape.count(_HINT) * HINTING_SHARE >= len(body):
                return None
            shape = shape.replace(_HINT, LETTER)
        if DOUBTFUL not in shape:
            # letters, dots and slashes are where Latin-1 has them
            return self._common.reading(self.name, body, shape, body.decode("latin-1"), self._text)
        others = body.translate(None, PLAIN)
        if len(others) * HINTING_SHARE >= len(body) or others.translate(None, self._expected):
            return None
        return self.read(body)

    def read(self, body: bytes) -> Reading:
        """The reading. With an escape in the body, brackets are not where ASCII has them: links are asked of the text."""
        if self._escapes is not None and _ESCAPE in body:
            body = self._escapes.unescaped(body)
            shown = text = self._text(body)
        else:
            shown, text = body.decode("latin-1"), ""
        others = body.translate(None, PLAIN)
        words = self._folding.fold(body, others)
        if words is None:
            return Reading.of_text(self._text(body), self.name)
        odd = (
            may_be_altered(shown)
            or (others.translate(None, self._usual) != b"" and has_odd_characters(text or self._text(body)))
            or spells_with_digits(kinds(words))
        )
        return Reading(self.name, words, may_hold_link(shown), odd, body, self._text)

    def _text(self, body: bytes) -> str:
        return codecs.charmap_decode(body, "strict", self._characters)[0]


class NationalAlphabet:
    """GSM-7 under the national tables that a user data header names."""

    __slots__ = ("_table", "name")

    def __init__(self, locking: int, single: int) -> None:
        self.name = f"gsm7-{locking}-{single}"
        self._table = gsm7.national_table(locking, single)

    def read(self, body: bytes) -> Reading:
        """The reading."""
        return Reading.of_text(self._table.text(body), self.name)

    def sole(self, _: bytes) -> Reading | None:
        """None: what is behind a header that names tables is read without them too."""
        return None


class PackedAlphabet:
    """GSM-7 packed into octets as on the air, the first septet behind some fill bits."""

    __slots__ = ("_fill_bits", "_septets", "name")

    def __init__(self, septets: Alphabet, fill_bits: int = 0) -> None:
        self.name = f"{septets.name}-packed"
        self._septets = septets
        self._fill_bits = fill_bits

    def read(self, body: bytes) -> Reading:
        """The reading."""
        reading = self._septets.read(gsm7.unpacked(body, self._fill_bits))
        reading.alphabet = self.name
        return reading

    def sole(self, _: bytes) -> Reading | None:
        """None: any octets may be anything."""
        return None


class CodecAlphabet:
    """An alphabet that Python has a codec for. What is not in it shows as U+FFFD, which parts words."""

    __slots__ = ("_codec", "name")

    def __init__(self, name: str, codec: str) -> None:
        self.name = name
        self._codec = codec

    def read(self, body: bytes) -> Reading:
        """The reading."""
        return Reading.of_text(body.decode(self._codec, "replace"), self.name)

    def sole(self, body: bytes) -> Reading | None:
        """The reading of PLAIN octets; of others, None."""
        return None if body.translate(None, PLAIN) else self.read(body)


class Utf16Alphabet:
    """UCS-2 as phones read it: UTF-16, surrogate pairs, lone surrogates kept, an odd last octet dropped. A byte order mark
    is a character like any other: it is not seen. `high`: which octet of two has the higher bits. `ending` completes an odd
    last octet instead: read from the wrong octet, the other byte order's text loses half of its last letter."""

    __slots__ = ("_codec", "_ending", "_high", "name")

    def __init__(self, name: str, codec: str, high: int, ending: bytes = b"") -> None:
        self.name = name
        self._codec = codec
        self._high = high
        self._ending = ending

    def read(self, body: bytes) -> Reading:
        """The reading."""
        if len(body) & 1:
            body = body + self._ending if self._ending else body[:-1]
        return Reading.of_text(body.decode(self._codec, "surrogatepass"), self.name)

    def sole(self, body: bytes) -> Reading | None:
        """The reading, if the body has Latin letters but for one character in eight; None where it may be another alphabet's."""
        leading = body[self._high :: 2]
        if leading == bytes(len(leading)):  # to decode them as Latin-1 takes 0.4 µs less
            return Reading.of_text(body[1 - self._high :: 2].decode("latin-1"), self.name)
        return self.read(body) if leading.count(0) * 8 >= len(leading) * 7 else None


_BASIC_TABLE: Final = gsm7.Table(BASIC, EXTENSION, _WINDOWS_1252[0x80:])
GSM7: Final = OctetAlphabet("gsm7", _BASIC_TABLE.characters, CONTROLS + _LETTERS, _BASIC_TABLE)
"""Octets above its own read as Latin-1: what senders mean who send Latin-1 under data_coding 0."""
PACKED: Final = PackedAlphabet(GSM7)
LATIN_1: Final = OctetAlphabet("latin1", _WINDOWS_1252, _LETTERS)
"""With Windows-1252 where Latin-1 has but control characters: who sends the one often means the other."""
ASCII: Final = OctetAlphabet("ascii", _WINDOWS_1252, _LETTERS)
"""Its upper half is not ASCII's; the octets are judged as the Latin-1 that handsets make of them."""
UTF_8: Final = CodecAlphabet("utf8", "utf-8")
UCS2: Final = Utf16Alphabet("ucs2", "utf-16-be", 0)
UCS2_LE: Final = Utf16Alphabet("ucs2-le", "utf-16-le", 1, b"\0")
CYRILLIC: Final = CodecAlphabet("iso-8859-5", "iso8859_5")
HEBREW: Final = CodecAlphabet("iso-8859-8", "iso8859_8")
SHIFT_JIS: Final = CodecAlphabet("shift-jis", "cp932")
EUC_JP: Final = CodecAlphabet("euc-jp", "euc_jp")
ISO_2022_JP: Final = CodecAlphabet("iso-2022-jp", "iso2022_jp_ext")
KOREAN: Final = CodecAlphabet("ks-c-5601", "cp949")

BY_NAME: Final[dict[DefaultAlphabet, Alphabet]] = {
    DefaultAlphabet.GSM7: GSM7,
    DefaultAlphabet.GSM7_PACKED: PACKED,
    DefaultAlphabet.ASCII: ASCII,
    DefaultAlphabet.LATIN1: LATIN_1,
    DefaultAlphabet.UTF8: UTF_8,
    DefaultAlphabet.UCS2: UCS2,
}
"""What data_coding 0 may stand for, by the name that the configuration gives it."""

NAMES: Final = tuple(
    alphabet.name
    for alphabet in (
        *(GSM7, PACKED, ASCII, LATIN_1, UTF_8, UCS2, UCS2_LE),
        *(CYRILLIC, HEBREW, SHIFT_JIS, EUC_JP, ISO_2022_JP, KOREAN),
    )
)
"""What a reading may name as its alphabet; GSM-7 with national tables is `gsm7-`, then their numbers."""

EVERY_READING: Final[tuple[Alphabet, ...]] = (GSM7, LATIN_1, UCS2)
"""Where no alphabet is named, or only that the body is binary: binary bodies often are text."""
_DEFAULT: Final[tuple[Alphabet, ...]] = (GSM7,)
_WIDE: Final[tuple[Alphabet, ...]] = (UCS2,)


def _by_gsm_group(coding: int) -> tuple[Alphabet, ...]:
    """The GSM data coding groups from 0x10 on (23.038, 4). Compressed text (bit 5) isn't decompressed: some stacks set the
    bit and send plain text, so every reading counts."""
    group = coding >> 4
    if group < 0x8:
        return (_DEFAULT, EVERY_READING, _WIDE, EVERY_READING)[coding >> 2 & 3] if not group & 2 else EVERY_READING
    if group in {0xC, 0xD}:
        return _DEFAULT
    if group == 0xE:
        return _WIDE
    if group == 0xF:
        return EVERY_READING if coding & 4 else _DEFAULT
    return EVERY_READING


# SMPP's names, then what GSM's general group makes of the same value: 4-7 eight bits, 8-11 UCS-2. Of 0-3 it makes GSM-7,
# which `readings` adds to 1 and 3 where it makes a difference.
_BY_SMPP_TABLE: Final[dict[int, tuple[Alphabet, ...]]] = {
    0x00: _DEFAULT,
    0x01: (ASCII,),
    0x03: (LATIN_1,),
    0x05: (SHIFT_JIS, ISO_2022_JP, *EVERY_READING),
    0x06: (CYRILLIC, *EVERY_READING),
    0x07: (HEBREW, *EVERY_READING),
    0x08: _WIDE,
    0x09: (SHIFT_JIS, *EVERY_READING),  # pictograms, which Japanese networks put into Shift-JIS
    0x0A: (ISO_2022_JP, *EVERY_READING),
    0x0D: (ISO_2022_JP, EUC_JP, SHIFT_JIS, *EVERY_READING),
    0x0E: (KOREAN, *EVERY_READING),
}
_NAMED: Final = {
    coding: _by_gsm_group(coding) if coding >= 0x10 else _BY_SMPP_TABLE.get(coding, EVERY_READING)
    for coding in range(256)
} | {UNKNOWN_CODING: EVERY_READING}


def named(data_coding: int, default: Alphabet = GSM7) -> tuple[Alphabet, ...]:
    """The alphabets that `data_coding` (0-255, or UNKNOWN_CODING) names, its own first. `default` is what the parties have
    agreed on for the SMSC's default alphabet: data_coding 0 and what GSM's groups name so."""
    alphabets = _NAMED[data_coding]
    return (default,) if alphabets is _DEFAULT else alphabets
