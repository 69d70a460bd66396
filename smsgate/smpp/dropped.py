"""Messages that the gate accepts and does not forward (the action `drop`): the answers that it invents in the SMSC's name.

The sender is told that its message was taken: a message_id comes with the answer, a receipt later if it asked for one
(REJECTD: nothing here says that a message was delivered), and whoever asks about that message_id is told the same. An
invented message_id carries the second it was made in and a keyed check, so that any worker knows it again, after a restart
too. Pure: time and secret are arguments; nothing is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from smsgate.smpp.constants import HEADER, HEADER_BYTES, RESPONSE, Command, Status, Tag
from smsgate.smpp.tlv import parameter

DROPPED: Final = -1
"""In place of a command_status: the request is answered as if the SMSC had taken it, and goes nowhere."""

MESSAGE_ID_OCTETS: Final = 20
"""8 hexadecimal digits of time, 4 of a count, 8 of the check: one foreign id of this form in 4 billion is taken for ours."""
_STAMP_OCTETS: Final = 12
_CHECK_BYTES: Final = 4
_COUNTS: Final = 1 << 16

REJECTED: Final = 8
"""message_state (SMPP 3.4, 5.2.28)."""
RECEIPT: Final = 0x04
"""esm_class of a delivery receipt (SMPP 3.4, 5.2.12)."""
RECEIPT_ASKED: Final = frozenset({1, 2})
"""registered_delivery & 3: a receipt in any case, or on failure (SMPP 3.4, 5.2.17). 3 is on success only (5.0, 4.7.21)."""

MAX_FIELD_OCTETS: Final = 64
"""Of what a receipt repeats: service_type and addresses, 20 octets at most by the book. A message with a longer one has no
receipt: thousands wait in memory, and a request to 254 numbers has as many."""

_STRING: Final = rb"([^\0]{0,%d}\0)" % MAX_FIELD_OCTETS
_SKIPPED: Final = rb"[^\0]*\0"
_ADDRESS: Final = rb"(..[^\0]{0,%d}\0)" % MAX_FIELD_OCTETS
# service_type, source, destination, esm_class protocol_id priority_flag, schedule, validity, registered_delivery
_SUBMIT: Final = re.compile(_STRING + _ADDRESS * 2 + rb"..." + _SKIPPED * 2 + rb"(.)", re.DOTALL)
# service_type, source, destination, esm_class registered_delivery (SMPP 3.4, 4.7.1)
_DATA: Final = re.compile(_STRING + _ADDRESS * 2 + rb".(.)", re.DOTALL)
_MULTI_HEAD: Final = re.compile(_STRING + _ADDRESS + rb"(.)", re.DOTALL)
_MULTI_SME: Final = re.compile(rb"\x01" + _ADDRESS, re.DOTALL)
_MULTI_LIST: Final = re.compile(rb"\x02" + _SKIPPED, re.DOTALL)
_MULTI_TAIL: Final = re.compile(rb"..." + _SKIPPED * 2 + rb"(.)", re.DOTALL)
# message_id first: query_sm (4.8.1), replace_sm (4.10.1); behind service_type: cancel_sm (4.9.1)
_ID_FIRST: Final = re.compile(rb"([^\0]*)\0")
_ID_SECOND: Final = re.compile(_SKIPPED + rb"([^\0]*)\0")

_WITH_ID: Final = frozenset({Command.SUBMIT_SM, Command.DATA_SM, Command.BROADCAST_SM})
ABOUT_ONE: Final = frozenset({Command.QUERY_SM, Command.CANCEL_SM, Command.REPLACE_SM})
"""Requests about a message that was accepted before, by its message_id."""


class MessageIds:
    """Invents message_ids, and knows its own again: those made with the same secret."""

    def __init__(self, secret: bytes, first: int = 0) -> None:
        """`first`: where counting begins, so that two processes seldom count alike."""
        self._secret = blake2b(secret, person=b"message_id").digest()
        self._count = first

    def new(self, at: datetime) -> bytes:
        """A message_id of MESSAGE_ID_OCTETS hexadecimal digits."""
        self._count = (self._count + 1) % _COUNTS
        stamp = b"%08X%04X" % (int(at.timestamp()), self._count)
        return stamp + self._check(stamp)

    def made_at(self, message_id: bytes) -> datetime | None:
        """When an id of ours was made; None for anybody else's. Letters may have changed their case on the way."""
        if len(message_id) != MESSAGE_ID_OCTETS:
            return None
        stamp = message_id[:_STAMP_OCTETS].upper()
        if message_id[_STAMP_OCTETS:].upper() != self._check(stamp):
            return None
        return datetime.fromtimestamp(int(stamp[:8], 16), UTC)

    def _check(self, stamp: bytes) -> bytes:
        return blake2b(stamp, key=self._secret, digest_size=_CHECK_BYTES).hexdigest().upper().encode()


