"""decide: the seam where SMPP, text, rules and limits meet.

    view of the PDU -> readings -> rules (of a segment: with the others') -> limits (client, then packs') -> Verdict

Precedence: drop over block over throttle over flag over pass; a rule that allows ends the matter, the client's own rate
apart. All limits are checked, then all are debited; a refused message debits none. Later segments of an admitted message
pass, each once. Pure but for the state of limits and segments: no clock, no I/O, no log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import Final

from smsgate.limits.gcra import Gcra
from smsgate.limits.shared import HEADER_OCTETS, SET_OCTETS, SharedTable
from smsgate.pack_limits import PackLimits
from smsgate.reassembly import Arrival, Segments
from smsgate.rules.allowances import NOTHING, Allowances
from smsgate.rules.blocks import Blocks
from smsgate.rules.engine import Finding, RuleSet
from smsgate.rules.envelope import Envelope
from smsgate.rules.facts import AMBIGUOUS_BODY
from smsgate.rules.model import Action
from smsgate.rules.senders import MAX_SENDER_CHARS
from smsgate.rules.verdict import DEFAULT_STATUS, Verdict
from smsgate.settings import OTHER_CLIENT, ClientMode, ClientSettings, OnFault, OnOverflow, SegmentSettings
from smsgate.smpp import coding
from smsgate.smpp.constants import Status
from smsgate.smpp.pdu import TextView, text_view
from smsgate.smpp.places import may_be_part, places
from smsgate.smpp.readings import readings, text_readings
from smsgate.text.reading import Reading

Onlooker = Callable[[Finding, Sequence[Reading], float], None]
"""(what the rules find, the readings, now)."""

MAX_CLIENTS: Final = 100_000
"""Clients whose rate is remembered; system_ids are the SMSC's to grant, so this many are never met."""

ALLOW: Final = Action.ALLOW
BLOCK: Final = Action.BLOCK
DROP: Final = Action.DROP
"""Asked for every message: names of their own, since Python 3.11 looks members of an enumeration up in 0.07 µs."""

OWN_TABLE_OCTETS: Final = HEADER_OCTETS + 4096 * SET_OCTETS
"""Of keys that cross clients, where nobody shares them: 16,384."""


class Client:
    """One `system_id`: its label in metrics, its settings, its default alphabet and its rate. `due`: when its next message would
    be due, did all come evenly (see `limits.gcra`)."""

    __slots__ = ("alphabet", "due", "label", "name", "rate", "settings")

    def __init__(self, name: str, label: str, settings: ClientSettings) -> None:
        self.name = name
        self.label = label
        self.settings = settings
        self.alphabet = coding.BY_NAME[self.settings.default_alphabet]
        rate = self.settings.rate_per_s
        self.rate = None if rate is None else Gcra.of(rate, self.settings.burst)
        self.due = 0.0

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
NO_ROOM: Final = Verdict(Action.BLOCK, Status.ESME_RMSGQFUL)
"""The answer to a segment that finds no room among the others, where that is to be refused: the sender tries again."""


