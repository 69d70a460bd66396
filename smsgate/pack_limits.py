"""The limits of packs: which messages count under which keys, and what an exceeded one makes of the verdict.

    limits whose condition holds -> keys of the message under each -> all checked -> verdict -> all debited, if it passes

What passes over a limit that only flags or monitors is not debited there, so such a limit hits as often as one that refuses.
One that shapes is debited, since its message goes through now at the expense of the next. Different senders or recipients are
counted whatever becomes of the message: that a campaign goes on is what such a limit is to see.

Later parts of an admitted message pass the limits that admitted it. They belong to a message counted already, but are segments
of their own. The keys that a text shows (host, number, template) are asked of each part.

A message that no limit is about costs 0.1 µs; LOCAL µs for each limit it counts under within a client, SHARED where keys cross
clients, 16 more for a template, 8 for phone numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice, product
from math import inf
from typing import Final, NamedTuple

from xxhash import xxh3_128_hexdigest

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Counted, Limiter, Rate
from smsgate.limits.shared import SharedTable
from smsgate.rules.engine import CompiledLimit, Finding, RuleSet, link_host_key
from smsgate.rules.model import DISTINCT, TEXT_KEYS, Action, Limit, LimitKey, Mode, Unit
from smsgate.rules.verdict import Verdict
from smsgate.text.fingerprint import template
from smsgate.text.phones import phone_numbers
from smsgate.text.reading import Reading

MAX_PAUSE_S: Final = 1.0
"""The longest that a session is not read for a limit that shapes: far below the time after which a peer thinks it dead."""
MAX_KEYS: Final = 1024
"""Keys of one message under one limit. A submit_multi to 254 numbers with four hosts has so many."""
MAX_KEY_CHARS: Final = 64
"""Longer keys are kept as digests; a template may have thousands of characters."""

_OF_DESTINATIONS: Final = frozenset({LimitKey.DESTINATION, LimitKey.DESTINATION_PREFIX})


class Message(NamedTuple):
    """A message as limits see it."""

    finding: Finding
    texts: Sequence[Reading]
    sender: str
    destinations: Sequence[bytes]
    client: str


class PackLimits:
    """The limits of the rule set in force, with their state."""

    def __init__(self, rules: RuleSet, shared: SharedTable) -> None:
        self._shared = shared
        self._gone = 0  # evictions of tables that are no more
        self._limiter = Limiter((), shared)
        self.use(rules)

    def use(self, rules: RuleSet) -> None:
        """Put a rule set in force. Limits that are the same go on counting, others start afresh."""
        before = self._limiter.local
        self._compiled = rules.compiled_limits
        self._limiter = Limiter([_rate(each.limit) for each in self._compiled], self._shared, before)
        kept = self._limiter.local
        self._gone += sum(table.evicted for identity, table in before.items() if identity not in kept)
        self._always = any(each.test is None or not each.trigger for each in self._compiled)
        self._triggers = 0
        for each in self._compiled:
            self._triggers |= each.trigger

    @property
    def evicted(self) -> int:
        """Keys that this process has made give way to others before their time."""
        return self._gone + self._shared.evicted + sum(table.evicted for table in self._limiter.local.values())

    def judge(  # noqa: PLR0917  # called once a message: keywords would cost more than they tell
        self,
        finding: Finding,
        texts: Sequence[Reading],
        sender: str,
        destinations: Sequence[bytes],
        client: str,
        now: float,
        admitted: int = 0,
    ) -> tuple[Verdict, int]:
        """The verdict with the limits in it, and those (bits by index) that later parts of the message pass: `admitted` for
        them."""
        verdict = finding.verdict
        bits = 0
        for facts in finding.readings:
            bits |= facts.bits
        if not self._always and not bits & self._triggers:  # saves 0.2 µs a limit
            return verdict, 0
        message = Message(finding, texts, sender, destinations, client)
        asked: list[Counted] = []
        unasked: list[Counted] = []
        for index, (limit, trigger, test, _) in enumerate(self._compiled):
            if trigger and not bits & trigger:
                continue
            if test is not None and not any(test(facts.bits, facts.bits) for facts in finding.readings):
                continue
            if not admitted >> index & 1:
                asked += _counted(index, limit, message)
            elif limit.unit is Unit.SEGMENTS:
                unasked += _counted(index, limit, message)
        if not asked and not unasked:
            return verdict, 0
        exceeded = self._limiter.exceeded(asked, now)
        for index in sorted(exceeded):
            verdict = _with_limit(verdict, self._compiled[index], exceeded[index])
        lasting = 0
        debited = [] if verdict.refused else unasked
        for entry in asked:
            limit = self._compiled[entry.limit].limit
            if limit.unit not in DISTINCT and (verdict.refused or (entry.limit in exceeded and not _shapes(limit))):
                continue
            debited.append(entry)
            if TEXT_KEYS.isdisjoint(limit.per):
                lasting |= 1 << entry.limit
        self._limiter.debit(debited, now)
        return verdict, lasting


def _shapes(limit: Limit) -> bool:
    return limit.action is Action.SHAPE and limit.mode is Mode.ENFORCE


def _rate(limit: Limit) -> Rate:
    gcra = Gcra.of(limit.count / limit.window_s, limit.burst or limit.count)
    is_local = LimitKey.CLIENT in limit.per
    if limit.unit in DISTINCT:  # a campaign that ends is over for its limit after another window at most
        return Rate(gcra, limit.identity, is_local, gcra.tolerance_s + gcra.interval_s + limit.window_s, limit.window_s)
    if _shapes(limit):  # no pause makes up for more than the longest one
        return Rate(gcra, limit.identity, is_local, gcra.tolerance_s + MAX_PAUSE_S)
    return Rate(gcra, limit.identity, is_local, inf)


def _with_limit(verdict: Verdict, exceeded: CompiledLimit, wait_s: float) -> Verdict:
    """The verdict once a limit is exceeded: the limit's action if that is stricter, its name among the reasons."""
    limit = exceeded.limit
    action, status, rules, monitored = verdict.action, verdict.status, verdict.rules, verdict.monitored
    if limit.mode is Mode.MONITOR:
        return Verdict(action, status, rules, (*monitored, limit), verdict.pause_s)
    pause_s = max(verdict.pause_s, min(wait_s, MAX_PAUSE_S)) if limit.action is Action.SHAPE else verdict.pause_s
    if limit.action.strictness > action.strictness:
        return Verdict(limit.action, exceeded.status, (limit, *rules), monitored, pause_s)
    return Verdict(action, status, (*rules, limit), monitored, pause_s)


