"""Hosts, numbers and senders that an operator has blocked by hand, each for a time.

They come before the rules, `allow` among them: whoever blocks a host at three in the afternoon means it. A block that holds is
a verdict like a rule's, with the rule ids BLOCK-HOST, BLOCK-NUMBER and BLOCK-SENDER and the place in the file where blocks are
kept. Without any block a message costs the question whether there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from smsgate.rules.brands import CACHE_ENTRIES, squeezed
from smsgate.rules.condition import Member
from smsgate.rules.engine import Finding, RuleSet
from smsgate.rules.lists import as_number
from smsgate.rules.model import Action, Rule, Where
from smsgate.rules.verdict import Verdict, status_of
from smsgate.smpp.constants import Status
from smsgate.text.hosts import public_suffix
from smsgate.text.phones import canonical, phone_numbers
from smsgate.text.reading import Reading


class BlockKind(StrEnum):
    """What is blocked: a host with its sub-domains in links, a phone number in texts and as the sender, a sender."""

    HOST = "host"
    NUMBER = "number"
    SENDER = "sender"


_FIELDS = {BlockKind.HOST: "link_host", BlockKind.NUMBER: "phone", BlockKind.SENDER: "sender"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block. `until`: seconds on the clock that messages are judged by; `where`: its line in the file of blocks."""

    kind: BlockKind
    value: str
    until: float
    reason: str
    where: Where

    @property
    def rule(self) -> Rule:
        """The block as a rule that a verdict names."""
        condition = Member(_FIELDS[self.kind], (self.value,), None, 1)
        title = f"{self.kind} blocked by an operator"
        return Rule(f"BLOCK-{self.kind.upper()}", title, condition, Action.BLOCK, self.where, why=self.reason)


def compared(kind: BlockKind, value: str) -> str:
    """What two spellings of the same host, number or sender have in common."""
    match kind:
        case BlockKind.HOST:
            return value
        case BlockKind.NUMBER:
            return canonical(value)
        case BlockKind.SENDER:
            return squeezed(value)


class Blocks:
    """What is blocked now. `any` is asked before all else."""

    def __init__(self) -> None:
        self.use(())
        self._forms = lru_cache(maxsize=CACHE_ENTRIES)(lambda sender: (squeezed(sender), as_number(sender)))

    def use(self, blocks: Iterable[Block]) -> None:
        """Put these in force, and no others."""
        self._of: dict[BlockKind, dict[str, tuple[float, Rule]]] = {kind: {} for kind in BlockKind}
        for block in blocks:
            self._of[block.kind][compared(block.kind, block.value)] = (block.until, block.rule)
        self.any = any(self._of.values())

    def judge(self, finding: Finding, texts: Sequence[Reading], sender: str, now: float) -> Finding:
        """The finding with the block that meets the message in it; one that the rules block already is left as it is."""
        verdict = finding.verdict
        if verdict.action.strictness >= Action.BLOCK.strictness:
            return finding
        rule = self._by_sender(sender, now) or self._by_host(finding, now) or self._by_number(texts, now)
        if rule is None:
            return finding
        others = tuple(each for each in verdict.rules if each.action is not Action.ALLOW)
        by_sender = rule.id == "BLOCK-SENDER"
        status = Status.ESME_RINVSRCADR if by_sender else status_of(rule)
        return Finding(Verdict(Action.BLOCK, status, (rule, *others), verdict.monitored), finding.readings)

    def _by_sender(self, sender: str, now: float) -> Rule | None:
        if not (self._of[BlockKind.SENDER] or self._of[BlockKind.NUMBER]):
            return None
        name, number = self._forms(sender)
        return self._in_force(BlockKind.SENDER, name, now) or self._in_force(BlockKind.NUMBER, number, now)

    def _by_host(self, finding: Finding, now: float) -> Rule | None:
        if self._of[BlockKind.HOST]:
            for _, links in finding.readings:
                for link in links:
                    tail = link.host
                    while tail:
                        if rule := self._in_force(BlockKind.HOST, tail, now):
                            return rule
                        tail = tail.partition(".")[2]
        return None

    def _by_number(self, texts: Sequence[Reading], now: float) -> Rule | None:
        if self._of[BlockKind.NUMBER]:
            for reading in texts:
                for number in phone_numbers(reading.words):
                    if rule := self._in_force(BlockKind.NUMBER, number, now):
                        return rule
        return None

    def _in_force(self, kind: BlockKind, value: str, now: float) -> Rule | None:
        until, rule = self._of[kind].get(value, (0.0, None))
        return rule if until > now else None


def objection(rules: RuleSet, kind: BlockKind, value: str) -> str:
    """Why something should rather not be blocked: it is a brand's own, or many people's; "" when nothing is against it."""
    form = compared(kind, value)
    for brand in rules.brands:
        official = brand.official
        match kind:
            case BlockKind.HOST:
                own = any(_same_or_below(form, site) or _same_or_below(site, form) for site in official.domains)
            case BlockKind.NUMBER:
                own = form in map(canonical, official.phones)
            case BlockKind.SENDER:
                own = form in map(squeezed, official.senders)
        if own:
            return f"official for the brand {brand.name}"
    if kind is BlockKind.HOST:
        if public_suffix(form) == form:
            return "a suffix under which anybody may have a site"
        if not rules.is_foreign(form):
            return "on a list of trusted sites"
    return ""


def _same_or_below(host: str, site: str) -> bool:
    return host == site or host.endswith(f".{site}")
