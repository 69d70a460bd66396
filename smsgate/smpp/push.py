"""What a WAP push shows: the text of a WBXML document, with the URLs that its tokens abbreviate written out.

Service Indication and Service Loading (WAP-167, WAP-168) are XML in binary form (WBXML, WAP-192): markup is tokens, text is
inline, and one octet stands for `http://www.` or `.com/`, so a plain reading sees no link. The document lies behind a WSP
header (WAP-230, 8.2.4); bodies without one are searched for its first octets. What is read from a wrong start costs a reading
and hides nothing.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

MAX_CHARS: Final = 2048
"""Of one document's text, a token counting for one at least. A push has a few hundred; a reference of three octets may stand
for a string of thousands."""
MAX_SEARCHED: Final = 2
"""Places in a body that are tried as the beginning of a document besides the one that the WSP header names."""
_MAX_INT_BYTES: Final = 5
"""Of a multi-byte integer: 32 bits, seven in an octet (WAP-192, 5.1)."""

_DOCUMENT: Final = re.compile(rb"[\x01-\x03][\x05\x06]")
"""WBXML 1.1-1.3, and the public identifier of SI or SL (WAP-192, 5.4 and 7.2)."""
_WSP_PUSH: Final = 0x06
_HREF: Final = {  # attributes that are a URL, with the part of it that the token holds (WAP-167, 8.3.2; WAP-168, 9.3.2)
    0x05: {0x0C: "http://", 0x0D: "http://www.", 0x0E: "https://", 0x0F: "https://www."},
    0x06: {0x09: "http://", 0x0A: "http://www.", 0x0B: "https://", 0x0C: "https://www."},
}
_DOMAINS: Final = {0x85: ".com/", 0x86: ".edu/", 0x87: ".net/", 0x88: ".org/"}

_SWITCH_PAGE, _END, _ENTITY, _STR_I = 0x00, 0x01, 0x02, 0x03
_LITERALS: Final = frozenset({0x04, 0x44, 0x84, 0xC4})
_EXT_I: Final = frozenset({0x40, 0x41, 0x42})
_EXT_T: Final = frozenset({0x80, 0x81, 0x82})
_STR_T, _OPAQUE = 0x83, 0xC3
_WITH_ATTRIBUTES: Final = 0x80


def text(body: bytes) -> str:
    """What the push in a body shows; "" when there is none."""
    if b"</" in body or b"/>" in body:  # SI and SL as XML; what they show needs no more than this
        return unescape(body.decode("utf-8", "replace"))
    starts = [match.start() for _, match in zip(range(MAX_SEARCHED), _DOCUMENT.finditer(body), strict=False)]
    if len(body) > 2 and body[1] == _WSP_PUSH:
        headers_bytes, position = _integer(body, 2)
        starts.insert(0, position + headers_bytes)
    shown: list[str] = []
    for start in starts:
        identifier = _integer(body, start + 1)[0]
        tables = [_HREF[identifier]] if identifier in _HREF else _HREF.values()
        shown += [_Document(body, start, table).text() for table in tables]
    return " ".join(shown)


def _integer(data: bytes, position: int) -> tuple[int, int]:
    """A multi-byte integer (WSP calls it uintvar), and the position behind it."""
    value = 0
    for octet in data[position : position + _MAX_INT_BYTES]:
        position += 1
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            break
    return value, position


class _Document:
    """One walk over the tokens. Everything unknown is skipped, so that any octets have a text."""

    def __init__(self, body: bytes, position: int, href: dict[int, str]) -> None:
        self._body = body
        self._href = href
        self._position = position + 1
        if self._integer() == 0:  # the public identifier is a string of the table
            self._integer()
        self._integer()  # the charset: what is not UTF-8 is read with replacement characters
        table_bytes = self._integer()
        self._table = body[self._position : self._position + table_bytes]
        self._position += table_bytes

    def text(self) -> str:
        """Its strings; a blank where markup parts them."""
        pieces: list[str] = []
        in_tag = False
        chars = 0
        while self._position < len(self._body) and chars < MAX_CHARS:
            token = self._body[self._position]
            self._position += 1
            piece = self._string(token)
            if piece is None:
                if token == _END:
                    in_tag = False
                elif not in_tag:
                    in_tag = token & _WITH_ATTRIBUTES != 0
                else:
                    piece = _DOMAINS.get(token)
                    if piece is None:
                        piece = " " + self._href.get(token, "")
            pieces.append(" " if piece is None else piece)
            chars += max(1, len(pieces[-1]))
        return "".join(pieces)

    def _string(self, token: int) -> str | None:
        """What a token that means the same everywhere stands for; None for markup (WAP-192, 5.8.4)."""
        if token == _STR_I or token in _EXT_I:
            start = self._position
            end = self._body.find(b"\0", start)
            self._position = len(self._body) if end < 0 else end + 1
            return _decoded(self._body, start, len(self._body) if end < 0 else end)
        if token == _STR_T or token in _EXT_T:
            start = self._integer()
            end = self._table.find(b"\0", start)
            return _decoded(self._table, start, len(self._table) if end < 0 else end)
        if token == _ENTITY:
            code = self._integer()
            return chr(code) if code < 0x110000 else ""
        if token == _OPAQUE:
            length = self._integer()
            start = self._position
            self._position += length
            return _decoded(self._body, start, self._position)
        if token == _SWITCH_PAGE:
            self._position += 1
            return ""
        if token in _LITERALS:
            self._integer()
        return None

    def _integer(self) -> int:
        value, self._position = _integer(self._body, self._position)
        return value


def _decoded(data: bytes, start: int, end: int) -> str:
    return data[start : min(end, start + MAX_CHARS)].decode("utf-8", "replace")