# keys


def _counted(index: int, limit: Limit, message: Message) -> list[Counted]:
    """What a message debits under one limit."""
    numbers = [_number(destination) for destination in message.destinations]
    groups = _by_destination(limit, numbers)
    others = [_values(key, message) for key in limit.per if key not in _OF_DESTINATIONS]
    segments = max(map(_segments, message.texts), default=1) if limit.unit is Unit.SEGMENTS else 1
    found = []
    for group, combination in islice(product(groups, product(*others)), MAX_KEYS):
        key = "\0".join((group, *combination))
        if len(key) > MAX_KEY_CHARS:
            key = xxh3_128_hexdigest(key.encode())
        to = groups[group]
        values = (_sender(message.sender),) if limit.unit is Unit.SENDERS else to
        found.append(Counted(index, key, segments * max(1, len(to)), values))
    return found


def _by_destination(limit: Limit, numbers: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The destinations of a message by the part of them that is in the key."""
    if _OF_DESTINATIONS.isdisjoint(limit.per):
        return {"": numbers}
    groups: dict[str, list[str]] = {}
    for number in numbers:
        groups.setdefault(number[: limit.prefix_digits or None], []).append(number)
    return groups


def _values(key: LimitKey, message: Message) -> Sequence[str]:
    match key:
        case LimitKey.CLIENT:
            return (message.client,)
        case LimitKey.SENDER:
            return (_sender(message.sender),)
        case LimitKey.LINK_HOST:
            return list({link_host_key(link) for facts in message.finding.readings for link in facts.links})
        case LimitKey.PHONE:
            return list({number for reading in message.texts for number in phone_numbers(reading.words)})
        case LimitKey.TEMPLATE:
            return list({made for reading in message.texts if (made := template(reading.text))})
        case LimitKey.DESTINATION | LimitKey.DESTINATION_PREFIX:
            raise AssertionError(key)


def _sender(source: str) -> str:
    """A sender without what nobody sees."""
    return source.strip().casefold()


def _number(destination: bytes) -> str:
    """A destination's digits as far as two forms of it agree without knowing the country."""
    return destination.decode("latin-1").strip().removeprefix("+").removeprefix("00")


def _segments(reading: Reading) -> int:
    """How many segments a text takes on the air (3GPP TS 23.038, 6.1.2): a message_payload may be long."""
    chars = len(reading.text)
    alone, chained = (70, 67) if reading.alphabet.startswith("ucs2") else (160, 153)
    return 1 if chars <= alone else -(-chars // chained)
