"""SMPP PDUs as octets, built field by field as the specification lists them (SMPP 3.4, 4), for tests of every layer.

Nothing here uses smsgate's own encoder: what these functions build is what a peer sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

BIND_TRANSMITTER, BIND_RECEIVER, BIND_TRANSCEIVER = 0x02, 0x01, 0x09
QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND, REPLACE_SM, CANCEL_SM = 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
OUTBIND, ENQUIRE_LINK, SUBMIT_MULTI, ALERT_NOTIFICATION = 0x0B, 0x15, 0x21, 0x102
DATA_SM, BROADCAST_SM = 0x103, 0x111
RESPONSE, GENERIC_NACK = 0x80000000, 0x80000000

MESSAGE_PAYLOAD = 0x0424
UDHI = 0x40
SOURCE, DESTINATION = b"0199001234", b"0639980001"


def pdu(command: int, body: bytes = b"", *, sequence: int = 1, status: int = 0) -> bytes:
    """Header and body."""
    return pack(">IIII", 16 + len(body), command, status, sequence) + body


def string(value: bytes) -> bytes:
    """A C-octet string."""
    return value + b"\0"


def address(value: bytes, ton: int = 1, npi: int = 1) -> bytes:
    """Type of number, numbering plan, address."""
    return bytes([ton, npi]) + string(value)


def tlv(tag: int, value: bytes, length: int | None = None) -> bytes:
    """An optional parameter; `length` overrides the true one."""
    return pack(">HH", tag, len(value) if length is None else length) + value


def _message(text: bytes, payloads: Sequence[bytes], tlvs: bytes, sm_length: int | None) -> bytes:
    """sm_length, short_message and the optional parameters."""
    length = len(text) if sm_length is None else sm_length
    return bytes([length]) + text + b"".join(tlv(MESSAGE_PAYLOAD, payload) for payload in payloads) + tlvs


def submit_sm(
    text: bytes = b"",
    *,
    command: int = SUBMIT_SM,
    source: bytes = SOURCE,
    source_type: tuple[int, int] = (1, 1),
    destination: bytes = DESTINATION,
    esm_class: int = 0,
    data_coding: int = 0,
    sequence: int = 1,
    service_type: bytes = b"",
    schedule: bytes = b"",
    validity: bytes = b"",
    canned: int = 0,
    payloads: Sequence[bytes] = (),
    tlvs: bytes = b"",
    sm_length: int | None = None,
) -> bytes:
    """submit_sm, or deliver_sm, which has the same fields (4.4.1, 4.6.1)."""
    body = string(service_type) + address(source, *source_type) + address(destination) + bytes([esm_class, 0, 0])
    body += string(schedule) + string(validity) + bytes([1, 0, data_coding, canned])
    return pdu(command, body + _message(text, payloads, tlvs, sm_length), sequence=sequence)


def submit_multi(
    text: bytes = b"",
    *,
    source: bytes = SOURCE,
    destinations: Sequence[bytes] = (DESTINATION,),
    lists: Sequence[bytes] = (),
    number: int | None = None,
    esm_class: int = 0,
    data_coding: int = 0,
    sequence: int = 1,
    canned: int = 0,
    payloads: Sequence[bytes] = (),
    tlvs: bytes = b"",
    sm_length: int | None = None,
) -> bytes:
    """submit_multi to SME addresses and distribution lists (4.5.1); `number` overrides number_of_dests."""
    count = len(destinations) + len(lists) if number is None else number
    body = string(b"") + address(source) + bytes([count])
    body += b"".join(b"\x01" + address(one) for one in destinations) + b"".join(b"\x02" + string(one) for one in lists)
    body += bytes([esm_class, 0, 0]) + string(b"") + string(b"") + bytes([1, 0, data_coding, canned])
    return pdu(SUBMIT_MULTI, body + _message(text, payloads, tlvs, sm_length), sequence=sequence)


def data_sm(
    text: bytes | None = b"",
    *,
    source: bytes = SOURCE,
    destination: bytes = DESTINATION,
    esm_class: int = 0,
    data_coding: int = 0,
    sequence: int = 1,
    tlvs: bytes = b"",
) -> bytes:
    """data_sm (4.7.1): its text is a message_payload, or none at all when `text` is None."""
    body = string(b"") + address(source) + address(destination) + bytes([esm_class, 0, data_coding])
    body += b"" if text is None else tlv(MESSAGE_PAYLOAD, text)
    return pdu(DATA_SM, body + tlvs, sequence=sequence)


def replace_sm(
    text: bytes = b"",
    *,
    message_id: bytes = b"7f03",
    source: bytes = SOURCE,
    sequence: int = 1,
    canned: int = 0,
    payloads: Sequence[bytes] = (),
    tlvs: bytes = b"",
    sm_length: int | None = None,
) -> bytes:
    """replace_sm (4.10.1)."""
    body = string(message_id) + address(source) + string(b"") + string(b"") + bytes([0, canned])
    return pdu(REPLACE_SM, body + _message(text, payloads, tlvs, sm_length), sequence=sequence)


def broadcast_sm(
    text: bytes = b"",
    *,
    source: bytes = SOURCE,
    data_coding: int = 0,
    sequence: int = 1,
    canned: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    """broadcast_sm (SMPP 5.0, 4.4.1)."""
    body = string(b"") + address(source) + string(b"") + b"\0" + string(b"") + string(b"")
    body += bytes([0, data_coding, canned])
    return pdu(BROADCAST_SM, body + tlv(MESSAGE_PAYLOAD, text) + tlvs, sequence=sequence)


def bind(
    system_id: bytes = b"bank1",
    *,
    command: int = BIND_TRANSCEIVER,
    password: bytes = b"secret",
    system_type: bytes = b"",
    address_range: bytes = b"",
    sequence: int = 1,
    tail: bytes = b"",
) -> bytes:
    """One of the three binds (4.1)."""
    body = string(system_id) + string(password) + string(system_type) + bytes([0x34, 0, 0]) + string(address_range)
    return pdu(command, body + tail, sequence=sequence)


def response(command: int, *, status: int = 0, sequence: int = 1, body: bytes = b"") -> bytes:
    """The response to a request `command`."""
    return pdu(command | RESPONSE, body, sequence=sequence, status=status)


def bind_resp(*, status: int = 0, sequence: int = 1, command: int = BIND_TRANSCEIVER) -> bytes:
    """bind_resp with the SMSC's system_id, or without a body when it refuses."""
    return response(command, status=status, sequence=sequence, body=b"" if status else string(b"smsc"))


def submit_resp(*, status: int = 0, sequence: int = 1) -> bytes:
    """submit_sm_resp."""
    return response(SUBMIT_SM, status=status, sequence=sequence, body=b"" if status else string(b"7f03"))


def nack(status: int, *, sequence: int = 0) -> bytes:
    """generic_nack."""
    return pdu(GENERIC_NACK, status=status, sequence=sequence)


def cut(stream: bytes) -> list[bytes]:
    """A stream of whole PDUs, cut into them."""
    pdus = []
    while stream:
        length = int.from_bytes(stream[:4], "big")
        assert 16 <= length <= len(stream), "not a run of whole PDUs"
        pdus.append(stream[:length])
        stream = stream[length:]
    return pdus
