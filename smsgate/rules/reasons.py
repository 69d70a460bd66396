"""Why a rule hits or does not: its condition part by part, in one reading of a message.

Every part is asked by the compiled test that the verdict rests on (`judge.CompiledRule.parts`); nothing here knows what a
condition means. What showed a part to be true is found by asking its test again without one fact after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from smsgate.rules.condition import AtLeast, Condition, Not
from smsgate.rules.describe import describe, head
from smsgate.rules.facts import Test
from smsgate.rules.judge import CompiledRule
from smsgate.rules.model import Rule

MAX_CAUSES: Final = 8
"""Facts told for one part: a text that names ten brands need not name them all."""


class Sight(NamedTuple):
    """One reading as conditions see it: its facts and excuses (see `facts.Test`), and for a fact's bit what showed it: words,
    hosts, numbers, the sender. `reading`: its place among the readings explained."""

    reading: int
    bits: int
    excuses: int
    shown: Mapping[int, tuple[str, ...]]


class Cause(NamedTuple):
    """A fact that made a part true, and what showed it."""

    fact: str
    shown: tuple[str, ...]


class Part(NamedTuple):
    """A part of a condition. `text`: all of it. `kind`: what it asks of its parts ("all of", "2 of", "not"), "" when it has none.
    `causes` are of parts that have no parts."""

    text: str
    kind: str
    holds: bool
    causes: tuple[Cause, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def telling(self) -> bool:
        """Whether something in it is there: a word, a link, a sender."""
        return any(part.telling for part in self.parts) if self.parts else bool(self.causes)


class Tried(NamedTuple):
    """A rule in the reading that it comes nearest to hitting in. `held`, `missing`: of the facts that it takes, on the shortest
    way to its being true, how many are there and how many not."""

    entry: CompiledRule
    sight: Sight
    hits: bool
    held: int
    missing: int

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.entry.rule

    @property
    def near(self) -> bool:
        """Whether one fact is missing, or more are there than missing."""
        return not self.hits and self.held > 0 and (self.missing == 1 or self.held > self.missing)


def tried(rules: Sequence[CompiledRule], sights: Sequence[Sight]) -> list[Tried]:
    """All rules, those that hit first, then by what is missing."""
    found = [min((_try(entry, sight) for sight in sights), key=_distance) for entry in rules] if sights else []
    return sorted(found, key=_distance)


def tree(attempt: Tried, labels: Mapping[int, str]) -> Part:
    """The condition of a rule, part by part; what exempts from it stands behind it."""
    builder, sight = _Tree(attempt, labels), attempt.sight
    root, *exempt = (builder.part(term, sight.bits, sight.excuses) for term in _terms(attempt.rule))
    if not exempt:
        return root
    text = " and ".join((root.text, *(part.text for part in exempt)))
    return Part(text, "all of", attempt.hits, (), (root, *exempt))


def _terms(rule: Rule) -> list[Condition]:
    """What must hold for a rule to hit, as it was compiled."""
    return [rule.condition, *(Not(exemption.condition) for exemption in rule.exemptions)]


def _distance(attempt: Tried) -> tuple[bool, int, int]:
    return not attempt.hits, 0 if attempt.hits else attempt.missing, -attempt.held


def _try(entry: CompiledRule, sight: Sight) -> Tried:
    weighed = [_weighed(entry, term, sight.bits, sight.excuses) for term in _terms(entry.rule)]
    held, missing = (sum(each) for each in zip(*weighed, strict=True))
    return Tried(entry, sight, entry.test(sight.bits, sight.excuses), held, missing)


def _weighed(entry: CompiledRule, condition: Condition, bits: int, excuses: int) -> tuple[int, int]:
    """`Tried.held` and `missing` of a part. That something is absent is no fact held."""
    match condition:
        case AtLeast(count=count, terms=terms):
            weighed = [_weighed(entry, term, bits, excuses) for term in terms]
            weighed.sort(key=lambda each: (each[1], -each[0]))
            return sum(held for held, _ in weighed[:count]), sum(missing for _, missing in weighed[:count])
        case Not():
            return 0, int(not entry.parts[condition](bits, excuses))
    holds = entry.parts[condition](bits, excuses)
    return int(holds), int(not holds)


class _Tree:
    """The parts of one condition. `bits` and `excuses` change places under each `not`."""

    def __init__(self, attempt: Tried, labels: Mapping[int, str]) -> None:
        self._tests = attempt.entry.parts
        self._shown = attempt.sight.shown
        self._labels = labels

    def part(self, condition: Condition, bits: int, excuses: int) -> Part:
        test = self._tests[condition]
        holds = test(bits, excuses)
        match condition:
            case Not(term=AtLeast() | Not() as term):
                return Part(describe(condition), "not", holds, (), (self.part(term, excuses, bits),))
            case Not(term=term):
                return Part(describe(condition), "", holds, self.part(term, excuses, bits).causes)
            case AtLeast(terms=terms):
                parts = tuple(self.part(term, bits, excuses) for term in terms)
                return Part(describe(condition), head(condition), holds, (), parts)
        causes = (Cause(self._labels[bit], self._shown.get(bit, ())) for bit in _causes(test, bits, excuses))
        return Part(describe(condition), "", holds, tuple(dict.fromkeys(causes)))


def _causes(test: Test, bits: int, excuses: int) -> list[int]:
    """The bits that make a test true, at most MAX_CAUSES: of each way it is true without those found before, what can't be left
    out."""
    found: dict[int, None] = {}
    while len(found) < MAX_CAUSES and test(bits, excuses):
        needed = bits
        for bit in ones(bits):
            if test(needed & ~bit, excuses):
                needed &= ~bit
        if not needed:  # true of any message
            break
        found.update(dict.fromkeys(ones(needed)))
        bits &= ~(1 << needed.bit_length() - 1)
    return sorted(found)[:MAX_CAUSES]


def ones(bits: int) -> Iterator[int]:
    """The bits that are set, the lowest first."""
    while bits:
        bit = bits & -bits
        bits ^= bit
        yield bit