class Policy:
    """The rules in force and the state of all limits. `rules` is swapped whole by `use`."""

    def __init__(
        self,
        rules: RuleSet,
        clients: dict[str, ClientSettings] | None = None,
        canned: Mapping[int, str] | None = None,
        segments: SegmentSettings = SegmentSettings(),  # noqa: B008  # frozen
        sample_key: bytes = b"",
        *,
        shared: SharedTable | None = None,
    ) -> None:
        """`canned`: the texts that the SMSC keeps, by sm_default_msg_id; `sample_key`: see `rules.sampling`; `shared`: the
        arrival times of keys that cross clients, where other processes count too."""
        self._clients = clients or {}
        self._canned = {number: Reading.of_text(text, "canned") for number, text in (canned or {}).items()}
        self.segments = Segments(segments.expire_s, rules.longest_word)
        self._on_overflow = segments.overflow
        self._known: dict[str, Client] = {}
        self.utc_offset_s = 0.0
        """What makes seconds since 1970 of `now`: conditions may ask for the hour."""
        self.monitor_only: dict[str | None, str] = {}
        """Clients (None: all) whose messages are not refused for now, and why."""
        self.rules = rules
        self.limits = PackLimits(rules, shared or SharedTable.new(bytearray(OWN_TABLE_OCTETS), seed=0))
        self.blocks = Blocks()
        self.onlooker: Onlooker | None = None
        """Told of every message while somebody looks."""
        self._sample_key = sample_key
        self._allowances = NOTHING
        rules.serve(sample_key, NOTHING)

    def use(self, rules: RuleSet) -> None:
        """Put a rule set in force. A limit whose id, key and rate are the same goes on counting; others start
        afresh, and so do segments."""
        rules.serve(self._sample_key, self._allowances)
        self.rules = rules
        self.segments.forget(rules.longest_word)
        self.limits.use(rules)

    def allow(self, allowances: Allowances) -> None:
        """Put in force what an operator allows, and nothing else. Parts of messages are then judged afresh: what was held against
        them before may be allowed now."""
        if allowances != self._allowances:
            self._allowances = self.limits.allowances = allowances
            self.rules.serve(self._sample_key, allowances)
            self.segments.forget(self.rules.longest_word)

    def _monitors(self, client: Client) -> bool:
        switched = self.monitor_only
        return client.settings.mode is ClientMode.MONITOR or None in switched or client.name in switched

    def settings(self, system_id: str) -> ClientSettings:
        """What holds for a system_id, before the SMSC has said that it is a client's."""
        return self._clients.get(system_id) or self._clients.get(OTHER_CLIENT, ClientSettings())

    def client(self, system_id: str) -> Client:
        """The client that a system_id stands for, and the same one for all its sessions: they share its rate."""
        client = self._known.get(system_id)
        if client is None:
            if len(self._known) >= MAX_CLIENTS:
                del self._known[next(iter(self._known))]
            label = system_id if system_id in self._clients else OTHER_CLIENT
            client = self._known[system_id] = Client(system_id, label, self.settings(system_id))
        return client

    def decide_pdu(  # noqa: PLR0917  # called once a message: keywords would cost more than they tell
        self, command: int, data: bytes, start: int, end: int, client: Client, now: float
    ) -> Verdict:
        """Decide on the text-bearing request in data[start:end]. `now` in seconds, monotonic."""
        view = text_view(command, data, start, end)
        if view.plain and len(view.source) <= MAX_SENDER_CHARS:  # as nearly all: saves 0.3 µs of questions
            rules = self.rules
            texts = text_readings(view.bodies[0], view.data_coding, client.alphabet)
            sender, origin = rules.source(view.source, client.name, view.source_type)
            if rules.envelope.asked:
                origin |= facts_beside(rules.envelope, view, texts, now + self.utc_offset_s)
            verdict = self._decide(texts, sender, view.destinations, client, now, origin)
        else:
            verdict = self._decide_further(_cut(view), client, now)
        if (verdict.refused or verdict.pause_s) and self._monitors(client):
            return Verdict(monitored=verdict.rules + verdict.monitored)
        return verdict

    def _decide_further(self, view: TextView, client: Client, now: float) -> Verdict:
        """Decide on a request that may say more, or less, than its body."""
        sender = view.source.decode("latin-1")
        texts, carrier = self._read(view, client, now)
        carrier |= self.rules.of_sender(sender, client.name, view.source_type)
        if may_be_part(view):
            verdict = self._decide_part(view, texts, sender, client, now, carrier)
        else:
            verdict = self.decide(texts, sender, view.destinations, client, now, carrier)
        if view.malformed and not verdict.refused and client.settings.malformed is OnFault.REJECT:
            return MALFORMED
        return verdict

    def decide_mo(  # noqa: PLR0917  # as `decide_pdu`
        self, command: int, data: bytes, start: int, end: int, client: Client, now: float
    ) -> Verdict:
        """Decide on the text-bearing request in data[start:end] that the SMSC sends to `client`.

        Rules only, and no facts of sender ids, the sender being a telephone; rates and limits are for what clients send. The
        statuses are those that SMPP has for a receiver's refusal (3.4, 5.1.3), whatever a rule or the client asks to be told:
        those are a sender's.
        """
        view = _cut(text_view(command, data, start, end))
        texts, carrier = self._read(view, client, now)
        finding, arrivals = self._check_part(view, texts, client, now, carrier)
        self._remember(arrivals, finding.verdict, finding.verdict, 0, now)
        verdict = finding.verdict
        if not verdict.refused:
            return verdict
        if self._monitors(client):
            return Verdict(monitored=verdict.rules + verdict.monitored)
        return Verdict(verdict.action, DEFAULT_STATUS.get(verdict.action, 0), verdict.rules, verdict.monitored)

    def _read(self, view: TextView, client: Client, now: float) -> tuple[Sequence[Reading], int]:
        """What a PDU says, and what is true of it beside that."""
        texts = readings(view, client.alphabet)
        if view.canned in self._canned:
            texts += (self._canned[view.canned],)
        return texts, facts_beside(self.rules.envelope, view, texts, now + self.utc_offset_s)

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
        origin = self.rules.origin(sender, client.name) | carrier
        return self._decide(texts, sender, destinations, client, now, origin)

    def _decide(  # noqa: PLR0917  # as `decide_pdu`
        self,
        texts: Sequence[Reading],
        sender: str,
        destinations: Sequence[bytes],
        client: Client,
        now: float,
        origin: int,
    ) -> Verdict:
        """`decide`, with all facts known that are not of the texts."""
        finding = self.rules.find(texts, sender, client.name, origin)
        if self.blocks.any:
            finding = self.blocks.judge(finding, texts, sender, now)
        if self.onlooker is not None:
            self.onlooker(finding, texts, now)
        return self._admit(finding, texts, sender, destinations, client, now)[0]

    def _decide_part(  # noqa: PLR0917
        self, view: TextView, texts: Sequence[Reading], sender: str, client: Client, now: float, carrier: int
    ) -> Verdict:
        """Decide on what may be a segment, by what has come of its message."""
        finding, arrivals = self._check_part(view, texts, client, now, carrier)
        later = bool(arrivals) and all(arrival.later for arrival in arrivals)
        admitted = reduce(and_, (arrival.limits for arrival in arrivals), -1) if later else 0
        verdict, limits = self._admit(
            finding, texts, sender, view.destinations, client, now, later=later, admitted=admitted
        )
        self._remember(arrivals, finding.verdict, verdict, limits, now)
        return verdict

    def _check_part(
        self, view: TextView, texts: Sequence[Reading], client: Client, now: float, carrier: int
    ) -> tuple[Finding, list[Arrival]]:
        """The strictest finding on a PDU as part of what it says it is part of; and alone, if of nothing or only by a header that
        was not announced."""
        arrivals = self.segments.arrive(self.rules, view, texts, client.name, now, carrier)
        if arrivals is None and self._on_overflow is OnOverflow.REJECT:
            return Finding(NO_ROOM, ()), []
        arrivals = arrivals or []
        findings = [arrival.finding for arrival in arrivals]
        if not (arrivals and (view.udhi or view.sar)):
            content = arrivals[0].key.content if arrivals else ""
            findings.append(self.rules.check(texts, view.source.decode("latin-1"), client.name, carrier, content))
        if self.blocks.any:
            sender = view.source.decode("latin-1")
            findings = [self.blocks.judge(finding, texts, sender, now) for finding in findings]
        finding = max(findings, key=lambda finding: finding.verdict.action.strictness)
        if self.onlooker is not None:
            self.onlooker(finding, texts, now)
        return finding, arrivals

    def _remember(
        self, arrivals: Sequence[Arrival], by_rules: Verdict, verdict: Verdict, limits: int, now: float
    ) -> None:
        """Keep the part if it goes through, poison its message if rules refuse it; a limit's refusal leaves no trace."""
        for arrival in arrivals:
            if by_rules.refused:
                self.segments.refuse(arrival, by_rules, now)
            elif not verdict.refused:
                self.segments.keep(arrival, limits, now)

    def _admit(  # noqa: PLR0917  # as `decide_pdu`
        self,
        finding: Finding,
        texts: Sequence[Reading],
        sender: str,
        destinations: Sequence[bytes],
        client: Client,
        now: float,
        *,
        later: bool = False,
        admitted: int = 0,
    ) -> tuple[Verdict, int]:
        """The verdict with all limits in it, which are debited if the message passes; and the packs' that were (bits by index).

        `later`: a segment of a message that is under way passes the client's rate, and the limits `admitted` before.
        """
        verdict = finding.verdict
        action = verdict.action
        if action is BLOCK:
            return verdict, 0
        rate = client.rate
        if rate is not None and not later and client.due - now > rate.tolerance_s:
            # The one case where 0x58 speaks to the right party.
            return Verdict(Action.THROTTLE, Status.ESME_RTHROTTLED, (), verdict.monitored), 0
        debited = 0
        dropped = action is DROP  # whoever sends it must not tell it from one that passes
        if self.rules.limits and not dropped and not (action is ALLOW and verdict.rules):
            verdict, debited = self.limits.judge(finding, texts, sender, destinations, client.name, now, admitted)
        if rate is not None and (dropped or not verdict.refused):
            if client.due < now:  # noqa: PLR1730  # max() takes 0.1 µs
                client.due = now
            client.due += rate.interval_s * (len(destinations) or 1)
        return verdict, debited


def _cut(view: TextView) -> TextView:
    """The view with no more of its source address than is judged."""
    view.source = view.source[:MAX_SENDER_CHARS]
    return view


def facts_beside(envelope: Envelope, view: TextView, texts: Sequence[Reading], time_s: float) -> int:
    """What is true of a PDU beside its text and its sender id, at a time in seconds since 1970."""
    ambiguous = AMBIGUOUS_BODY if view.ambiguous else 0
    if not envelope.asked:
        return ambiguous
    destinations = [destination.decode("latin-1") for destination in view.destinations]
    parts = [place.total for place in places(view)] if may_be_part(view) else ()
    alphabets = [reading.alphabet for reading in texts]
    return ambiguous | envelope.facts(destinations, parts or (1,), alphabets) | envelope.hours_at(time_s)
