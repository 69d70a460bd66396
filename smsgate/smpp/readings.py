"""What a body may say: its readings, one for each alphabet that a handset might show it in.

data_coding names an alphabet, and senders' stacks, SMSCs and fraudsters do not always keep to it. So the octets are asked
too: shares of NULs, of high and of odd octets make further alphabets plausible, and the strictest verdict over all readings
counts. A body that may begin with a user data header is read with and without; the header's national tables apply.

Most bodies hold but letters, digits and punctuation that all octet alphabets have in the same place. One `translate` finds
that out (0.11 µs on 110 octets): they have the one reading, and nothing odd in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from smsgate.smpp import push, udh
from smsgate.smpp.coding import (
    ASCII,
    GSM7,
    LATIN_1,
    PACKED,
    PLAIN,
    UCS2,
    UCS2_LE,
    UTF_8,
    Alphabet,
    NationalAlphabet,
    OctetAlphabet,
    PackedAlphabet,
    named,
)
from smsgate.smpp.pdu import TextView
from smsgate.text.reading import Reading

_ORDINARY: Final = b"\n\r" + bytes(set(range(0x20, 0x7B)) - set(b"@[\\]^_`"))
"""Octets that GSM-7 and what extends ASCII read alike ("$" is "¤" in GSM-7: neither is a letter or part of a host)."""
_CONTROLS: Final = bytes({*range(0x20), 0x7F})
"""Letters and signs in GSM-7; of which Latin-1 makes nothing that a reading as GSM-7 misses."""
_HIGH_LATIN: Final = bytes(range(0xA0, 0x100))
"""Latin-1's own, read as Latin-1 in GSM-7 too, which has no use for them."""
_LETTERS: Final = b"\r$" + bytes(range(0xC0, 0x100))  # without 0xA0-0xBF: UTF-8 has one of these for every letter
_EXPECTED: Final[dict[Alphabet, bytes]] = {GSM7: _CONTROLS + _LETTERS, ASCII: _LETTERS, LATIN_1: _LETTERS}
"""For alphabets in which ordinary octets are the same characters: what else says nothing against them, where it is rare."""
_SEVEN_BITS: Final = bytes(range(0x80))
_NO_CONTINUATION: Final = bytes({*range(0x80), *range(0xC0, 0x100)})
"""All but the octets that UTF-8 can't do without."""
_NO_LEADING: Final = bytes(set(range(0x100)) - {*range(5), 0x1D, 0x1E, *range(0xD8, 0xE0), 0xFF})
"""All but the first octets of UTF-16 units that hold Latin letters or what imitates them: Greek, Cyrillic, phonetic letters,
surrogates (mathematical letters), full-width forms."""

# How large a share of the body makes an alphabet plausible. Small ones: padding must not hide the text of a scam.
_HIGH_SHARE: Final = 12
"""One octet in so many is above 0x7F: packed Latin text has 30 to 50 %, French Latin-1 3 %, 24 of 7,625 real texts so many."""
_LEADING_SHARE: Final = 4
"""Of the units that UTF-16 would make of the octets, one in so many shows a Latin letter or its like."""
_TEXT_SHARE: Final = 4
"""Of octets said to be no octet alphabet's, at most one in so many is not ordinary: they are text all the same."""


def readings(view: TextView, default: Alphabet = GSM7) -> tuple[Reading, ...]:
    """The plausible readings of a request's text, the declared one first. `default` is the client's default alphabet.

    Several bodies are read each by itself and all together: SMSCs differ in which one wins, and what makes a message honest
    must not be in another body than what makes it fraud. Where one has more readings than another, the other's first stands
    beside them.
    """
    if view.plain:
        return text_readings(view.bodies[0], view.data_coding, default)
    stretches: list[tuple[bytes, udh.Udh | None]] = []
    ported = view.ported
    for body in view.bodies:
        stretches += udh.stretches(body, announced=view.udhi)
        ported = ported or udh.may_name_port(body)
    each = [text_readings(octets, view.data_coding, default, header) for octets, header in stretches]
    found = [reading for texts in each for reading in texts]
    if len(view.bodies) > 1 or view.beside:
        beside = [text_readings(octets, coding, default) for coding, octets in view.beside]
        found += _together([*each, *beside])
    if ported:
        pushed = dict.fromkeys(push.text(octets) for octets, _ in stretches)
        found += [Reading.of_text(text, "push") for text in pushed if text]
    return tuple(found)