def accepted(command: int, sequence: int, message_id: bytes) -> bytes:
    """The response that says a text-bearing request was taken (SMPP 3.4, 4.4.2, 4.5.2, 4.6.2, 4.7.2, 4.10.2)."""
    body = b""
    if command in _WITH_ID:
        body = message_id + b"\0"
    elif command == Command.SUBMIT_MULTI:
        body = message_id + b"\0\0"  # no destination was refused
    elif command == Command.DELIVER_SM:
        body = b"\0"
    return HEADER.pack(HEADER_BYTES + len(body), command | RESPONSE, Status.ESME_ROK, sequence) + body


def about(ids: MessageIds, command: int, data: bytes, start: int, end: int) -> bytes | None:
    """The answer to a request about a message that was dropped; None when it is about another one."""
    layout = _ID_SECOND if command == Command.CANCEL_SM else _ID_FIRST
    match = layout.match(data, start + HEADER_BYTES, end)
    made = ids.made_at(match[1]) if match is not None else None
    if match is None or made is None:
        return None
    sequence = HEADER.unpack_from(data, start)[3]
    if command == Command.CANCEL_SM:
        return HEADER.pack(HEADER_BYTES, command | RESPONSE, Status.ESME_RCANCELFAIL, sequence)
    if command == Command.REPLACE_SM:
        return HEADER.pack(HEADER_BYTES, command | RESPONSE, Status.ESME_RREPLACEFAIL, sequence)
    body = (
        match[0] + made.strftime("%y%m%d%H%M%S000+").encode() + b"\0" + bytes((REJECTED, 0))
    )  # SMPP 3.4, 4.8.2, 7.1.1
    return HEADER.pack(HEADER_BYTES + len(body), command | RESPONSE, Status.ESME_ROK, sequence) + body


def receipts(command: int, data: bytes, start: int, end: int, *, message_id: bytes, at: datetime) -> Iterator[bytes]:
    """The bodies of the deliver_sm that tell the sender of the request in data[start:end] what became of it: one for each
    destination if it asked for that, none otherwise (SMPP 3.4, 4.6.1, 5.3.2.35, 5.3.2.12, appendix B)."""
    match command:
        case Command.SUBMIT_SM | Command.DATA_SM:
            match = (_SUBMIT if command == Command.SUBMIT_SM else _DATA).match(data, start + HEADER_BYTES, end)
            if match is None:
                return
            service, source, destination, registered = match.groups()
            destinations = [destination]
        case Command.SUBMIT_MULTI:
            head = _MULTI_HEAD.match(data, start + HEADER_BYTES, end)
            if head is None:
                return
            service, source, count = head.groups()
            destinations = []
            position = head.end()
            for _ in range(count[0]):
                found = _MULTI_SME.match(data, position, end) or _MULTI_LIST.match(data, position, end)
                if found is None:
                    return
                destinations += found.groups()  # a distribution list has none: who is on it, the SMSC knows
                position = found.end()
            tail = _MULTI_TAIL.match(data, position, end)
            if tail is None:
                return
            registered = tail[1]
        case _:
            return
    if registered[0] & 3 not in RECEIPT_ASKED:
        return
    day = at.strftime("%y%m%d%H%M").encode()
    text = b"id:%s sub:001 dlvrd:000 submit date:%s done date:%s stat:REJECTD err:000 text:" % (message_id, day, day)
    parameters = parameter(Tag.RECEIPTED_MESSAGE_ID, message_id + b"\0") + parameter(
        Tag.MESSAGE_STATE, bytes((REJECTED,))
    )
    for destination in destinations:
        fields = bytes((RECEIPT, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0, len(text)))
        yield service + destination + source + fields + text + parameters
