"""What one session tells the audit log, and when: a message that was refused at once, one that was accepted with its answer.

Only messages that a rule or limit hit come here; for all others the data path asks one question.
"""

from __future__ import annotations

from math import inf
from typing import Final

from smsgate.policy import Client
from smsgate.rules.model import Action
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import HEADER, Command
from smsgate.telemetry.audit import Entry, Journal

MAX_AWAITED: Final = 1_000
"""Messages of one session that wait for their message_id; those beyond are noted without one. A flood of flagged messages to an
SMSC that does not answer would keep them all."""
MAX_AWAITED_BYTES: Final = 32 * 1024 * 1024
"""The same of all sessions of the process: as much as may wait to be written."""
ENTRY_BYTES: Final = 512
"""What one takes besides its PDU."""
AWAITED_S: Final = 60.0
"""How long one waits. An SMSC that takes longer has been given up by most senders."""

_WITH_ID: Final = frozenset({Command.SUBMIT_SM, Command.SUBMIT_MULTI, Command.DATA_SM})


class Witness:
    """Of one session. `awaited`: what waits for an answer, by sequence number."""

    __slots__ = ("_journal", "awaited")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.awaited: dict[int, Entry] = {}

    def judged(  # noqa: PLR0917  # as `Inspection.judge`
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
        journal = self._journal
        if not has_id or len(self.awaited) >= MAX_AWAITED or journal.awaited_bytes > MAX_AWAITED_BYTES:
            journal.note(entry)
            return
        sequence = HEADER.unpack_from(data, start)[3]
        before = self._pop(sequence)  # the sender counts anew, or in another way
        if before is not None:
            journal.note(before)
        self.awaited[sequence] = entry
        journal.awaited_bytes += ENTRY_BYTES + len(entry.pdu)

    def answered(self, data: bytes, start: int, end: int) -> None:
        """A response has come."""
        entry = self._pop(HEADER.unpack_from(data, start)[3])
        if entry is not None:
            self._journal.note(entry._replace(answer=bytes(data[start:end])))

    def tick(self, now: float) -> None:
        """Once a second: note what has waited for too long."""
        for sequence, entry in list(self.awaited.items()):
            if now - entry.at < AWAITED_S:
                return
            self._journal.note(entry)
            self._pop(sequence)

    def end(self) -> None:
        """The session is over: no answer comes any more."""
        self.tick(inf)

    def _pop(self, sequence: int) -> Entry | None:
        entry = self.awaited.pop(sequence, None)
        if entry is not None:
            self._journal.awaited_bytes -= ENTRY_BYTES + len(entry.pdu)
        return entry
