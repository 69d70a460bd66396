"""Views of PDUs: where the fields lie that the gate looks at. Offsets and small slices only; nothing is re-encoded.

`text_view` reads one text-bearing request. Fields are C-octet strings of any length (deployed stacks exceed the
specification's maxima), so one compiled expression per command finds all offsets: 0.3 µs a submit_sm, where a loop of
`bytes.find` took 1.2. What can't be parsed has `malformed` set and one body: everything behind the header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from smsgate.smpp import tlv, udh
from smsgate.smpp.constants import (
    DEFINED_TAGS,
    ESM_CLASS_TYPE,
    ESM_CLASS_UDHI,
    FIRST_VENDOR_TAG,
    HEADER,
    HEADER_BYTES,
    LAST_VENDOR_TAG,
    RECEIPT_TYPES,
    RESPONSE,
    Command,
    Status,
    Tag,
)

MAX_BIND_BYTES: Final = 256
"""A bind of maximal fields has 117 octets; the rest is room for TLVs. Longer ones are refused before an upstream opens."""
MAX_SYSTEM_ID_OCTETS: Final = 16
"""With its NUL (SMPP 3.4, 5.2.1)."""

_STRING: Final = rb"([^\0]*+)\0"
_SKIPPED: Final = rb"[^\0]*+\0"

# service_type, source ton npi addr, destination ton npi addr, esm_class protocol_id priority_flag, schedule, validity,
# registered_delivery replace_if_present data_coding sm_default_msg_id sm_length   (SMPP 3.4, 4.4.1)
_SUBMIT_SM: Final = re.compile(
    _SKIPPED + rb"(..)" + _STRING + rb".." + _STRING + rb"(.).." + _SKIPPED * 2 + rb".....", re.DOTALL
)
# the same with number_of_dests and dest_address(es) for the destination (4.5.1)
_MULTI_HEAD: Final = re.compile(_SKIPPED + rb"(..)" + _STRING + rb"(.)", re.DOTALL)
_MULTI_SME: Final = re.compile(rb"\x01.." + _STRING, re.DOTALL)
_MULTI_LIST: Final = re.compile(rb"\x02" + _SKIPPED, re.DOTALL)
_MULTI_TAIL: Final = re.compile(rb"(.).." + _SKIPPED * 2 + rb"..(.).(.)", re.DOTALL)
# service_type, source, destination, esm_class registered_delivery data_coding (4.7.1)
_DATA_SM: Final = re.compile(_SKIPPED + rb"(..)" + _STRING + rb".." + _STRING + rb"(.).(.)", re.DOTALL)
# message_id, source, schedule, validity, registered_delivery sm_default_msg_id sm_length (4.10.1)
_REPLACE_SM: Final = re.compile(_SKIPPED + rb"(..)" + _STRING + _SKIPPED * 2 + rb"..(.)", re.DOTALL)
# service_type, source, message_id, priority_flag, schedule, validity,
# replace_if_present data_coding sm_default_msg_id (5.0, 4.4.1)
_BROADCAST_SM: Final = re.compile(
    _SKIPPED + rb"(..)" + _STRING + _SKIPPED + rb"." + _SKIPPED * 2 + rb".(.).", re.DOTALL
)
_BIND: Final = re.compile(_STRING + _SKIPPED * 2 + rb"..." + _SKIPPED, re.DOTALL)

_SUBMIT: Final = int(Command.SUBMIT_SM)
_DELIVER: Final = int(Command.DELIVER_SM)
UNKNOWN_CODING: Final = -1
"""data_coding of a request that names none (replace_sm), or that could not be parsed: every reading is plausible."""
MAX_BODIES: Final = 16
"""Bodies of one PDU. An honest one has one or two, of 66 KiB thousands could be made; those beyond are read as one."""
_HAIR_SPACE: Final = b" \n"
"""Parts words in every alphabet: a blank in those of one octet, U+200A in UCS-2."""

_PAYLOAD: Final = int(Tag.MESSAGE_PAYLOAD)
_CALLBACK_NUM: Final = int(Tag.CALLBACK_NUM)
_CALLBACK_NUM_ATAG: Final = int(Tag.CALLBACK_NUM_ATAG)
_PORTS: Final = frozenset({int(Tag.SOURCE_PORT), int(Tag.DESTINATION_PORT)})
_SAR_TAGS: Final = (int(Tag.SAR_MSG_REF_NUM), int(Tag.SAR_TOTAL_SEGMENTS), int(Tag.SAR_SEGMENT_SEQNUM))
_SILENT_TAGS: Final = DEFINED_TAGS - {_PAYLOAD, _CALLBACK_NUM, _CALLBACK_NUM_ATAG, *_PORTS, *_SAR_TAGS}
_CALLBACK_NUM_HEAD_BYTES: Final = 3
"""Digit mode, type of number, numbering plan (SMPP 3.4, 5.3.2.36)."""
_ASCII: Final = 1
_BLANK: Final = b" "
"""What begins with this or a letter is not suspected to begin with a header (`udh.suspected`)."""


@dataclass
class TextView:
    """What a text-bearing request says. One is made and read a message: what hardly any says is a default of the class, since
    each field that is stored takes 12 ns.

    `bodies`: every stretch of octets that some SMSC may take for the text, user data headers included; at least one.
    `ambiguous`: there are several, or a length lies. `ported`: a TLV names a port. `beside`: texts shown beside the
    body's, each with its own data_coding. `canned`: sm_default_msg_id, 0 for none. `sar`: reference, total and part as SAR
    TLVs have them (SMPP 3.4, 5.3.2.22-24). `source_type`: source_addr_ton and source_addr_npi, an octet each. `plain`: the one
    body is the text, and of all else there is nothing, as in nearly all; False where that was not asked.
    """

    source: bytes
    destinations: tuple[bytes, ...]
    udhi: bool
    data_coding: int
    bodies: tuple[bytes, ...]
    source_type: bytes = b""
    plain: bool = field(default=False, compare=False)
    malformed: bool = field(default=False, init=False)
    ambiguous: bool = field(default=False, init=False)
    ported: bool = field(default=False, init=False)
    beside: tuple[tuple[int, bytes], ...] = field(default=(), init=False)
    canned: int = field(default=0, init=False)
    sar: tuple[int, int, int] | None = field(default=None, init=False)


def text_view(command: int, data: bytes, start: int, end: int) -> TextView:
    """The view of the request in data[start:end] (header included). Never raises; see `TextView.malformed`."""
    body = start + HEADER_BYTES
    if command == _SUBMIT or command == _DELIVER:  # noqa: PLR1714, SIM109  # a tuple of names is built anew each time
        match = _SUBMIT_SM.match(data, body, end)
        if match is None:
            return _malformed(data, body, end)
        source_type, source, destination, esm_class = match.groups()
        position = match.end()
        coding, canned, length = data[position - 3], data[position - 2], data[position - 1]
        # Nothing behind short_message, as usual: 0.5 µs saved by not asking for TLVs.
        if position + length == end and not canned:
            udhi = esm_class[0] & ESM_CLASS_UDHI != 0
            text = data[position:end]
            plain = not udhi and (text >= _BLANK or not udh.suspected(text))  # to ask takes 0.06 µs
            return TextView(source, (destination,), udhi, coding, (text,), source_type, plain)
        head = source_type, source, (destination,), esm_class[0], coding, canned
        return _view(head, data, position, length, end)
    reader = _READERS.get(command)
    view = reader(data, body, end) if reader is not None else None
    return view if view is not None else _malformed(data, body, end)


def esm_class(command: int, data: bytes, start: int, end: int) -> int | None:
    """esm_class of the request in data[start:end] (SMPP 3.4, 5.2.12): of submit_sm, deliver_sm and data_sm that can be read."""
    layout = _SUBMIT_SM if command in {_SUBMIT, _DELIVER} else _DATA_SM if command == Command.DATA_SM else None
    match = layout.match(data, start + HEADER_BYTES, end) if layout is not None else None
    return match[4][0] if match is not None else None


def is_receipt(command: int, data: bytes, start: int, end: int) -> bool:
    """Whether the deliver_sm or data_sm in data[start:end], which comes from the SMSC, is a receipt (SMPP 3.4, 5.2.12)."""
    found = None if command == _SUBMIT else esm_class(command, data, start, end)
    return found is not None and found & ESM_CLASS_TYPE in RECEIPT_TYPES


_Head = tuple[bytes, bytes, tuple[bytes, ...], int, int, int]
"""The mandatory fields in front of the text: type of source, source, destinations, esm_class, data_coding, sm_default_msg_id."""


def _malformed(data: bytes, body: int, end: int) -> TextView:
    view = TextView(b"", (), False, UNKNOWN_CODING, (data[body:end],))
    view.malformed = view.ambiguous = True
    return view


def _view(head: _Head, data: bytes, position: int, sm_length: int, end: int) -> TextView:
    """The view with the text found: short_message begins at `position`, TLVs follow it.

    What no field and no TLV claims, some SMSC may show all the same. Then everything from there on is a body too, and so is
    everything from where each text begins, in one piece: a length that lies cuts a word in two.
    """
    source_type, source, destinations, esm_class, coding, canned = head
    udhi = esm_class & ESM_CLASS_UDHI != 0
    tail = position + sm_length
    if tail > end:
        view = TextView(source, destinations, udhi, UNKNOWN_CODING, (data[position:end],), source_type)
        view.malformed = view.ambiguous = True
        view.canned = canned
        return view
    parameters, rest = tlv.walk(data, tail, end)
    view = TextView(source, destinations, udhi, coding, (), source_type)
    view.canned = canned
    texts = [(position, tail)] if sm_length else []
    beside = []
    vendors = []
    undefined = []
    sar: dict[int, int] = {}
    for tag, start, stop in parameters:
        if tag in _SILENT_TAGS or start == stop:
            continue
        if tag == _PAYLOAD:
            texts.append((start, stop))
        elif tag == _CALLBACK_NUM:
            beside.append((_ASCII, data[start + _CALLBACK_NUM_HEAD_BYTES : stop]))
        elif tag == _CALLBACK_NUM_ATAG:
            beside.append((data[start], data[start + 1 : stop]))
        elif tag in _PORTS:
            view.ported = True
        elif tag in _SAR_TAGS:
            sar[tag] = int.from_bytes(data[start:stop], "big")
        elif FIRST_VENDOR_TAG <= tag <= LAST_VENDOR_TAG:
            vendors.append((start, stop))
        else:
            undefined.append((start, stop))
    lies = tlv.tag_at(data, rest, end) == _PAYLOAD
    stray = not lies and data[rest:end].strip(b"\0") != b""
    if lies:
        texts.append((rest + tlv.HEAD_BYTES, end))
    view.ambiguous = len(texts) > 1 or lies or stray
    if stray or undefined:
        first = undefined[0][0] - tlv.HEAD_BYTES if undefined else rest
        whole = [(start, end) for start, _ in texts] or [(position, end)]
        texts += [*undefined, (first, end), *whole]
        if stray and undefined:
            texts.append((rest, end))
    elif not texts:
        texts = vendors
    bodies = tuple([data[start:stop] for start, stop in texts]) or (b"",)
    if len(bodies) > MAX_BODIES:
        bodies = (*bodies[: MAX_BODIES - 1], _HAIR_SPACE.join(bodies[MAX_BODIES - 1 :]))
    view.bodies = bodies
    view.beside = tuple(beside[:MAX_BODIES])
    if len(sar) == len(_SAR_TAGS):
        view.sar = sar[_SAR_TAGS[0]], sar[_SAR_TAGS[1]], sar[_SAR_TAGS[2]]
    return view


def _data_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _DATA_SM.match(data, body, end)
    if match is None:
        return None
    source_type, source, destination, esm_class, coding = match.groups()
    position = match.end()
    view = _view((source_type, source, (destination,), esm_class[0], coding[0], 0), data, position, 0, end)
    if view.ambiguous and tlv.tag_at(data, position, end) not in DEFINED_TAGS:
        # perhaps sm_default_msg_id, sm_length and short_message, as in submit_sm
        view.bodies = (*view.bodies, data[position + 2 : end])
    return view


def _submit_multi(data: bytes, body: int, end: int) -> TextView | None:
    head = _MULTI_HEAD.match(data, body, end)
    if head is None:
        return None
    destinations = []
    position = head.end()
    for _ in range(head[3][0]):
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
    position = tail.end()
    fields = head[1], head[2], tuple(destinations), esm_class[0], coding[0], data[position - 2]
    return _view(fields, data, position, length[0], end)


def _replace_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _REPLACE_SM.match(data, body, end)
    if match is None:
        return None
    source_type, source, length = match.groups()
    position = match.end()
    return _view((source_type, source, (), 0, UNKNOWN_CODING, data[position - 2]), data, position, length[0], end)


def _broadcast_sm(data: bytes, body: int, end: int) -> TextView | None:
    match = _BROADCAST_SM.match(data, body, end)
    if match is None:
        return None
    source_type, source, coding = match.groups()
    position = match.end()
    return _view((source_type, source, (), 0, coding[0], data[position - 1]), data, position, 0, end)


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


def request(command: int, sequence: int, body: bytes = b"") -> bytes:
    """A request of the gate's own."""
    return HEADER.pack(HEADER_BYTES + len(body), command, Status.ESME_ROK, sequence) + body
