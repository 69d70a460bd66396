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
def test_all_are_found_in_their_order_with_duplicates(parameters: list[tuple[int, bytes]], before: bytes) -> None:
    data = before + b"".join(pdus.tlv(tag, value) for tag, value in parameters)
    found, end = tlv.walk(data + b"\x04\x24", len(before), len(data))
    assert [(tag, data[a:b]) for tag, a, b in found] == parameters
    assert end == len(data)


@pytest.mark.parametrize(
    ("data", "values", "rest", "tag"),
    [
        (b"", [], b"", None),
        (b"\x04\x24\x00", [], b"\x04\x24\x00", None),
        (b"\x04\x24\x00\x00", [b""], b"", None),
        (pdus.tlv(PAYLOAD, b"short", length=9), [], b"\x04\x24\x00\x09short", PAYLOAD),
        (pdus.tlv(0x1400, b"text", length=9), [], b"\x14\x00\x00\x09text", 0x1400),
        (pdus.tlv(0x1400, pdus.tlv(PAYLOAD, b"inside")), [pdus.tlv(PAYLOAD, b"inside")], b"", None),
        (pdus.tlv(PAYLOAD, b"one") + b"\0\0\0", [b"one"], b"\0\0\0", None),
    ],
)
def test_lengths_that_lie_and_octets_that_nobody_claims(
    data: bytes, values: list[bytes], rest: bytes, tag: int | None
) -> None:
    found, end = tlv.walk(data, 0, len(data))
    assert [data[start:stop] for _, start, stop in found] == values
    assert data[end:] == rest
    assert tlv.tag_at(data, end, len(data)) == tag


@given(st.binary(max_size=200))
def test_no_octets_raise_and_values_lie_inside(data: bytes) -> None:
    found, end = tlv.walk(data, 0, len(data))
    assert all(4 <= start <= stop <= len(data) for _, start, stop in found)
    assert end <= len(data)
