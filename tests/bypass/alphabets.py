"""Carriers by alphabet, by what data_coding says of it, and by user data header; WAP pushes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.bypass import encoders as enc
from tests.bypass.bodies import HELLO
from tests.bypass.carrier import Carrier, Carry
from tests.pdus import UDHI, data_sm, replace_sm, submit_sm, tlv

GSM_CODINGS: Final = {
    0x10: "flash",
    0x12: "on the SIM",
    0x40: "deleted once read",
    0xC0: "message waiting, discard",
    0xD0: "message waiting, store",
    0xF0: "class 0",
    0xF1: "class 1",
    0x80: "reserved",
}
UCS2_CODINGS: Final = {
    0x18: "flash",
    0x19: "class 1",
    0x48: "deleted once read",
    0xE0: "message waiting",
    0xE8: "message waiting, active",
}
DECLARED: Final[tuple[tuple[str, int, Callable[[str], bytes]], ...]] = (
    ("GSM-7 as ASCII", 0x01, enc.gsm7),
    ("GSM-7 as Latin-1", 0x03, enc.gsm7),
    ("GSM-7 as binary", 0x04, enc.gsm7),
    ("GSM-7 as UCS-2", 0x08, enc.gsm7),
    ("ASCII", 0x01, enc.ascii_),
    ("Latin-1", 0x03, enc.latin1),
    ("Latin-1 as the default alphabet", 0x00, enc.latin1),
    ("Latin-1 as ASCII", 0x01, enc.latin1),
    ("Latin-1 as binary", 0x02, enc.latin1),
    ("Latin-1 as UCS-2", 0x08, enc.latin1),
    ("Windows-1252 as Latin-1", 0x03, enc.cp1252),
    ("UTF-8 as the default alphabet", 0x00, enc.utf8),
    ("UTF-8 as Latin-1", 0x03, enc.utf8),
    ("UTF-8 as binary", 0x04, enc.utf8),
    ("UTF-8 as UCS-2", 0x08, enc.utf8),
    ("UTF-8 with a byte order mark", 0x00, lambda text: b"\xef\xbb\xbf" + enc.utf8(text)),
    ("UCS-2", 0x08, enc.ucs2),
    ("UCS-2 with a byte order mark", 0x08, lambda text: b"\xfe\xff" + enc.ucs2(text)),
    ("UCS-2, little-endian with a byte order mark", 0x08, lambda text: b"\xff\xfe" + enc.ucs2_le(text)),
    ("UCS-2, little-endian", 0x08, enc.ucs2_le),
    ("UCS-2, little-endian, flash", 0x18, enc.ucs2_le),
    ("UCS-2, an odd octet at the end", 0x08, lambda text: enc.ucs2(text) + b"\0"),
    ("UCS-2, an odd octet in front", 0x08, lambda text: b"\0" + enc.ucs2(text)),
    ("UCS-2, lone surrogates round it", 0x08, lambda text: b"\xd8\x00" + enc.ucs2(f" {text} ") + b"\xdc\x00"),
    ("UCS-2 as binary", 0x04, enc.ucs2),
    ("UCS-2, little-endian, as binary", 0x04, enc.ucs2_le),
    ("UCS-2 as the default alphabet", 0x00, enc.ucs2),
    ("UCS-2 as ASCII", 0x01, enc.ucs2),
    ("UCS-2 as Latin-1", 0x03, enc.ucs2),
    ("UCS-2, little-endian, as the default alphabet", 0x00, enc.ucs2_le),
    ("UCS-2 as 8-bit data, class 1", 0xF5, enc.ucs2),
    ("packed GSM-7 as the default alphabet", 0x00, enc.packed),
    ("packed GSM-7, class 1", 0xF1, enc.packed),
    ("packed GSM-7 as binary", 0x04, enc.packed),
    ("8-bit data, class 1", 0xF5, enc.latin1),
    ("ISO 8859-5, Cyrillic look-alikes", 0x06, enc.codec("iso8859-5", enc.cyrillic)),
    ("ISO 8859-8", 0x07, enc.codec("iso8859-8")),
    ("JIS, full-width letters", 0x05, enc.codec("cp932", enc.wide)),
    ("ISO 2022-JP, full-width letters", 0x0A, enc.stateful("iso2022-jp", enc.wide)),
    ("EUC-JP, full-width letters", 0x0D, enc.codec("euc-jp", enc.wide)),
    ("KS C 5601, full-width letters", 0x0E, enc.codec("euc-kr", enc.wide)),
    ("pictogram encoding", 0x09, enc.codec("cp932")),
)

CONCATENATED_8: Final = b"\x05\x00\x03\x2a\x01\x01"
CONCATENATED_16: Final = b"\x06\x08\x04\x01\x2a\x01\x01"
PORTS: Final = b"\x06\x05\x04\x0b\x84\x23\xf0"
"""2948, where WAP pushes go, from 9200."""


def _submit_sm(octets: bytes, coding: int, esm_class: int = 0) -> bytes:
    """In short_message, or in message_payload what is too long for it."""
    if len(octets) < 255:
        return submit_sm(octets, data_coding=coding, esm_class=esm_class)
    return submit_sm(payloads=[octets], data_coding=coding, esm_class=esm_class)


def _with(header: bytes, text: bytes, coding: int = 0) -> list[bytes]:
    return [_submit_sm(header + text, coding, UDHI)]


def _national(locking: int, single: int, text: bytes) -> list[bytes]:
    return _with(bytes([6, 0x25, 1, locking, 0x24, 1, single]), text)


HEADERS: Final[dict[str, Carry]] = {
    "a set of one, 8-bit reference": lambda text: _with(CONCATENATED_8, enc.gsm7(text)),
    "a set of one, 16-bit reference": lambda text: _with(CONCATENATED_16, enc.gsm7(text)),
    "a set of one, 16-bit reference, UCS-2": lambda text: _with(CONCATENATED_16, enc.ucs2(text), 8),
    "a set of one, SAR TLVs": lambda text: [
        submit_sm(enc.gsm7(text), tlvs=tlv(0x020C, b"\0\x2a") + tlv(0x020E, b"\1") + tlv(0x020F, b"\1"))
    ],
    "a set of one, UDH and SAR TLVs": lambda text: [
        submit_sm(
            CONCATENATED_8 + enc.gsm7(text),
            esm_class=UDHI,
            tlvs=tlv(0x020C, b"\0\x2a") + tlv(0x020E, b"\1") + tlv(0x020F, b"\1"),
        )
    ],
    "total 0": lambda text: _with(b"\x05\x00\x03\x2a\x00\x01", enc.gsm7(text)),
    "part beyond the total": lambda text: _with(b"\x05\x00\x03\x2a\x02\x09", enc.gsm7(text)),
    "part 0": lambda text: _with(b"\x05\x00\x03\x2a\x02\x00", enc.gsm7(text)),
    "in message_payload": lambda text: [submit_sm(payloads=[CONCATENATED_8 + enc.gsm7(text)], esm_class=UDHI)],
    "in data_sm": lambda text: [data_sm(CONCATENATED_8 + enc.gsm7(text), esm_class=UDHI)],
    "in message_payload beside a short_message with another": lambda text: [
        submit_sm(CONCATENATED_8 + HELLO, payloads=[CONCATENATED_16 + enc.gsm7(text)], esm_class=UDHI)
    ],
    "in replace_sm, UCS-2": lambda text: [replace_sm(CONCATENATED_16 + enc.ucs2(text))],
    "text formatting": lambda text: _with(b"\x05\x0a\x03\x00\x05\x10", enc.gsm7(text)),
    "reply address": lambda text: _with(b"\x09\x22\x07\x0a\x91\x10\x99\x00\x00\x00", enc.gsm7(text)),
    "unknown element": lambda text: _with(b"\x04\x70\x02\xff\xff", enc.gsm7(text)),
    "empty": lambda text: _with(b"\x00", enc.gsm7(text)),
    "announced and not there": lambda text: _with(b"", enc.gsm7(text)),
    "announced and not there, UCS-2": lambda text: _with(b"", enc.ucs2(text), 8),
    "longer than the body": lambda text: _with(b"\xff ", enc.gsm7(text)),
    "an element that runs over": lambda text: _with(b"\x05\x00\x30\x2a\x01\x01", enc.gsm7(text)),
    "an element that runs over, UCS-2": lambda text: _with(b"\x05\x00\x30\x2a\x01\x01", enc.ucs2(text), 8),
    "that holds the whole text": lambda text: _with(
        bytes([len(enc.gsm7(text)) + 2, 0x70, len(enc.gsm7(text))]) + enc.gsm7(text), b" " + HELLO
    ),
    "there and not announced": lambda text: [submit_sm(CONCATENATED_8 + enc.gsm7(text))],
    "there and not announced, odd length, UCS-2": lambda text: [
        submit_sm(CONCATENATED_16 + enc.ucs2(text), data_coding=8)
    ],
    "flash, UCS-2": lambda text: _with(CONCATENATED_8, enc.ucs2(text), 0x18),
    "packed GSM-7": lambda text: _with(b"", enc.behind(CONCATENATED_8, text)),
    "packed GSM-7, odd length": lambda text: _with(b"", enc.behind(CONCATENATED_16, text)),
    "Turkish single shift": lambda text: _national(
        0, 1, enc.septets(enc.disguised(text, "i", "ı"), shift=enc.TURKISH_SHIFT)
    ),
    "Turkish locking shift": lambda text: _national(
        1, 0, enc.septets(enc.disguised(text, "i", "ı"), enc.TURKISH_LOCKING)
    ),
    "Spanish single shift": lambda text: _national(
        0, 2, enc.septets(enc.disguised(text, "aiou", "áíóú"), shift=enc.SPANISH_SHIFT)
    ),
    "Portuguese locking shift": lambda text: _national(
        3, 0, enc.septets(enc.disguised(text, "aio", "áíó"), enc.PORTUGUESE_LOCKING)
    ),
    "Hindi tables": lambda text: _national(6, 6, enc.hindi(text)),
    "a port, plain text": lambda text: _with(b"\x06\x05\x04\x15\x81\x00\x00", enc.gsm7(text)),
    "a port in a TLV, plain text": lambda text: [submit_sm(enc.gsm7(text), tlvs=tlv(0x020B, b"\x15\x81"))],
}

WSP: Final = b"\x01\x06\x04\x03\xae\x81\xea"


def _inline(text: str) -> bytes:
    return b"\x03" + text.encode() + b"\0"


def _si(text: str, host: Callable[[str], bytes] = _inline, table: bytes = b"") -> bytes:
    """A Service Indication: the text's link as its URL, the scheme in a token, the rest as its text."""
    link = re.search(r"https://(www\.)?(\S+)", text)
    shown = text.replace(link[0], "") if link else text
    href = (b"\x0f" if link[1] else b"\x0e") + host(link[2]) if link else b""
    head = b"\x02\x05\x6a" + bytes([len(table)]) + table
    return WSP + head + b"\x45\xc6" + href + b"\x01" + _inline(shown) + b"\x01\x01"


