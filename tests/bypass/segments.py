"""Carriers of several parts: a text cut in the middle of its words and of its link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tests.bypass import encoders as enc
from tests.bypass.carrier import Carrier, Carry
from tests.pdus import DESTINATION, UDHI, data_sm, submit_multi, submit_sm, tlv

Header = Callable[[int, int], bytes]
"""(number of parts, this part from 1) -> user data header."""


def udh8(total: int, part: int) -> bytes:
    return bytes([5, 0x00, 3, 0x2A, total, part])


def udh16(total: int, part: int) -> bytes:
    return bytes([6, 0x08, 4, 0x01, 0x2A, total, part])


def same16(total: int, part: int) -> bytes:
    """The reference that 8 bits have, in 16."""
    return bytes([6, 0x08, 4, 0x00, 0x2A, total, part])


def sar(total: int, part: int) -> bytes:
    return tlv(0x020C, b"\0\x2a") + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([part]))


def parts(text: str, number: int) -> list[str]:
    """The text in so many parts of about the same length."""
    size = -(-len(text) // number)
    return [text[index : index + size] for index in range(0, len(text), size)]


def _udh(
    text: str, number: int, header: Header = udh8, encode: Callable[[str], bytes] = enc.gsm7, coding: int = 0
) -> list[bytes]:
    cut = parts(text, number)
    return [
        submit_sm(header(len(cut), part) + encode(each), esm_class=UDHI, data_coding=coding)
        for part, each in enumerate(cut, 1)
    ]


def _sar(text: str, number: int) -> list[bytes]:
    cut = parts(text, number)
    return [submit_sm(enc.gsm7(each), tlvs=sar(len(cut), part)) for part, each in enumerate(cut, 1)]


def _packed(text: str) -> list[bytes]:
    one, two = parts(text, 2)
    return [submit_sm(enc.behind(udh8(2, part), each), esm_class=UDHI) for part, each in ((1, one), (2, two))]


def _mixed(text: str) -> list[bytes]:
    one, two, three = parts(text, 3)
    return [
        submit_sm(udh8(3, 1) + enc.gsm7(one), esm_class=UDHI),
        submit_sm(same16(3, 2) + enc.gsm7(two), esm_class=UDHI),
        submit_sm(enc.gsm7(three), tlvs=sar(3, 3)),
    ]


def _overwritten(text: str, *, harmless_first: bool) -> list[bytes]:
    """The first part twice, once harmless: some handsets keep the one, some the other."""
    one, two = _udh(text, 2)
    harmless = submit_sm(udh8(2, 1) + enc.gsm7("Bonjour, "), esm_class=UDHI)
    return [harmless, one, two] if harmless_first else [one, harmless, two]


def _ucs2_cut_in_a_letter(text: str) -> list[bytes]:
    octets = enc.ucs2(text)
    cut = len(octets) // 2 | 1
    return [
        submit_sm(udh8(2, part) + each, esm_class=UDHI, data_coding=8)
        for part, each in ((1, octets[:cut]), (2, octets[cut:]))
    ]


def _other_alphabet(text: str) -> list[bytes]:
    one, two = parts(text, 2)
    return [
        submit_sm(udh8(2, 1) + enc.gsm7(one), esm_class=UDHI),
        submit_sm(udh8(2, 2) + enc.ucs2(two), esm_class=UDHI, data_coding=8),
    ]


def _other_commands(text: str) -> list[bytes]:
    one, two, three = parts(text, 3)
    return [
        submit_sm(udh8(3, 1) + enc.gsm7(one), esm_class=UDHI),
        data_sm(udh8(3, 2) + enc.gsm7(two), esm_class=UDHI),
        submit_sm(payloads=[udh8(3, 3) + enc.gsm7(three)], esm_class=UDHI),
    ]


def _other_numbering_plan(text: str) -> list[bytes]:
    one, two = _udh(text, 2)
    number = b"\x01\x01" + DESTINATION
    return [one, two.replace(number, b"\x00\x00" + DESTINATION)]


def _nothing_last(text: str) -> list[bytes]:
    """Two parts hold all of the text; the third has nothing but a blank."""
    return [
        submit_sm(udh8(3, part) + enc.gsm7(each), esm_class=UDHI) for part, each in enumerate([*parts(text, 2), " "], 1)
    ]


def _not_announced(text: str) -> list[bytes]:
    return [submit_sm(udh8(2, part) + enc.gsm7(each)) for part, each in enumerate(parts(text, 2), 1)]


def _multi(text: str) -> list[bytes]:
    return [submit_multi(udh8(2, part) + enc.gsm7(each), esm_class=UDHI) for part, each in enumerate(parts(text, 2), 1)]


SEGMENTS: Final[dict[str, Carry]] = {
    "two parts, 8-bit reference": lambda text: _udh(text, 2),
    "two parts, 16-bit reference": lambda text: _udh(text, 2, udh16),
    "two parts, SAR TLVs": lambda text: _sar(text, 2),
    "five parts": lambda text: _udh(text, 5),
    "five parts, SAR TLVs": lambda text: _sar(text, 5),
    "three letters a part": lambda text: _udh(text, -(-len(text) // 3)),
    "a letter a part": lambda text: _udh(text, len(text)),
    "last part first": lambda text: _udh(text, 4)[::-1],
    "odd parts first": lambda text: _udh(text, 6)[::2] + _udh(text, 6)[1::2],
    "8-bit, 16-bit and SAR references in one set": _mixed,
    "UCS-2": lambda text: _udh(text, 2, udh8, enc.ucs2, 8),
    "UCS-2, 16-bit reference": lambda text: _udh(text, 3, udh16, enc.ucs2, 8),
    "UCS-2, cut in a letter": _ucs2_cut_in_a_letter,
    "Latin-1": lambda text: _udh(text, 3, udh8, enc.latin1, 3),
    "packed GSM-7": _packed,
    "GSM-7 and UCS-2 in one set": _other_alphabet,
    "submit_sm, data_sm and message_payload in one set": _other_commands,
    "TON and NPI differ": _other_numbering_plan,
    "a harmless first part, then the true one": lambda text: _overwritten(text, harmless_first=True),
    "the true first part, then a harmless one": lambda text: _overwritten(text, harmless_first=False),
    "a last part with nothing in it": _nothing_last,
    "UDHI clear": _not_announced,
    "submit_multi": _multi,
}


def carriers() -> Iterator[Carrier]:
    for name, carry in SEGMENTS.items():
        yield Carrier("Segments", name, carry)
    yield Carrier("Segments", "over two binds", lambda text: _udh(text, 4), binds=2)
    yield Carrier("Segments", "last part first, over three binds", lambda text: _udh(text, 5)[::-1], binds=3)
