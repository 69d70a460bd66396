"""Optional parameters are found by walking them, never by the look of octets inside another one's value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.smpp import tlv
from tests import pdus

PAYLOAD = pdus.MESSAGE_PAYLOAD

tlvs = st.lists(st.tuples(st.sampled_from([PAYLOAD, 0x1400, 0x0204, 0]), st.binary(max_size=20)), max_size=6)


@given(tlvs, st.binary(max_size=5))
def test_values_of_a_tag_in_order_with_duplicates(parameters: list[tuple[int, bytes]], before: bytes) -> None:
    data = before + b"".join(pdus.tlv(tag, value) for tag, value in parameters)
    found = [data[a:b] for a, b in tlv.values(data + b"\x04\x24", len(before), len(data), PAYLOAD)[0]]
    assert found == [value for tag, value in parameters if tag == PAYLOAD]


@pytest.mark.parametrize(
    ("data", "values", "stray"),
    [
        (b"", [], b""),
        (b"\x04\x24\x00", [], b"\x04\x24\x00"),
        (b"\x04\x24\x00\x00", [b""], b""),
        (pdus.tlv(PAYLOAD, b"short", length=9), [b"short"], b""),
        (pdus.tlv(0x1400, b"text", length=9), [], b"\x14\x00\x00\x09text"),
        (pdus.tlv(0x1400, pdus.tlv(PAYLOAD, b"inside")), [], b""),
        (pdus.tlv(PAYLOAD, b"one") + b"\0\0\0", [b"one"], b"\0\0\0"),
    ],
)
def test_lengths_that_lie_and_octets_that_nobody_claims(data: bytes, values: list[bytes], stray: bytes) -> None:
    found, end = tlv.values(data, 0, len(data), PAYLOAD)
    assert [data[a:b] for a, b in found] == values
    assert data[end:] == stray


@given(st.binary(max_size=200), st.integers(0, 0xFFFF))
def test_no_octets_raise_and_values_lie_inside(data: bytes, tag: int) -> None:
    assert all(4 <= a <= b <= len(data) for a, b in tlv.values(data, 0, len(data), tag)[0])
