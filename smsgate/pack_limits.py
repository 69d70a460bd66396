"""The limits of packs: which messages count under which keys, and what an exceeded one makes of the verdict.

    limits whose condition holds -> keys of the message under each -> all asked -> verdict -> all debited, if it passes

What passes over a limit that only flags or monitors is not debited there, so such a limit hits as often as one that refuses.
One that shapes is debited, since its message goes through now at the expense of the next. Different senders or recipients are
counted whatever becomes of the message: that a campaign goes on is what such a limit is to see.

Later parts of an admitted message pass the limits that admitted it. They belong to a message counted already, but are segments
of their own. The keys that a text shows (host, number, template) are asked of each part.

How the keys of a limit are found is put together when rules are put in force. A message that no limit is about then pays 0.2 µs
for all of them; one that is counted 0.6 to 0.8 µs for each, where workers share its arrival times 1.7, and for what a text shows
3 to 10 (load_tests/results).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from operator import itemgetter
from typing import Final

from xxhash import xxh3_128_hexdigest

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Debit, Limiter
from smsgate.limits.shared import SharedArrivals, SharedTable
from smsgate.limits.table import ArrivalTable
from smsgate.rules.allowances import NOTHING
from smsgate.rules.engine import Finding, RuleSet
from smsgate.rules.facts import Facts, Test
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
MAX_LOCAL_KEYS: Final = 200_000
"""Keys with a client remembered per limit: some 30 MB when full, and more than the destinations of ten minutes at
300 messages/s."""
MAX_KEY_CHARS: Final = 64
"""Longer templates are kept as digests: they may have thousands of characters. A destination ends there: no number is so long."""

Ends = tuple[str, str, str]
"""Where a message comes from and goes to: client, sender, destination."""
Origin = Callable[[Ends], str]
"""What a limit counts by of the ends of a message: always one value."""
Shown = Callable[[Finding, Sequence[Reading]], Collection[str]]
"""(what the rules find, texts) -> what a limit counts by of what a text shows: as many values as there are."""


@dataclass(slots=True)
class InForce:
    """A limit, with what is looked up of it for each message: members of an enumeration take 0.3 µs to hash."""

    limit: Limit
    trigger: int
    test: Test | None
    status: int
    limiter: Limiter
    origin: Origin | None
    """None: of a limit that counts by what a text shows alone."""
    shown: Shown | None
    """None: of one that counts by no such thing."""
    simple: Origin | None
    """`origin`, where that is the key of a message to one destination, which counts as one."""
    is_by_destination: bool
    counts_segments: bool
    counts_senders: bool
    is_distinct: bool
    is_shaping: bool
    lasting: int
    """1 << its place, where a part of a message stands for those that follow: not where each may show other keys."""

    def ask(  # noqa: PLR0917  # as `PackLimits.judge`
        self,
        finding: Finding,
        texts: Sequence[Reading],
        ends: Ends,
        destinations: Sequence[bytes],
        now: float,
        debits: list[Debit],
    ) -> float:
        """`Limiter.ask` under all keys of a message: the seconds until there is room under each. In `ends` stands the first of
        `destinations`."""
        groups: Sequence[Sequence[bytes]] = (destinations,)
        shown: Collection[str] = ()
        if self.shown is not None:
            shown = self.shown(finding, texts)
            if len(shown) > MAX_KEYS:
                shown = list(shown)[:MAX_KEYS]
        if self.is_by_destination and len(destinations) != 1:  # each is a message of its own
            groups = _by_number(destinations, self.limit.prefix_digits or None)[: MAX_KEYS // max(1, len(shown))]
        longest_s = 0.0
        for to in groups:
            keys = shown
            if self.origin is not None:
                if to is not destinations:
                    ends = *ends[:2], _number(to[0])
                origin = self.origin(ends)
                keys = (origin,) if self.shown is None else [f"{origin}\0{each}" for each in shown]
            if self.is_distinct:
                values = (ends[1],) if self.counts_senders else tuple(map(_number, to))
                wait_s = self.limiter.ask_distinct(keys, values, now, debits)
            else:
                segments = max(map(_segments, texts), default=1) if self.counts_segments else 1
                wait_s = self.limiter.ask(keys, segments * (len(to) or 1), now, debits)
            if wait_s > longest_s:  # noqa: PLR1730  # max() would take 0.1 µs more
                longest_s = wait_s
        return longest_s


class PackLimits:
    """The limits of the rule set in force, with their state. Keys of one client lie here and are exact, all others in the table
    of all workers."""

    def __init__(self, rules: RuleSet, shared: SharedTable) -> None:
        self.allowances = NOTHING
        """What an operator allows: such limits only monitor."""
        self._shared = shared
        self._local: dict[str, ArrivalTable] = {}
        self._gone = 0  # evictions of tables that are no more
        self.use(rules)

    def use(self, rules: RuleSet) -> None:
        """Put a rule set in force. Limits that are the same go on counting, others start afresh."""
        before, self._local = self._local, {}
        limits = []
        for place, compiled in enumerate(rules.compiled_limits):
            limit = compiled.limit
            table: ArrivalTable | SharedArrivals
            if LimitKey.CLIENT in limit.per:  # each key is one client's, so one process sees all of it
                known = before.pop(limit.identity, None)
                table = self._local[limit.identity] = ArrivalTable(MAX_LOCAL_KEYS) if known is None else known
            else:
                table = self._shared.of(limit.identity)
            limits.append(_in_force(compiled, place, table))
        self._gone += sum(table.evicted for table in before.values())
        self._limits = tuple(limits)
        self._always = any(not each.trigger for each in limits)
        self._asks_where = any(each.is_by_destination for each in limits)
        self._triggers = 0
        for each in limits:
            self._triggers |= each.trigger

    @property
    def evicted(self) -> int:
        """Keys that this process has made give way to others before their time."""
        return self._gone + self._shared.evicted + sum(table.evicted for table in self._local.values())

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
        debits: list[Debit] = []
        counted: list[Debit] = []  # of different values, whatever becomes of the message
        lasting = 0
        is_to_one = len(destinations) == 1
        to = _number(destinations[0]) if self._asks_where and destinations else ""
        ends = client, sender.strip().casefold(), to  # a sender without what nobody sees
        for each in self._limits:
            if each.trigger and not bits & each.trigger:
                continue
            if each.test is not None and not _holds(each.test, finding.readings):
                continue
            if each.lasting & admitted:
                if each.counts_segments:
                    each.ask(finding, texts, ends, destinations, now, debits)
                continue
            before = len(debits)
            if each.simple is not None and is_to_one:  # as `ask` does, which would take 0.1 µs more
                limiter, key = each.limiter, each.simple(ends)
                debits.append((limiter.push, key, limiter.interval_s, limiter.ahead_s))
                wait_s = limiter.get(key) - now - limiter.tolerance_s
            else:
                wait_s = each.ask(finding, texts, ends, destinations, now, counted if each.is_distinct else debits)
            if wait_s > 0.0:
                verdict = self._exceeded(verdict, each, wait_s, sender, client)
                if not each.is_distinct and not each.is_shaping:
                    del debits[before:]
                    continue
            lasting |= each.lasting
        if not verdict.refused:
            counted += debits
        for push, key, by_s, ahead_s in counted:
            push(key, now, by_s, ahead_s)
        return verdict, lasting

    def _exceeded(self, verdict: Verdict, each: InForce, wait_s: float, sender: str, client: str) -> Verdict:
        """The verdict once a limit is exceeded: the limit's action if that is stricter, its name among the reasons."""
        limit = each.limit
        action, status, rules, monitored = verdict.action, verdict.status, verdict.rules, verdict.monitored
        if limit.mode is Mode.MONITOR or self.allowances.monitors(limit.id, sender, client):
            return Verdict(action, status, rules, (*monitored, limit), verdict.pause_s)
        pause_s = max(verdict.pause_s, min(wait_s, MAX_PAUSE_S)) if limit.action is Action.SHAPE else verdict.pause_s
        if limit.action.strictness > action.strictness:
            return Verdict(limit.action, each.status, (limit, *rules), monitored, pause_s)
        return Verdict(action, status, (*rules, limit), monitored, pause_s)


