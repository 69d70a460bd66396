"""Views of PDUs: where the fields lie that the gate looks at. Offsets and small slices only; nothing is re-encoded.

`text_view` reads one text-bearing request. Fields are C-octet strings of any length (deployed stacks exceed the
specification's maxima), so one compiled expression per command finds all offsets: 0.3 µs a submit_sm, where a loop of
`bytes.find` took 1.2. What can't be parsed has `malformed` set and one body: everything behind the header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from smsgate.smpp import tlv
from smsgate.smpp.constants import ESM_CLASS_UDHI, HEADER, HEADER_BYTES, RESPONSE, Command, Status, Tag

MAX_BIND_BYTES: Final = 256
"""A bind of maximal fields has 117 octets; the rest is room for TLVs. Longer ones are refused before an upstream opens."""
MAX_SYSTEM_ID_OCTETS: Final = 16
"""With its NUL (SMPP 3.4, 5.2.1)."""

_STRING: Final = rb"([^\0]*)\0"
_SKIPPED: Final = rb"[^\0]*\0"

# service_type, source ton npi addr, destination ton npi addr, esm_class protocol_id priority_flag, schedule, validity,
# registered_delivery replace_if_present data_coding sm_default_msg_id sm_length   (SMPP 3.4, 4.4.1)
_SUBMIT_SM: Final = re.compile(
    _SKIPPED + rb".." + _STRING + rb".." + _STRING + rb"(.).." + _SKIPPED * 2 + rb"..(.).(.)", re.DOTALL
)
# the same with number_of_dests and dest_address(es) for the destination (4.5.1)
_MULTI_HEAD: Final = re.compile(_SKIPPED + rb".." + _STRING + rb"(.)", re.DOTALL)
_MULTI_SME: Final = re.compile(rb"\x01.." + _STRING, re.DOTALL)
_MULTI_LIST: Final = re.compile(rb"\x02" + _SKIPPED, re.DOTALL)
_MULTI_TAIL: Final = re.compile(rb"(.).." + _SKIPPED * 2 + rb"..(.).(.)", re.DOTALL)
# service_type, source, destination, esm_class registered_delivery data_coding (4.7.1)
_DATA_SM: Final = re.compile(_SKIPPED + rb".." + _STRING + rb".." + _STRING + rb"(.).(.)", re.DOTALL)
# message_id, source, schedule, validity, registered_delivery sm_default_msg_id sm_length (4.10.1)
_REPLACE_SM: Final = re.compile(_SKIPPED + rb".." + _STRING + _SKIPPED * 2 + rb"..(.)", re.DOTALL)
# service_type, source, message_id, priority_flag, schedule, validity,
# replace_if_present data_coding sm_default_msg_id (5.0, 4.4.1)
_BROADCAST_SM: Final = re.compile(_SKIPPED + rb".." + _STRING + _SKIPPED + rb"." + _SKIPPED * 2 + rb".(.).", re.DOTALL)
_BIND: Final = re.compile(_STRING + _SKIPPED * 2 + rb"..." + _SKIPPED, re.DOTALL)

_SUBMIT: Final = int(Command.SUBMIT_SM)
_DELIVER: Final = int(Command.DELIVER_SM)
_SAR_TAGS: Final = (Tag.SAR_MSG_REF_NUM, Tag.SAR_TOTAL_SEGMENTS, Tag.SAR_SEGMENT_SEQNUM)
_SAR_REFERENCE: Final = Tag.SAR_MSG_REF_NUM.to_bytes(2, "big")
UNKNOWN_CODING: Final = -1
"""data_coding of a request that names none (replace_sm), or that could not be parsed: every reading is plausible."""


class TextView(NamedTuple):
    """What a text-bearing request says. `bodies` are the octets of its texts, user data headers included; `stray` what no
    field and no TLV claims, which some SMSC may show all the same; `sar` reference, total and part as its SAR TLVs have
    them (3.4, 5.3.2.22-24)."""

    source: bytes
    destinations: tuple[bytes, ...]
    udhi: bool
    data_coding: int
    bodies: tuple[bytes, ...]
    stray: bytes = b""
    sar: tuple[int, int, int] | None = None
    malformed: bool = False


def text_view(command: int, data: bytes, start: int, end: int) -> TextView:
    """The view of the request in data[start:end] (header included). Never raises; see `TextView.malformed`."""
    body = start + HEADER_BYTES
    if command == _SUBMIT or command == _DELIVER:  # noqa: PLR1714, SIM109  # a tuple of names is built anew each time
        match = _SUBMIT_SM.match(data, body, end)
        if match is not None:
            source, destination, esm_class, coding, length = match.groups()
            position = match.end()
            # Nothing behind short_message, as usual: 0.15 µs saved by not asking for TLVs.
            udhi = esm_class[0] & ESM_CLASS_UDHI != 0
            if position + length[0] == end:
                return TextView(source, (destination,), udhi, coding[0], (data[position:end],))
            texts = _texts(data, position, length[0], end)
            if texts is not None:
                return TextView(source, (destination,), udhi, coding[0], *texts)
        return _malformed(data, body, end)
    reader = _READERS.get(command)
    view = reader(data, body, end) if reader is not None else None
    return view if view is not None else _malformed(data, body, end)


def _malformed(data: bytes, body: int, end: int) -> TextView:
    return TextView(b"", (), udhi=False, data_coding=UNKNOWN_CODING, bodies=(data[body:end],), malformed=True)


def _texts(
    data: bytes, position: int, sm_length: int, end: int
) -> tuple[tuple[bytes, ...], bytes, tuple[int, int, int] | None] | None:
    """short_message and every message_payload, the stray octets, the SAR TLVs. None when sm_length runs over the PDU."""
    tail = position + sm_length
    if tail > end:
        return None
    payloads, stray = tlv.values(data, tail, end, Tag.MESSAGE_PAYLOAD)
    bodies = tuple(data[a:b] for a, b in payloads)
    if sm_length or not bodies:
        bodies = (data[position:tail], *bodies)
    return bodies, data[stray:end].strip(b"\0"), _sar(data, tail, end)


def _sar(data: bytes, start: int, end: int) -> tuple[int, int, int] | None:
    """Reference, total and part; None unless all three are there. Of repeated ones the last counts."""
    if data.find(_SAR_REFERENCE, start, end) < 0:
        return None
    found = [tlv.values(data, start, end, tag)[0] for tag in _SAR_TAGS]
    if not all(found):
        return None
    reference, total, part = (int.from_bytes(data[slice(*values[-1])], "big") for values in found)
    return reference, total, part


def _data_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _DATA_SM.match(data, body, end)
    texts = _texts(data, match.end(), 0, end) if match is not None else None
    if match is None or texts is None:
        return None
    source, destination, esm_class, coding = match.groups()
    return TextView(source, (destination,), esm_class[0] & ESM_CLASS_UDHI != 0, coding[0], *texts)


def _submit_multi(data: bytes, body: int, end: int) -> TextView | None:
    head = _MULTI_HEAD.match(data, body, end)
    if head is None:
        return None
    destinations = []
    position = head.end()
    for _ in range(head[2][0]):
        sme = _MULTI_SME.match(data, position, end)
        match = sme or _MULTI_LIST.match(data, position, end)
        if match is None:
            return None
        if sme is not None:
            destinations.append(sme[1])
        position = match.end()
    tail = _MULTI_TAIL.match(data, position, end)
    if tail is None:
        return None
    esm_class, coding, length = tail.groups()
    texts = _texts(data, tail.end(), length[0], end)
    if texts is None:
        return None
    return TextView(head[1], tuple(destinations), esm_class[0] & ESM_CLASS_UDHI != 0, coding[0], *texts)


def _replace_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _REPLACE_SM.match(data, body, end)
    if match is None:
        return None
    source, length = match.groups()
    texts = _texts(data, match.end(), length[0], end)
    return None if texts is None else TextView(source, (), False, UNKNOWN_CODING, *texts)


def _broadcast_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _BROADCAST_SM.match(data, body, end)
    if match is None:
        return None
    source, coding = match.groups()
    texts = _texts(data, match.end(), 0, end)
    return None if texts is None else TextView(source, (), False, coding[0], *texts)


_READERS: Final[dict[int, Callable[[bytes, int, int], TextView | None]]] = {
    Command.DATA_SM: _data_sm,
    Command.SUBMIT_MULTI: _submit_multi,
    Command.REPLACE_SM: _replace_sm,
    Command.BROADCAST_SM: _broadcast_sm,
}
TEXT_BEARING: Final = frozenset({Command.SUBMIT_SM, Command.DELIVER_SM, *_READERS})


class BindRefused(ValueError):
    """A bind that can't be passed on; `status` is what its bind_resp says."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def system_id(data: bytes, start: int, end: int) -> str:
    """The system_id of the bind in data[start:end] (SMPP 3.4, 4.1). Raises BindRefused when the bind is not well formed.

    What is inside the other fields is the SMSC's to judge.
    """
    if end - start > MAX_BIND_BYTES:
        raise BindRefused(Status.ESME_RBINDFAIL, f"bind of {end - start} octets")
    match = _BIND.match(data, start + HEADER_BYTES, end)
    if match is None:
        raise BindRefused(Status.ESME_RBINDFAIL, "bind with missing or unterminated fields")
    if not 0 < len(match[1]) < MAX_SYSTEM_ID_OCTETS:
        raise BindRefused(Status.ESME_RINVSYSID, f"system_id of {len(match[1])} octets")
    return match[1].decode("latin-1")


def response(command: int, status: int, sequence: int) -> bytes:
    """A response of the gate's own: header only, as SMPP 3.4 allows where the status is not 0 (4.4.2)."""
    return HEADER.pack(HEADER_BYTES, command | RESPONSE, status, sequence)


def generic_nack(status: int, sequence: int) -> bytes:
    """The answer to what is no request of the protocol (SMPP 3.4, 4.3)."""
    return HEADER.pack(HEADER_BYTES, Command.GENERIC_NACK, status, sequence)


def request(command: int, sequence: int) -> bytes:
    """A bodiless request of the gate's own (unbind)."""
    return HEADER.pack(HEADER_BYTES, command, Status.ESME_ROK, sequence)
