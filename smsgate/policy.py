"""decide: the seam where SMPP, text, rules and limits meet.

    view of the PDU -> readings -> rules -> limits (client, then packs') -> Verdict

Precedence: block over throttle over flag over pass; a rule that allows ends the matter, the client's own rate
apart. All limits are checked, then all are debited; a refused message debits none. Pure but for the limits' state: no
clock, no I/O, no log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Counted, Limiter
from smsgate.limits.table import ArrivalTable
from smsgate.rules.engine import (
    AMBIGUOUS_BODY,
    DEFAULT_STATUS,
    CompiledLimit,
    Finding,
    RuleSet,
    Verdict,
    link_host_key,
)
from smsgate.rules.model import Action, Limit, LimitKey, Mode
from smsgate.settings import OTHER_CLIENT, ClientMode, ClientSettings, OnFault
from smsgate.smpp import coding
from smsgate.smpp.constants import Status
from smsgate.smpp.pdu import TextView, text_view
from smsgate.smpp.readings import readings
from smsgate.text.reading import Reading

MAX_CLIENTS: Final = 100_000
"""Clients whose rate is remembered; system_ids are the SMSC's to grant, so this many are never met."""


class Client:
    """One `system_id`: its label in metrics, its settings, its default alphabet and its rate."""

    __slots__ = ("alphabet", "label", "name", "rate", "settings")

    def __init__(self, name: str, clients: dict[str, ClientSettings]) -> None:
        self.name = name
        self.label = name if name in clients else OTHER_CLIENT
        self.settings = clients.get(self.label, ClientSettings())
        self.alphabet = coding.BY_NAME[self.settings.default_alphabet]
        rate = self.settings.rate_per_s
        self.rate = None if rate is None else Gcra.of(rate, self.settings.burst)

    def status(self, verdict: Verdict) -> int:
        """The command_status that this client is answered with: its own table first, unless the rule names one."""
        statuses = self.settings.statuses
        if verdict.status == Status.ESME_RTHROTTLED and not verdict.rules:
            return statuses.rate or verdict.status
        if not verdict.rules or verdict.rules[0].status is not None:
            return verdict.status
        if verdict.status == Status.ESME_RINVSRCADR:
            return statuses.sender or verdict.status
        if verdict.action is Action.THROTTLE:
            return statuses.limit or verdict.status
        return statuses.content or verdict.status


MALFORMED: Final = Verdict(Action.BLOCK, Status.ESME_RINVMSGLEN)
"""The answer to a body that can't be parsed, for clients that want it refused here."""