def _dotcom(rest: str) -> bytes:
    """`name.example/x` as name.com/x, its middle in a token."""
    name, _, path = rest.partition("/")
    if not name.endswith(".example"):
        return _inline(rest)
    return _inline(name.removesuffix(".example")) + b"\x85" + _inline(path)


def _entities(rest: str) -> bytes:
    return b"".join(b"\x02" + bytes([ord(char)]) for char in rest)


def _table(text: str) -> bytes:
    link = re.search(r"https://(?:www\.)?(\S+)", text)
    return b"x\0" + (link[1].encode() if link else b"") + b"\0"


def _xml(text: str) -> bytes:
    link = re.search(r"https://\S+", text)
    href = f' href="{"".join(f"&#{ord(char)};" for char in link[0])}"' if link else ""
    shown = text.replace(link[0], "") if link else text
    return b"\x01\x06\x01\x81" + f"<si><indication{href}>{shown}</indication></si>".encode()


PUSHES: Final[dict[str, Carry]] = {
    "Service Indication": lambda text: _with(PORTS, _si(text), 0x04),
    "Service Indication, 8-bit data, class 1": lambda text: _with(PORTS, _si(text), 0xF5),
    "Service Indication as the default alphabet": lambda text: _with(PORTS, _si(text), 0x00),
    "Service Indication to port 49999": lambda text: _with(b"\x06\x05\x04\xc3\x4f\x23\xf0", _si(text), 0x04),
    "Service Indication in a set of one": lambda text: _with(
        b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x2a\x01\x01", _si(text), 0x04
    ),
    "Service Indication, ports in TLVs": lambda text: [
        submit_sm(_si(text), data_coding=0x04, tlvs=tlv(0x020A, b"\x23\xf0") + tlv(0x020B, b"\x0b\x84"))
    ],
    "Service Indication, data_sm, ports in TLVs": lambda text: [
        data_sm(_si(text), data_coding=0x04, tlvs=tlv(0x020B, b"\x0b\x84"))
    ],
    "Service Indication, UDHI clear": lambda text: [submit_sm(PORTS + _si(text), data_coding=0x04)],
    "Service Indication in message_payload": lambda text: [
        submit_sm(payloads=[PORTS + _si(text)], esm_class=UDHI, data_coding=0x04)
    ],
    "Service Indication, .com in a token": lambda text: _with(PORTS, _si(text, _dotcom), 0x04),
    "Service Indication, the URL in entities": lambda text: _with(PORTS, _si(text, _entities), 0x04),
    "Service Indication, the URL in the string table": lambda text: _with(
        PORTS, _si(text, lambda _: b"\x83\x02", _table(text)), 0x04
    ),
    "Service Indication as XML": lambda text: _with(PORTS, _xml(text), 0x04),
}


def carriers() -> Iterator[Carrier]:
    for coding, meaning in GSM_CODINGS.items():
        yield Carrier("Alphabet", f"GSM-7 under 0x{coding:02X} ({meaning})", _under(coding, enc.gsm7))
    for coding, meaning in UCS2_CODINGS.items():
        yield Carrier("Alphabet", f"UCS-2 under 0x{coding:02X} ({meaning})", _under(coding, enc.ucs2))
    for name, coding, encode in DECLARED:
        yield Carrier("Alphabet", f"{name} (0x{coding:02X})", _under(coding, encode))
    for name, carry in HEADERS.items():
        yield Carrier("User data header", name, carry)
    for name, carry in PUSHES.items():
        yield Carrier("WAP push", name, carry)


def _under(coding: int, encode: Callable[[str], bytes]) -> Carry:
    return lambda text: [_submit_sm(encode(text), coding)]
