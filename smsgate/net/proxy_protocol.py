"""PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020): whom a proxy in front speaks for.

`Header` is fed octets and says how many more it needs; nothing beyond the header is ever read, because what follows may be a
TLS handshake that another reader must find whole.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
V1_MAX_OCTETS: Final = 107
"""The longest version 1 header, CRLF included (2.1)."""
V2_MAX_OCTETS: Final = 16 + 536
"""Addresses and a handful of TLVs; the specification asks receivers for at least 536 octets in all (2.2)."""
_START: Final = len(V2_SIGNATURE)


class ProxyHeaderError(ValueError):
    """What a trusted proxy sent is no PROXY header."""


class Header:
    """One header in the making. `address` is the sender it names, None when it names none (LOCAL, UNKNOWN)."""

    __slots__ = ("_data", "address")

    def __init__(self) -> None:
        self._data = b""
        self.address: str | None = None

    def wanted(self) -> int:
        """How many octets to read next; 0 once the header is complete."""
        data = self._data
        if len(data) < _START:
            return _START - len(data)
        if data.startswith(b"PROXY "):
            return 0 if data.endswith(b"\r\n") else 1
        if len(data) < 16:
            return 16 - len(data)
        return 16 + int.from_bytes(data[14:16], "big") - len(data)

    def feed(self, octets: bytes) -> None:
        """Add what was read (at most `wanted()` octets). Raises ProxyHeaderError."""
        self._data += octets
        data = self._data
        if len(data) >= _START and data != V2_SIGNATURE[: len(data)] and not data.startswith((V2_SIGNATURE, b"PROXY ")):
            raise ProxyHeaderError("neither signature")
        if data.startswith(b"PROXY "):
            if len(data) > V1_MAX_OCTETS:
                raise ProxyHeaderError("version 1 header without an end")
        elif len(data) >= 16 and (data[12] >> 4 != 2 or self.wanted() + len(data) > V2_MAX_OCTETS):
            raise ProxyHeaderError("version 2 header of a wrong version or length")
        if not self.wanted():
            self.address = self._v1() if data.startswith(b"PROXY ") else self._v2()

    def _v1(self) -> str | None:
        words = self._data.decode("ascii", "replace").split()
        if words[1:2] == ["UNKNOWN"]:
            return None
        if len(words) != 6 or words[1] not in {"TCP4", "TCP6"}:
            raise ProxyHeaderError("version 1 header with the wrong words")
        try:
            return str(ip_address(words[2]))
        except ValueError:
            raise ProxyHeaderError("version 1 header without an address") from None

    def _v2(self) -> str | None:
        command, family, body = self._data[12] & 0x0F, self._data[13], self._data[16:]
        if command == 0:
            return None
        if command == 1 and family == 0x11 and len(body) >= 12:
            return str(IPv4Address(body[:4]))
        if command == 1 and family == 0x21 and len(body) >= 36:
            return str(IPv6Address(body[:16]))
        raise ProxyHeaderError("version 2 header for no TCP connection")