class Policy:
    """The rules in force and the state of all limits. `rules` is swapped whole by `use`."""

    def __init__(
        self,
        rules: RuleSet,
        clients: dict[str, ClientSettings] | None = None,
        canned: Mapping[int, str] | None = None,
    ) -> None:
        """`canned`: the texts that the SMSC keeps, by sm_default_msg_id."""
        self._clients = clients or {}
        self._canned = {number: Reading.of_text(text, "canned") for number, text in (canned or {}).items()}
        self._client_tats = ArrivalTable(MAX_CLIENTS)
        self.monitor_only: dict[str | None, str] = {}
        """Clients (None: all) whose messages are not refused for now, and why."""
        self.rules = rules
        self._limiter = _limiter(rules)

    def use(self, rules: RuleSet) -> None:
        """Put a rule set in force. A limit whose id, key and rate are the same goes on counting; others start afresh."""
        before = {_same(limit): self._limiter.table(index) for index, limit in enumerate(self.rules.limits)}
        kept = {index: before[_same(limit)] for index, limit in enumerate(rules.limits) if _same(limit) in before}
        self.rules = rules
        self._limiter = _limiter(rules, kept)

    def _monitors(self, client: Client) -> bool:
        switched = self.monitor_only
        return client.settings.mode is ClientMode.MONITOR or None in switched or client.name in switched

    def client(self, system_id: str) -> Client:
        """The client that a system_id stands for."""
        return Client(system_id, self._clients)

    def decide_pdu(  # noqa: PLR0917  # called once a message: keywords would cost more than they tell
        self, command: int, data: bytes, start: int, end: int, client: Client, now: float
    ) -> Verdict:
        """Decide on the text-bearing request in data[start:end]. `now` in seconds, monotonic."""
        view = text_view(command, data, start, end)
        sender = view.source.decode("latin-1")
        carrier = AMBIGUOUS_BODY if view.ambiguous else 0
        verdict = self.decide(self.readings(view, client), sender, view.destinations, client, now, carrier)
        if view.malformed and not verdict.refused and client.settings.malformed is OnFault.REJECT:
            verdict = MALFORMED
        if verdict.refused and self._monitors(client):
            return Verdict(monitored=verdict.rules + verdict.monitored)
        return verdict

    def decide_mo(self, command: int, data: bytes, start: int, end: int, client: Client, _now: float) -> Verdict:
        """Decide on the text-bearing request in data[start:end] that the SMSC sends to `client`.

        Rules only: rates and limits are for what clients send. The statuses are those that SMPP has for a receiver's refusal
        (3.4, 5.1.3), whatever a rule or the client asks to be told: those are a sender's.
        """
        view = text_view(command, data, start, end)
        carrier = AMBIGUOUS_BODY if view.ambiguous else 0
        verdict = self.rules.check(
            self.readings(view, client), view.source.decode("latin-1"), client.name, carrier
        ).verdict
        if not verdict.refused:
            return verdict
        if self._monitors(client):
            return Verdict(monitored=verdict.rules + verdict.monitored)
        return Verdict(verdict.action, DEFAULT_STATUS[verdict.action], verdict.rules, verdict.monitored)

    def readings(self, view: TextView, client: Client) -> tuple[Reading, ...]:
        """The plausible readings of a PDU's text, and the text that the SMSC would put in its place."""
        if view.canned and view.canned in self._canned:
            return (*readings(view, client.alphabet), self._canned[view.canned])
        return readings(view, client.alphabet)

    def decide(  # noqa: PLR0917
        self,
        texts: Sequence[Reading],
        sender: str,
        destinations: Sequence[bytes],
        client: Client,
        now: float,
        carrier: int = 0,
    ) -> Verdict:
        """Decide on one message and debit what it counts for, if it passes. `carrier`: facts of the PDU it came in."""
        finding = self.rules.check(texts, sender, client.name, carrier)
        verdict = finding.verdict
        if verdict.action is Action.BLOCK:
            return verdict
        rate = client.rate
        tat = 0.0
        if rate is not None:
            tat = self._client_tats.get(client.name)
            if not rate.conforms(tat, now):
                # The one case where 0x58 speaks to the right party.
                return Verdict(Action.THROTTLE, Status.ESME_RTHROTTLED, (), verdict.monitored)
        allowed_by_rule = verdict.action is Action.ALLOW and verdict.rules
        if self.rules.limits and not allowed_by_rule:
            verdict = self._limited(finding, sender, destinations, client, now)
        if rate is not None and not verdict.refused:
            self._client_tats.set(client.name, rate.debited(tat, now, max(1, len(destinations))), now)
        return verdict

    def _limited(
        self, finding: Finding, sender: str, destinations: Sequence[bytes], client: Client, now: float
    ) -> Verdict:
        """The verdict with the packs' limits in it; debits them when the message passes."""
        verdict = finding.verdict
        counted: list[Counted] = []
        for index, (limit, test, _) in enumerate(self.rules.compiled_limits):
            if test is None or any(test(facts.bits) for facts in finding.readings):
                messages = 1 if limit.per is LimitKey.DESTINATION else max(1, len(destinations))  # submit_multi: many
                counted += [
                    Counted(index, key, messages) for key in _keys(limit, finding, sender, destinations, client)
                ]
        if not counted:
            return verdict
        exceeded = self._limiter.exceeded(counted, now)
        for index in sorted(exceeded):
            verdict = _with_limit(verdict, self.rules.compiled_limits[index])
        if not verdict.refused:  # what passes over a limit that only flags or monitors is not debited there: GCRA
            self._limiter.debit([entry for entry in counted if entry.limit not in exceeded], now)
        return verdict


def _limiter(rules: RuleSet, kept: Mapping[int, ArrivalTable] | None = None) -> Limiter:
    rates = [Gcra.of(limit.count / limit.window_s, limit.count) for limit in rules.limits]
    return Limiter(rates, kept=kept)


def _same(limit: Limit) -> tuple[object, ...]:
    """What makes a limit of another rule set the same one."""
    return limit.id, limit.per, limit.count, limit.window_s


def _keys(limit: Limit, finding: Finding, sender: str, destinations: Sequence[bytes], client: Client) -> Sequence[str]:
    match limit.per:
        case LimitKey.CLIENT:
            return (client.name,)
        case LimitKey.SENDER:
            return (sender.strip(),)
        case LimitKey.DESTINATION:
            return [destination.decode("latin-1") for destination in destinations]
        case LimitKey.LINK_HOST:
            return list({link_host_key(link) for facts in finding.readings for link in facts.links})


def _with_limit(verdict: Verdict, exceeded: CompiledLimit) -> Verdict:
    """The verdict once a limit is exceeded: the limit's action if that is stricter, its name among the reasons."""
    limit = exceeded.limit
    if limit.mode is Mode.MONITOR:
        return Verdict(verdict.action, verdict.status, verdict.rules, (*verdict.monitored, limit))
    if limit.action.strictness > verdict.action.strictness:
        return Verdict(limit.action, exceeded.status, (limit, *verdict.rules), verdict.monitored)
    return Verdict(verdict.action, verdict.status, (*verdict.rules, limit), verdict.monitored)
