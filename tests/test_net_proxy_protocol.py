"""PROXY protocol headers: both versions, and not an octet read beyond them."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.net.proxy_protocol import V2_SIGNATURE, Header, ProxyHeaderError

V6 = IPv6Address("2001:db8::7").packed
GOOD = [
    (b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 2775\r\n", "198.51.100.7"),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 2775\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", None),
    (V2_SIGNATURE + b"\x21\x11\0\x0c" + bytes([198, 51, 100, 7, 192, 0, 2, 1, 1, 2, 3, 4]), "198.51.100.7"),
    (V2_SIGNATURE + b"\x21\x21\0\x24" + V6 + V6 + b"\1\2\3\4", "2001:db8::7"),
    (V2_SIGNATURE + b"\x21\x11\0\x0f" + bytes([198, 51, 100, 7, 192, 0, 2, 1, 1, 2, 3, 4, 4, 0, 0]), "198.51.100.7"),
    (V2_SIGNATURE + b"\x20\0\0\0", None),
]
BAD = [
    b"\0\0\0\x2f\0\0\0\x09\0\0\0\0\0\0\0\1",
    b"PROXY TCP4 nobody 192.0.2.1 1 2\r\n",
    b"PROXY TCP4 198.51.100.7\r\n",
    b"PROXY TCP4 " + b"1" * 120,
    V2_SIGNATURE + b"\x11\x11\0\x0c" + bytes(12),
    V2_SIGNATURE + b"\x21\x12\0\x0c" + bytes(12),
    V2_SIGNATURE + b"\x21\x11\xff\xff",
]


def read(stream: bytes) -> tuple[Header, bytes]:
    header = Header()
    while wanted := header.wanted():
        header.feed(stream[:wanted])
        stream = stream[wanted:]
    return header, stream


@pytest.mark.parametrize(("header", "address"), GOOD)
def test_a_header_is_read_and_what_follows_is_left(header: bytes, address: str | None) -> None:
    found, rest = read(header + b"\0\0\0\x10behind")
    assert found.address == address
    assert rest == b"\0\0\0\x10behind"


@pytest.mark.parametrize("stream", BAD)
def test_what_is_no_header_is_refused(stream: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read(stream + bytes(200))


@given(st.binary(max_size=300))
def test_any_octets_are_a_header_or_refused(stream: bytes) -> None:
    with suppress(ProxyHeaderError):
        read(stream + bytes(70_000))