def _together(texts: Sequence[Sequence[Reading]]) -> list[Reading]:
    """The first readings of all in one, the second ones, and so on."""
    return [
        Reading.of_text(" ".join(each[index if index < len(each) else 0].text for each in texts), "together")
        for index in range(max(map(len, texts)))
    ]


def text_readings(
    text: bytes, data_coding: int, default: Alphabet = GSM7, header: udh.Udh | None = None
) -> tuple[Reading, ...]:
    """The readings of the octets behind `header`, if there is one. Of readings that say the same there is but one."""
    alphabets = named(data_coding, default)
    first = alphabets[0]
    shifted = header is not None and (header.single_shift or header.locking_shift)
    if len(alphabets) == 1 and not shifted:
        if isinstance(first, OctetAlphabet):
            others = text.translate(None, PLAIN)
            if not others or _beyond_doubt(first, others, len(text)):
                return (first.read_beside(text, others),)
        elif (first is UCS2 and _mostly_latin(text)) or (first is UTF_8 and not text.translate(None, PLAIN)):
            return (first.read(text),)
    found: list[Reading] = []
    for alphabet in dict.fromkeys((*alphabets, *_further(first, text))):
        for form in _forms(alphabet, header) if header is not None else (alphabet,):
            reading = form.read(text)
            if not any(_same(reading, other) for other in found):
                found.append(reading)
    return tuple(found)


def _mostly_latin(text: bytes) -> bool:
    """Whether UCS-2 makes Latin letters of the octets but for one in eight."""
    leading = text[::2]
    return leading.count(0) * 8 >= len(leading) * 7


def _beyond_doubt(alphabet: Alphabet, others: bytes, size: int) -> bool:
    """Whether the octets that are not PLAIN, of `size` in all, hint at no other alphabet: `_further` without its work, for the
    texts that most messages are."""
    return len(others) * _HIGH_SHARE < size and not others.translate(None, _EXPECTED[alphabet])


def _further(first: Alphabet, text: bytes) -> list[Alphabet]:
    """The alphabets that the octets make plausible, beside `first`, which they are said to be in."""
    size = len(text)
    odd = text.translate(None, _ORDINARY)
    high = 0 if text.isascii() else len(odd.translate(None, _SEVEN_BITS))
    in_octets = first is not UCS2 and first is not PACKED
    in_utf_8 = (
        high > 0
        and odd.translate(None, _NO_CONTINUATION)
        and text.decode("utf-8", "replace").count("\ufffd") * 4 < high
    )
    found: list[Alphabet] = [UTF_8] if in_utf_8 else []
    if in_octets or len(odd) * _TEXT_SHARE <= size:
        differing = odd.translate(None, _HIGH_LATIN) if first is GSM7 or first is LATIN_1 or first is ASCII else text
        if differing and first is not GSM7:
            found.append(GSM7)
        if first is not LATIN_1 and not in_utf_8 and differing.translate(None, _CONTROLS):
            found.append(LATIN_1)
    if in_octets and not in_utf_8 and high * _HIGH_SHARE >= size:
        found.append(PACKED)
    if len(odd) * _LEADING_SHARE * 2 >= size:
        for alphabet, leading in ((UCS2, text[::2]), (UCS2_LE, text[1::2])):
            if alphabet is not first and len(leading.translate(None, _NO_LEADING)) * _LEADING_SHARE >= len(leading):
                found.append(alphabet)
    return found


def _forms(alphabet: Alphabet, header: udh.Udh) -> tuple[Alphabet, ...]:
    """What an alphabet is behind a header: GSM-7 may have national tables (not every handset does), packed septets begin
    on a multiple of seven bits from the header's first."""
    septets: tuple[Alphabet, ...] = (GSM7,)
    if header.single_shift or header.locking_shift:
        septets = (NationalAlphabet(header.locking_shift, header.single_shift), GSM7)
    if alphabet is GSM7:
        return septets
    if alphabet is PACKED:
        return tuple(PackedAlphabet(each, -header.text % 7) for each in septets)
    return (alphabet,)


def _same(one: Reading, other: Reading) -> bool:
    """Whether two readings can't get different verdicts."""
    return one.words == other.words and (not (one.may_hold_link or other.may_hold_link) or one.text == other.text)
