"""Requests that the gate itself sends to one peer of a session, and which of that peer's PDUs have to do with them.

Their numbers are from a range of their own (`constants.OWN_SEQUENCE_FIRST`). Answers to them are swallowed, late ones too; a
passing request that bears the number of one in flight waits.
"""

from __future__ import annotations

from typing import Final

from smsgate.smpp.constants import OWN_SEQUENCE_LAST, RESPONSE, Command
from smsgate.smpp.pdu import request

OWN_ANSWER_S: Final = 5.0
"""How long a passing request that bears the number of an own one in flight waits."""

_ANSWERS: Final = frozenset({Command.UNBIND | RESPONSE, Command.DELIVER_SM | RESPONSE, int(Command.GENERIC_NACK)})


class OwnRequests:
    """`sent`: by number, when it was sent in seconds, 0.0 once answered. `passing`: the requests that pass to the same peer."""

    __slots__ = ("_passing", "sent")

    def __init__(self, passing: dict[int, float]) -> None:
        self.sent: dict[int, float] = {}
        self._passing = passing

    def send(self, command: int, sequence: int, now: float, body: bytes = b"") -> tuple[bytes, int]:
        """A request with the first number from `sequence` on that is not in flight, and the number behind it."""
        while sequence in self._passing:
            sequence += 1
        assert sequence <= OWN_SEQUENCE_LAST
        self.sent[sequence] = now
        return request(command, sequence, body), sequence + 1

    def is_answer(self, command: int, sequence: int) -> bool:
        """Whether a response answers a request of ours (late ones too) and must be swallowed."""
        if sequence not in self.sent or sequence in self._passing or command not in _ANSWERS:
            return False
        self.sent[sequence] = 0.0
        return True

    def holds_up(self, sequence: int, now: float) -> bool:
        """Whether a request of the other peer bears the number of one of ours that has not been answered."""
        sent = self.sent.get(sequence, 0.0)
        return sent > 0.0 and now - sent < OWN_ANSWER_S
