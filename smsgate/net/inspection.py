"""What one session does with messages: has them judged, counts and times them, tells the audit log, and says what to answer.

On the path of every message, and synchronous. Sockets and states are the relay's: it learns of a pause through `hold`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter

from smsgate.limits.overload import Overload
from smsgate.net.receipts import Receipts
from smsgate.net.witness import Witness
from smsgate.policy import Client, Policy
from smsgate.rules.model import Action
from smsgate.rules.verdict import PASS
from smsgate.settings import OnFault, OnOverload
from smsgate.smpp.constants import Status
from smsgate.smpp.dropped import DROPPED
from smsgate.smpp.session import HELD
from smsgate.telemetry.audit import Journal
from smsgate.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class Inspection:
    """Of one session. `client` is None before it is bound; `judged` counts messages, `rate` those of the last second. `hold` is
    asked to stop reading the ESME for so many seconds, and says whether that is done."""

    def __init__(  # noqa: PLR0917  # built in one place
        self,
        policy: Policy,
        metrics: Metrics,
        overload: Overload,
        receipts: Receipts,
        journal: Journal | None,
        response_s: float,
        hold: Callable[[float], bool],
    ) -> None:
        """`response_s`: an answer of the SMSC that takes so long is late; 0: none is."""
        self._policy = policy
        self._metrics = metrics
        self._overload = overload
        self._receipts = receipts
        self._response_s = response_s or float("inf")
        self._hold = hold
        self._verdicts: dict[Action, int] = {}
        self._judged_at_tick = 0
        self.witness = None if journal is None else Witness(journal)
        self.client: Client | None = None
        self.judged = 0
        self.rate = 0

    def bound(self, client: Client) -> None:
        """The SMSC has accepted the bind of this client."""
        self.client = client
        self._verdicts = self._metrics.messages[client.label]

    def judge(self, command: int, data: bytes, start: int, end: int, now: float, *, mo: bool = False) -> int:
        """What to do with a message, as `session.Judge` says: 0, or the status to refuse it with. `mo`: the SMSC sends it."""
        client = self.client
        assert client is not None
        self.judged += 1
        if self._overload.active and client.settings.on_overload is OnOverload.PASS:
            self._metrics.unfiltered[client.label] += 1
            return 0
        began = perf_counter()
        try:
            if mo:
                verdict = self._policy.decide_mo(command, data, start, end, client, now)
            else:
                verdict = self._policy.decide_pdu(command, data, start, end, client, now)
        except Exception:  # a fault of ours must not end the session: the sender may try again
            self._metrics.filter_errors += 1
            log.exception("filter failed", extra={"client": client.name})
            return 0 if client.settings.on_filter_error is OnFault.FORWARD else Status.ESME_RSYSERR
        self._metrics.filter_time.observe(perf_counter() - began)
        if mo:
            self._metrics.count_mo(client.label, verdict.action)
        else:
            self._verdicts[verdict.action] += 1
        if verdict is not PASS:
            self._metrics.count_rules(client.label, verdict)
            if self.witness is not None:
                version = self._policy.rules.version
                self.witness.judged(client, mo, verdict, version, command, data, start, end, now)
            if verdict.status:
                return verdict.status if mo else client.status(verdict)
            if verdict.action is Action.DROP:
                return DROPPED
            if verdict.pause_s and self._hold(verdict.pause_s):
                self._metrics.pauses[client.label] += 1
                return HELD
        return 0

    def drop(self, command: int, data: bytes, start: int, end: int) -> bytes:
        """The answer to a message that was dropped, or to a request about one; a receipt follows."""
        assert self.client is not None
        answer = self._receipts.answer(self.client.name, command, data, start, end)
        if self.witness is not None:
            self.witness.answered(answer, 0, len(answer))
        return answer

    def answered(self, seconds: float, answers: int) -> None:
        """The SMSC has answered so many requests after so long."""
        self._metrics.response_time.observe(seconds, answers)
        if seconds >= self._response_s:
            self._metrics.late_responses += answers

    def tick(self, now: float) -> None:
        """Once a second."""
        self.rate = self.judged - self._judged_at_tick
        self._judged_at_tick = self.judged
        if self.witness is not None:
            self.witness.tick(now)

    def end(self) -> None:
        """The session is over."""
        if self.witness is not None:
            self.witness.end()
