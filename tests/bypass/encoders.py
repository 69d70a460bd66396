"""Texts to octets, as senders' stacks and fraudsters do it. Nothing here uses smsgate's own tables.

A letter that an alphabet lacks is sent without its accent, and a sign that it lacks as a blank.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
ESCAPE: Final = 0x1B

TURKISH_LOCKING: Final = BASIC.translate(str.maketrans("èìØøÆæ¡¿", "€ıĞğŞşİç"))
TURKISH_SHIFT: Final = {**EXTENSION, "Ğ": 0x47, "İ": 0x49, "Ş": 0x53, "ç": 0x63, "ğ": 0x67, "ı": 0x69, "ş": 0x73}
SPANISH_SHIFT: Final = {
    **EXTENSION, "ç": 0x09, "Á": 0x41, "Í": 0x49, "Ó": 0x4F, "Ú": 0x55, "á": 0x61, "í": 0x69, "ó": 0x6F, "ú": 0x75,
}  # fmt: skip
PORTUGUESE_LOCKING: Final = (
    "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ !\"#º%&'()*+,-./0123456789:;<=>?"
    "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà"
)
HINDI_LOCKING: Final = (
    "ँंःअआइईउऊऋ\nऌऍ\rऎएऐऑऒओऔकखगघङच\x1bछजझञ !टठडढणत)(थद,ध.न0123456789:;ऩपफ?"
    "बभमयरऱलळऴवशषसह़ऽािीुूृॄॅॆेैॉॊोौ्ॐabcdefghijklmnopqrstuvwxyzॲॻॼॾॿ"
)
HINDI_SHIFT: Final = {
    "@": 0x00, '"': 0x05, "%": 0x07, "&": 0x08, "'": 0x09, "*": 0x0B, "+": 0x0C, "-": 0x0E, "/": 0x0F, "<": 0x10,
    "=": 0x11, ">": 0x12, "_": 0x16, "#": 0x17, "€": 0x65, **{chr(code): code for code in range(0x41, 0x5B)},
}  # fmt: skip


def plain(text: str) -> str:
    """The text in ASCII."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.replace("€", "EUR")) if char.isascii())


def disguised(text: str, letters: str, others: str) -> str:
    """The text with other letters outside of its links: in a host they make another one."""
    table = str.maketrans(letters, others)
    return " ".join(word if "/" in word else word.translate(table) for word in plain(text).split(" "))


def septets(text: str, basic: str = BASIC, shift: Mapping[str, int] = EXTENSION) -> bytes:
    """GSM 03.38, one septet in each octet, in its own or in national tables."""
    found = bytearray()
    for char in text:
        for each in char if char in basic or char in shift else plain(char):
            if each in shift and each not in basic:
                found += bytes([ESCAPE, shift[each]])
            else:
                found.append(basic.find(each) if each in basic else 0x20)
    return bytes(found)


def gsm7(text: str) -> bytes:
    """The default alphabet, unpacked."""
    return septets(text)


def packed(text: str, fill_bits: int = 0) -> bytes:
    """The default alphabet, eight septets in seven octets, behind so many bits of fill (23.038, 6.1.2.1)."""
    bits = fill_bits
    value = 0
    for septet in septets(text):
        value |= septet << bits
        bits += 7
    return value.to_bytes((bits + 7) // 8, "little")


def behind(header: bytes, text: str) -> bytes:
    """Packed septets behind a user data header, on a multiple of seven bits from its first."""
    return header + packed(text, -len(header) * 8 % 7)


def codec(name: str, prepare: Callable[[str], str] = str) -> Callable[[str], bytes]:
    """An encoder of Python's; what it lacks goes without its accent."""

    def encode(text: str) -> bytes:
        found = b""
        for char in prepare(text):
            try:
                found += char.encode(name)
            except UnicodeEncodeError:
                found += plain(char).encode(name)
        return found

    return encode


def stateful(name: str, prepare: Callable[[str], str]) -> Callable[[str], bytes]:
    """The same for encodings with shift sequences: the text as one."""
    return lambda text: prepare(plain(text)).encode(name)


ascii_ = codec("ascii")
latin1 = codec("latin-1")
cp1252 = codec("cp1252")
utf8 = codec("utf-8")


def ucs2(text: str) -> bytes:
    return text.encode("utf-16-be")


def ucs2_le(text: str) -> bytes:
    return text.encode("utf-16-le")


def wide(text: str) -> str:
    """Letters and digits in their full-width forms, as East Asian alphabets have them."""
    return "".join(chr(ord(char) + 0xFEE0) if char.isascii() and char.isalnum() else char for char in plain(text))


def cyrillic(text: str) -> str:
    """Latin letters as the Cyrillic ones that look the same."""
    return disguised(text, "ABCEHKMOPTXaceopxyi", "АВСЕНКМОРТХасеорхуі")


def hindi(text: str) -> bytes:
    return septets(plain(text), HINDI_LOCKING, HINDI_SHIFT)
