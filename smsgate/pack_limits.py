"""The limits of packs: which messages count under which keys, and what an exceeded one makes of the verdict.

    limits whose condition holds -> keys of the message under each -> all checked -> verdict -> all debited, if it passes

What passes over a limit that only flags or monitors is not debited there, so such a limit hits as often as one that refuses.
One that shapes is debited, since its message goes through now at the expense of the next. Different senders or recipients are
counted whatever becomes of the message: that a campaign goes on is what such a limit is to see.

Later parts of an admitted message pass the limits that admitted it. They belong to a message counted already, but are segments
of their own. The keys that a text shows (host, number, template) are asked of each part.

A message that no limit is about pays 0.1 µs for all of them; one that is counted 4 µs for each limit, with a link in it up to 11,
and 16 more for a template (load_tests/results).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Final, NamedTuple

from xxhash import xxh3_128_hexdigest

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Counted, Limiter, Rate
from smsgate.limits.shared import SharedTable
from smsgate.rules.allowances import NOTHING
from smsgate.rules.engine import Finding, RuleSet
from smsgate.rules.facts import Test
from smsgate.rules.judge import CompiledLimit
from smsgate.rules.model import DISTINCT, TEXT_KEYS, Action, Limit, LimitKey, Mode, Unit
from smsgate.rules.verdict import Verdict
from smsgate.text.fingerprint import template
from smsgate.text.hosts import registered
from smsgate.text.phones import phone_numbers
from smsgate.text.reading import Reading

MAX_PAUSE_S: Final = 1.0
"""The longest that a session is not read for a limit that shapes: far below the time after which a peer thinks it dead."""
MAX_KEYS: Final = 1024
"""Keys of one message under one limit. A submit_multi to 254 numbers with four hosts has so many."""
MAX_KEY_CHARS: Final = 64
"""Longer keys and values are kept as digests; a template may have thousands of characters."""


class Message(NamedTuple):
    """A message as limits see it."""

    finding: Finding
    texts: Sequence[Reading]
    sender: str
    destinations: Sequence[bytes]
    client: str


class Asked(NamedTuple):
    """A limit, with what is looked up of it for each message: members of an enumeration take 0.3 µs to hash."""

    limit: Limit
    trigger: int
    test: Test | None
    status: int
    rate: Rate
    keys: tuple[Callable[[Message], Sequence[str]], ...]
    is_by_destination: bool
    counts_segments: bool
    counts_senders: bool
    is_distinct: bool
    is_shaping: bool
    lasts: bool
    """Whether a part of a message stands for those that follow: not where each may show other keys."""


class PackLimits:
    """The limits of the rule set in force, with their state."""

    def __init__(self, rules: RuleSet, shared: SharedTable) -> None:
        self.allowances = NOTHING
        """What an operator allows: such limits only monitor."""
        self._shared = shared
        self._gone = 0  # evictions of tables that are no more
        self._limiter = Limiter((), shared)
        self.use(rules)

    def use(self, rules: RuleSet) -> None:
        """Put a rule set in force. Limits that are the same go on counting, others start afresh."""
        before = self._limiter.local
        self._limits = tuple(map(_asked, rules.compiled_limits))
        self._limiter = Limiter([each.rate for each in self._limits], self._shared, before)
        kept = self._limiter.local
        self._gone += sum(table.evicted for identity, table in before.items() if identity not in kept)
        self._always = any(not each.trigger for each in self._limits)
        self._triggers = 0
        for each in self._limits:
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
        for each_bits, _ in finding.readings:
            bits |= each_bits
        if not self._always and not bits & self._triggers:  # saves 0.2 µs a limit
            return verdict, 0
        message = Message(finding, texts, sender, destinations, client)
        asked: list[Counted] = []
        debited: list[Counted] = []
        for index, each in enumerate(self._limits):
            if each.trigger and not bits & each.trigger:
                continue
            if each.test is not None and not any(each.test(facts, facts) for facts, _ in finding.readings):
                continue
            if not admitted >> index & 1:
                asked += _counted(index, each, message)
            elif each.counts_segments:
                debited += _counted(index, each, message)
        exceeded = self._limiter.exceeded(asked, now)
        for index in sorted(exceeded):
            each = self._limits[index]
            monitors = each.limit.mode is Mode.MONITOR or self.allowances.monitors(each.limit.id, sender, client)
            verdict = _with_limit(verdict, each, exceeded[index], monitors=monitors)
        if verdict.refused:
            debited = []
        lasting = 0
        for entry in asked:
            each = self._limits[entry.limit]
            if each.is_distinct or not (verdict.refused or (entry.limit in exceeded and not each.is_shaping)):
                debited.append(entry)
                lasting |= each.lasts << entry.limit
        self._limiter.debit(debited, now)
        return verdict, lasting


def _asked(compiled: CompiledLimit) -> Asked:
    limit = compiled.limit
    is_shaping = limit.action is Action.SHAPE and limit.mode is Mode.ENFORCE
    return Asked(
        limit,
        compiled.trigger,
        compiled.test,
        compiled.status,
        rate=_rate(limit, is_shaping=is_shaping),
        keys=tuple(_VALUES[key] for key in limit.per if key in _VALUES),
        is_by_destination=LimitKey.DESTINATION in limit.per or LimitKey.DESTINATION_PREFIX in limit.per,
        counts_segments=limit.unit is Unit.SEGMENTS,
        counts_senders=limit.unit is Unit.SENDERS,
        is_distinct=limit.unit in DISTINCT,
        is_shaping=is_shaping,
        lasts=TEXT_KEYS.isdisjoint(limit.per),
    )


def _rate(limit: Limit, *, is_shaping: bool) -> Rate:
    gcra = Gcra.of(limit.count / limit.window_s, limit.burst or limit.count)
    is_local = LimitKey.CLIENT in limit.per
    if limit.unit in DISTINCT:  # a campaign that ends is over for its limit after another window at most
        return Rate(gcra, limit.identity, is_local, gcra.tolerance_s + gcra.interval_s + limit.window_s, limit.window_s)
    if is_shaping:  # no pause makes up for more than the longest one, and what goes through behind it is due later
        return Rate(gcra, limit.identity, is_local, gcra.tolerance_s + gcra.interval_s + MAX_PAUSE_S)
    return Rate(gcra, limit.identity, is_local, inf)


def _with_limit(verdict: Verdict, exceeded: Asked, wait_s: float, *, monitors: bool) -> Verdict:
    """The verdict once a limit is exceeded: the limit's action if that is stricter, its name among the reasons. `monitors`:
    whether it only monitors for now."""
    limit = exceeded.limit
    action, status, rules, monitored = verdict.action, verdict.status, verdict.rules, verdict.monitored
    if monitors:
        return Verdict(action, status, rules, (*monitored, limit), verdict.pause_s)
    pause_s = max(verdict.pause_s, min(wait_s, MAX_PAUSE_S)) if limit.action is Action.SHAPE else verdict.pause_s
    if limit.action.strictness > action.strictness:
        return Verdict(limit.action, exceeded.status, (limit, *rules), monitored, pause_s)
    return Verdict(action, status, (*rules, limit), monitored, pause_s)


# keys


def _counted(index: int, asked: Asked, message: Message) -> list[Counted]:
    """What a message debits under one limit."""
    numbers = list(map(_number, message.destinations))
    groups = _by_prefix(numbers, asked.limit.prefix_digits or None) if asked.is_by_destination else {"": numbers}
    segments = max(map(_segments, message.texts), default=1) if asked.counts_segments else 1
    others = [list(map(_kept, values(message))) for values in asked.keys]
    found = []
    for group, to in groups.items():
        keys = [_kept(group)]
        for values in others:  # cut each time: 254 numbers with the hosts and phones of 16 bodies make 15 million
            keys = list(islice((f"{key}\0{value}" for key in keys for value in values), MAX_KEYS))
        counted = (_sender(message.sender),) if asked.counts_senders else tuple(map(_kept, to))
        found += [Counted(index, _kept(key), segments * max(1, len(to)), counted) for key in keys]
        if len(found) >= MAX_KEYS:
            return found[:MAX_KEYS]
    return found


def _kept(value: str) -> str:
    """A key, or a value, as it is remembered."""
    return value if len(value) <= MAX_KEY_CHARS else xxh3_128_hexdigest(value.encode())


def _by_prefix(numbers: Sequence[str], digits: int | None) -> dict[str, list[str]]:
    """Destinations by so many digits of theirs; None: by all."""
    groups: dict[str, list[str]] = {}
    for number in numbers:
        groups.setdefault(number[:digits], []).append(number)
    return groups


def _hosts(message: Message) -> Sequence[str]:
    return list({registered(link.host) for _, links in message.finding.readings for link in links})


def _phones(message: Message) -> Sequence[str]:
    return list({number for reading in message.texts for number in phone_numbers(reading.words)})


def _templates(message: Message) -> Sequence[str]:
    return list({made for reading in message.texts if (made := template(reading.text))})


_VALUES: Final[Mapping[LimitKey, Callable[[Message], Sequence[str]]]] = {
    LimitKey.CLIENT: lambda message: (message.client,),
    LimitKey.SENDER: lambda message: (_sender(message.sender),),
    LimitKey.LINK_HOST: _hosts,
    LimitKey.PHONE: _phones,
    LimitKey.TEMPLATE: _templates,
}
"""What a message has of each key; its destinations go by groups, since each is a message of its own."""


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