def _holds(test: Test, readings: Sequence[Facts]) -> bool:
    """Whether a condition holds in any reading."""
    for bits, _ in readings:  # noqa: SIM110  # any() would take 0.3 µs more
        if test(bits, bits):
            return True
    return False


# made once, when rules are put in force


def _in_force(compiled: CompiledLimit, place: int, table: ArrivalTable | SharedArrivals) -> InForce:
    limit = compiled.limit
    is_shaping = limit.action is Action.SHAPE and limit.mode is Mode.ENFORCE
    origin, shown = _origin(limit), _shown(limit)
    return InForce(
        limit,
        compiled.trigger,
        compiled.test,
        compiled.status,
        limiter=_limiter(limit, table, is_shaping=is_shaping),
        origin=origin,
        shown=shown,
        simple=origin if shown is None and limit.unit is Unit.MESSAGES else None,
        is_by_destination=LimitKey.DESTINATION in limit.per or LimitKey.DESTINATION_PREFIX in limit.per,
        counts_segments=limit.unit is Unit.SEGMENTS,
        counts_senders=limit.unit is Unit.SENDERS,
        is_distinct=limit.unit in DISTINCT,
        is_shaping=is_shaping,
        lasting=TEXT_KEYS.isdisjoint(limit.per) << place,
    )


