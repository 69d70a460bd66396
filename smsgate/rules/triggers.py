"""Which rules hit: from the facts of a message to the rules that may, and of these to those that do.

A rule is tried only if one of the bits that it cannot do without is set, its trigger. Most that are tried end at a second
or third mask that they need: a foreign link triggers 27 of the shipped rules, and a genuine message with one calls a single
test. That takes 2 µs in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from smsgate.rules.judge import CompiledRule


class Triggers:
    """Rules by what triggers them. `any`: all triggers; `always`: rules that have none. `bits`: those that a fact can have."""

    def __init__(self, rules: Sequence[CompiledRule], bits: Iterable[int]) -> None:
        self.always = tuple(entry for entry in rules if not entry.needed)
        triggered = [
            (entry.needed[0], entry.needed[:2][-1], entry.needed[:3][-1], entry) for entry in rules if entry.needed
        ]
        self.any = reduce(or_, (first for first, _, _, _ in triggered), 0)
        self._by_bit = {
            bit: tuple((second, third, entry) for first, second, third, entry in triggered if first & bit)
            for bit in bits
            if bit & self.any
        }

    def hits(self, bits: int, excuses: int) -> dict[int, CompiledRule]:
        """The rules whose condition holds, by place."""
        hits = {entry.place: entry for entry in self.always if entry.test(bits, excuses)}
        triggers = bits & self.any
        while triggers:
            bit = triggers & -triggers
            triggers ^= bit
            for second, third, entry in self._by_bit[bit]:
                if bits & second and bits & third and entry.place not in hits and entry.test(bits, excuses):
                    hits[entry.place] = entry
        return hits
