"""What one session tells the audit log, and when: a message that was refused at once, one that was accepted with its answer.

Only messages that a rule or limit hit come here; for all others the data path asks one question.
"""

from __future__ import annotations

from typing import Final

from smsgate.policy import Client
from smsgate.rules.model import Action
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import HEADER, Command
from smsgate.telemetry.audit import Entry, Journal

MAX_AWAITED: Final = 1_000
"""Messages of one session that wait for their message_id; those beyond are noted without one. A flood of flagged messages to an
SMSC that does not answer would keep them all."""
AWAITED_S: Final = 60.0
"""How long one waits. An SMSC that takes longer has been given up by most senders."""

_WITH_ID: Final = frozenset({Command.SUBMIT_SM, Command.SUBMIT_MULTI, Command.DATA_SM})


class Witness:
    """Of one session. `awaited`: what waits for an answer, by sequence number."""

    __slots__ = ("_journal", "awaited")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.awaited: dict[int, Entry] = {}

    def judged(  # noqa: PLR0917  # as `Relay.judge`
        self,
        client: Client,
        mo: bool,
        verdict: Verdict,
        version: str,
        command: int,
        data: bytes,
        start: int,
        end: int,
        now: float,
    ) -> None:
        """Note a message whose verdict is no plain pass. A client over its own rate is no rule's matter: metrics count it."""
        action = verdict.action
        if not verdict.monitored and (action is Action.ALLOW or (action is Action.THROTTLE and not verdict.rules)):
            return
        entry = Entry(now, client.name, mo, verdict, version, command, data[start:end], client.alphabet)
        has_id = not mo and command in _WITH_ID and (action is Action.DROP or not verdict.refused)
        if not has_id or len(self.awaited) >= MAX_AWAITED:
            self._journal.note(entry)
            return
        sequence = HEADER.unpack_from(data, start)[3]
        before = self.awaited.pop(sequence, None)  # the sender counts anew, or in another way
        if before is not None:
            self._journal.note(before)
        self.awaited[sequence] = entry

    def answered(self, data: bytes, start: int, end: int) -> None:
        """A response has come."""
        entry = self.awaited.pop(HEADER.unpack_from(data, start)[3], None)
        if entry is not None:
            self._journal.note(entry._replace(answer=bytes(data[start:end])))

    def tick(self, now: float) -> None:
        """Once a second: note what has waited for too long."""
        while self.awaited:
            sequence, entry = next(iter(self.awaited.items()))
            if now - entry.at < AWAITED_S:
                return
            self._journal.note(self.awaited.pop(sequence))

    def end(self) -> None:
        """The session is over: no answer comes any more."""
        for entry in self.awaited.values():
            self._journal.note(entry)
        self.awaited.clear()
