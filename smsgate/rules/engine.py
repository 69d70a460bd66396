"""How a message meets the rules: one pass of one automaton, then tests of one integer.

Everything that can be true of a message is a bit of its *facts*: a keyword set that hit, a brand named, a link that is
nobody's, a sender on a list. `RuleSet.facts` sets them; a rule is tested only if one of the bits that it cannot do without
is set (its `trigger`), so that a clean message costs the pass and a comparison. Bits of sender and client are remembered
per value; the link reader runs only on a text that may hold a link.

A message with several readings is judged in each; the strictest verdict counts, and `allow` only where it holds in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from smsgate.rules.brands import CACHE_ENTRIES, Build, Impersonation
from smsgate.rules.model import REFUSING, Action, Limit, Mode, Rule
from smsgate.smpp.constants import Status
from smsgate.text.normalize import fold
from smsgate.text.reading import Reading
from smsgate.text.urls import MAX_LINKS, Link, links, plain, registrable_domain

LINK: Final = 1 << 0
FOREIGN_LINK: Final = 1 << 1
AMBIGUOUS_BODY: Final = 1 << 2
"""Of the carrier, not of a text: several bodies, octets that nobody claims, or a length that lies."""

DEFAULT_STATUS: Final = {Action.BLOCK: Status.ESME_RX_R_APPN, Action.THROTTLE: Status.ESME_RX_T_APPN}
"""0x66: formally a receiver's code, but the one that senders' stacks in the field do not retry. 0x64: not 0x58, which makes
an aggregator pause its whole bind."""

Test = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided. `action` is ALLOW when nothing hit. `status` is the command_status to answer (0: none, the message
    passes). `rules` acted, the strictest first; `monitored` would have."""

    action: Action = Action.ALLOW
    status: int = 0
    rules: tuple[Rule | Limit, ...] = ()
    monitored: tuple[Rule | Limit, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the message must not reach the SMSC."""
        return self.action in REFUSING

    @property
    def reason(self) -> str:
        """The rule that decided, for a log line: "FR-CPF-001 rules/fr/cpf.yaml:87:5"; "" when none did."""
        return f"{self.rules[0].id} {self.rules[0].where}" if self.rules else ""


PASS: Final = Verdict()


def status_of(entry: Rule | Limit) -> int:
    """The command_status that a rule or limit answers with; 0 when its action lets the message pass."""
    if entry.action not in REFUSING:
        return 0
    return DEFAULT_STATUS[entry.action] if entry.status is None else entry.status


class Facts(NamedTuple):
    """What is true of one reading: the bits, and the links read."""

    bits: int
    links: tuple[Link, ...]


class CompiledRule(NamedTuple):
    """A rule with its test. `place`: where it stands among the rules of the set, files in their order. `trigger`: bits of which
    one must be set, or 0 when the test must always run."""

    place: int
    rule: Rule
    trigger: int
    test: Test
    status: int


class CompiledLimit(NamedTuple):
    """A limit with the test of which messages it counts; None counts all."""

    limit: Limit
    test: Test | None
    status: int


class Finding(NamedTuple):
    """The rules' verdict on a message, and what limits need to know of it."""

    verdict: Verdict
    readings: Sequence[Facts]


class RuleSet:
    """All loaded rules, compiled and immutable: a reload swaps the reference. Made by `rules.compile.compile_packs`.

    `words` are the folded keywords with the bits they set, `labels` says what each bit stands for: for `rules.explain`.
    """

    def __init__(
        self,
        *,
        version: str,
        rules: Sequence[CompiledRule],
        limits: Sequence[CompiledLimit],
        words: Mapping[str, int],
        labels: Mapping[int, str],
        name_bits: int,
        impersonation: Impersonation,
        value_tests: Sequence[tuple[str, Callable[[str], bool], int]],
        link_tests: Sequence[tuple[Callable[[int], bool], int]],
        build: Build,
    ) -> None:
        self.version = version
        self.rules = tuple(entry.rule for entry in rules)
        self.limits = tuple(entry.limit for entry in limits)
        self.compiled_limits = tuple(limits)
        self._always = tuple(entry for entry in rules if not entry.trigger)
        self._by_trigger = {bit: tuple(entry for entry in rules if entry.trigger & bit) for bit in labels}
        self._any_trigger = 0
        for entry in rules:
            self._any_trigger |= entry.trigger
        self.words = words
        self.labels = labels
        self._words = build(words)
        self._name_bits = name_bits
        self._impersonation = impersonation
        self._link_tests = tuple(link_tests)
        self._value_tests = tuple(value_tests)
        self._origin = lru_cache(maxsize=CACHE_ENTRIES)(self._origin_bits)

    def forget(self) -> None:
        """End the use of this set. Its caches refer back to it; without them it is freed with its last reference, at once and
        even if it was frozen (`gc.freeze`)."""
        del self._origin
        self._impersonation.forget()

    def check_text(self, text: str, sender: str = "", client: str = "") -> Verdict:
        """The rules' verdict on characters (limits are not asked)."""
        return self.check((Reading.of_text(text),), sender, client).verdict

    def check(self, readings: Sequence[Reading], sender: str, client: str, carrier: int = 0) -> Finding:
        """Judge every reading of one message; `carrier` are the facts of what it came in. Pure: nothing is counted or debited."""
        origin = self._origin(sender, client) | carrier
        facts = [self.facts(reading, origin) for reading in readings]
        union = 0
        for bits, _ in facts:
            union |= bits
        if union & self._any_trigger or self._always:
            return Finding(self._judge(facts), facts)
        return Finding(PASS, facts)

    def facts(self, reading: Reading, origin: int) -> Facts:
        """The facts of one reading; `origin` are the bits of sender, client and carrier."""
        bits = origin
        for _, found in self._words.iter(reading.words):
            bits |= found
        if reading.may_hold_link:
            return self._with_links(bits, reading)
        if self._link_tests:
            bits |= self._count_bits(0)
        return Facts(bits, ())

    def _with_links(self, bits: int, reading: Reading) -> Facts:
        text = plain(reading.text)
        found = links(text)
        if self._link_tests:
            bits |= self._count_bits(len(found))
        if not found:
            return Facts(bits, ())
        bits |= LINK
        official = -1
        for link in found:
            facts = self._impersonation.link(link)
            official &= facts.official
            bits |= facts.lookalike | facts.listed
            if facts.foreign:
                bits |= FOREIGN_LINK
        if len(found) >= MAX_LINKS:  # what follows was not read, and no genuine message has so many
            official = 0
            bits |= FOREIGN_LINK
        if bits & self._name_bits:
            bits = bits & ~self._name_bits | self._names_outside_hosts(text, found)
        return Facts(bits | official, tuple(found))

    def _names_outside_hosts(self, text: str, found: list[Link]) -> int:
        """A genuine message and a scam both name the brand in a host; what counts as naming it is the text."""
        pieces = []
        position = 0
        for link in found:
            pieces.append(text[position : link.host_start])
            position = max(position, link.host_end)
        pieces.append(text[position:])
        bits = 0
        for _, hit in self._words.iter(fold(" ".join(pieces))):
            bits |= hit
        return bits & self._name_bits

    def _origin_bits(self, sender: str, client: str) -> int:
        bits = self._impersonation.sender(sender)
        for field, test, bit in self._value_tests:
            if test(sender if field == "sender" else client):
                bits |= bit
        return bits

    def _count_bits(self, count: int) -> int:
        bits = 0
        for test, bit in self._link_tests:
            if test(count):
                bits |= bit
        return bits

    def _hits(self, bits: int) -> dict[int, CompiledRule]:
        """The rules whose condition holds, by place. Only those are tried that one of the set bits may trigger."""
        hits = {entry.place: entry for entry in self._always if entry.test(bits)}
        triggers = bits & self._any_trigger
        while triggers:
            bit = triggers & -triggers
            triggers ^= bit
            for entry in self._by_trigger[bit]:
                if entry.place not in hits and entry.test(bits):
                    hits[entry.place] = entry
        return hits

    def _judge(self, readings: Sequence[Facts]) -> Verdict:
        """The strictest rule of all readings; of equally strict ones the first in the files."""
        hits: dict[int, CompiledRule] = {}
        allowed = 0
        for bits, _ in readings:
            here = self._hits(bits)
            allowed += any(
                entry.rule.action is Action.ALLOW and entry.rule.mode is Mode.ENFORCE for entry in here.values()
            )
            hits |= here
        if not hits:
            return PASS
        ordered = sorted(hits.values(), key=lambda entry: (-entry.rule.action.strictness, entry.place))
        monitored = tuple(entry.rule for entry in ordered if entry.rule.mode is Mode.MONITOR)
        acting = [entry for entry in ordered if entry.rule.mode is Mode.ENFORCE]
        if allowed == len(readings):
            allowing = tuple(entry.rule for entry in acting if entry.rule.action is Action.ALLOW)
            return Verdict(Action.ALLOW, 0, allowing, monitored)
        acting = [entry for entry in acting if entry.rule.action is not Action.ALLOW]
        if not acting:
            return Verdict(monitored=monitored) if monitored else PASS
        strictest = acting[0]
        return Verdict(strictest.rule.action, strictest.status, tuple(entry.rule for entry in acting), monitored)


def link_host_key(link: Link) -> str:
    """What limits per `link_host` count by: the registrable domain, since sub-domains cost a scammer nothing."""
    return registrable_domain(link.host) or link.host