def _limiter(limit: Limit, table: ArrivalTable | SharedArrivals, *, is_shaping: bool) -> Limiter:
    gcra = Gcra.of(limit.count / limit.window_s, limit.burst or limit.count)
    if limit.unit in DISTINCT:  # a campaign that ends is over for its limit after another window at most
        return Limiter(gcra, table, gcra.tolerance_s + gcra.interval_s + limit.window_s, limit.window_s)
    if is_shaping:  # no pause makes up for more than the longest one, and what goes through behind it is due later
        return Limiter(gcra, table, gcra.tolerance_s + gcra.interval_s + MAX_PAUSE_S)
    return Limiter(gcra, table)


def _origin(limit: Limit) -> Origin | None:
    digits = limit.prefix_digits or None
    known: Mapping[LimitKey, Origin] = {
        LimitKey.CLIENT: itemgetter(0),
        LimitKey.SENDER: itemgetter(1),
        LimitKey.DESTINATION: itemgetter(2),
        LimitKey.DESTINATION_PREFIX: lambda ends: ends[2][:digits],
    }
    asked = [known[key] for key in limit.per if key in known]
    return reduce(_joined, asked) if asked else None


def _joined(first: Origin, second: Origin) -> Origin:
    return lambda ends: f"{first(ends)}\0{second(ends)}"


def _shown(limit: Limit) -> Shown | None:
    asked = [_SHOWN[key] for key in limit.per if key in _SHOWN]
    return reduce(_combined, asked) if asked else None


def _combined(first: Shown, second: Shown) -> Shown:
    def shown(finding: Finding, texts: Sequence[Reading]) -> Collection[str]:
        others = second(finding, texts)
        return list(islice((f"{one}\0{other}" for one in first(finding, texts) for other in others), MAX_KEYS))

    return shown


# what a message counts by


def _number(destination: bytes) -> str:
    """A destination's digits as far as two forms of it agree without knowing the country."""
    return destination[:MAX_KEY_CHARS].decode("latin-1").strip().removeprefix("+").removeprefix("00")


def _by_number(destinations: Sequence[bytes], digits: int | None) -> list[list[bytes]]:
    """Destinations that begin with the same so many digits; None: that are the same."""
    groups: dict[str, list[bytes]] = {}
    for destination in destinations:
        groups.setdefault(_number(destination)[:digits], []).append(destination)
    return list(groups.values())


def _hosts(finding: Finding, _texts: Sequence[Reading]) -> Collection[str]:
    hosts = set()
    for _, links in finding.readings:
        for link in links:
            hosts.add(registered(link.host))
    return hosts


def _phones(_finding: Finding, texts: Sequence[Reading]) -> Collection[str]:
    return {number for reading in texts for number in phone_numbers(reading.words)}


def _templates(_finding: Finding, texts: Sequence[Reading]) -> Collection[str]:
    made = {template(reading.plain()) for reading in texts} - {""}
    return [words if len(words) <= MAX_KEY_CHARS else xxh3_128_hexdigest(words.encode()) for words in made]


_SHOWN: Final[Mapping[LimitKey, Shown]] = {
    LimitKey.LINK_HOST: _hosts,
    LimitKey.PHONE: _phones,
    LimitKey.TEMPLATE: _templates,
}


def _segments(reading: Reading) -> int:
    """How many segments a text takes on the air (3GPP TS 23.038, 6.1.2): a message_payload may be long."""
    chars = len(reading.text)
    alone, chained = (70, 67) if reading.alphabet.startswith("ucs2") else (160, 153)
    return 1 if chars <= alone else -(-chars // chained)
