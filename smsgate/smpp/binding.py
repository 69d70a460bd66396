"""The bind that a session stands on: which client's it is, and what is answered to requests that come without one. No I/O; the
state is the session's, and moves as `Binding.answered` says.

The SMSC authenticates. What is refused here can't be passed on, or not any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smsgate.smpp.constants import BINDS, FROM_ESME, HEADER, RESPONSE, Command, Status
from smsgate.smpp.pdu import BindRefused, generic_nack, response, system_id
from smsgate.smpp.states import Event

GENERIC_NACK: Final = int(Command.GENERIC_NACK)

Admit = Callable[[str], int]
"""system_id of a bind -> command_status to refuse it with before it goes upstream, or 0."""


class Binding:
    """`system_id` is the client, known once a bind went upstream, and the SMSC's word once it was accepted: a bind that comes
    later must be the same client's. `command` and `sequence` are those of the bind."""

    __slots__ = ("_refused", "command", "sequence", "system_id")

    def __init__(self) -> None:
        self.system_id = ""
        self.command = 0
        self.sequence = 0
        self._refused = False

    def request(self, data: bytes, start: int, end: int, admit: Admit) -> int:
        """The status to refuse the bind in data[start:end] with, or 0: it goes upstream."""
        try:
            name = system_id(data, start, end)
        except BindRefused as refused:
            return refused.status
        if self._refused and name != self.system_id:  # guessing names on one connection is not retrying
            return Status.ESME_RBINDFAIL
        status = admit(name)
        if not status:
            self.system_id = name
            _, self.command, _, self.sequence = HEADER.unpack_from(data, start)
        return status

    def another(self, data: bytes, start: int, end: int) -> int:
        """The status to refuse a bind with that comes on a session already accepted, or 0: it may only be the same client's."""
        try:
            same = system_id(data, start, end) == self.system_id
        except BindRefused as refused:
            return refused.status
        return 0 if same else Status.ESME_RALYBND

    def answered(self, command: int, status: int, sequence: int) -> Event | None:
        """What a response of the SMSC's does to a session that binds: the first that can only be meant for the one request in
        flight ends that. Only the right one accepts: stacks that make no sense of a bind send a generic_nack, often with
        sequence 0."""
        if command != GENERIC_NACK and command & ~RESPONSE not in BINDS:
            return None
        if command == self.command | RESPONSE and sequence == self.sequence and status == Status.ESME_ROK:
            return Event.BIND_ACCEPTED
        self._refused = True
        return Event.BIND_REFUSED


def refusal_unbound(command: int, sequence: int) -> bytes | None:
    """The answer to what comes before an accepted bind and is none; None for responses, which get none."""
    if command & RESPONSE:
        return None
    if command in FROM_ESME:
        return response(command, Status.ESME_RINVBNDSTS, sequence)
    return generic_nack(Status.ESME_RINVCMDID, sequence)
