from __future__ import annotations

from typing import Any

import pytest

from smsgate.smpp.pdu import text_view
from smsgate.smpp.places import Place, places
from tests import pdus


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": b"\x05\x00\x03\x2a\x02\x01x", "esm_class": pdus.UDHI}, [Place(0x2A, 2, 1)]),
        ({"text": b"\x05\x00\x03\x2a\x02\x01x"}, [Place(0x2A, 2, 1)]),
        ({"text": b"\x05\x00\x03\x2a\x00\x01x", "esm_class": pdus.UDHI}, []),
        ({"text": b"\x05\x00\x03\x2a\x02\x00x", "esm_class": pdus.UDHI}, []),
        ({"text": b"\x05\x00\x03\x2a\x02\x03x", "esm_class": pdus.UDHI}, []),
        ({"text": b"\x05\x00\x03\x2a\x01\x01x", "esm_class": pdus.UDHI}, []),
        ({"text": b"\x04\x00\x03\x2a\x02\x01x", "esm_class": pdus.UDHI}, []),
        (
            {"text": b"\x05\x00\x03\x2a\x02\x01x", "esm_class": pdus.UDHI, "payloads": [b"\x05\x00\x03\x2b\x02\x02y"]},
            [Place(0x2A, 2, 1), Place(0x2B, 2, 2)],
        ),
        ({"tlvs": pdus.tlv(0x020C, b"\1\2") + pdus.tlv(0x020E, b"\3") + pdus.tlv(0x020F, b"\2")}, [Place(0x0102, 3, 2)]),
        ({"tlvs": pdus.tlv(0x020C, b"\1\2") + pdus.tlv(0x020F, b"\2")}, []),
        ({"tlvs": pdus.tlv(0x020C, b"\1") + pdus.tlv(0x020E, b"\1\0") + pdus.tlv(0x020F, b"\2")}, []),
    ],
    ids=[
        "8-bit", "no UDHI", "total 0", "part 0", "part beyond total", "one of one", "a header that lies", "two bodies", "SAR",
        "SAR without total", "SAR total of 256",
    ],
)  # fmt: skip
def test_where_a_pdu_says_that_its_text_stands(fields: dict[str, Any], expected: list[Place]) -> None:
    pdu = pdus.submit_sm(**fields)
    assert places(text_view(pdus.SUBMIT_SM, pdu, 0, len(pdu))) == expected
