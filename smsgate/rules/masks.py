"""Tests of the facts integer, out of which conditions are made: functions of an integer and nothing else.

A `Term` is a test with what it needs: masks of each of which one bit must be set for it to hold; none where it can hold without
any. The first of them is its trigger: where its bits are not set, the test is not run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final

from smsgate.rules.facts import Test

Term = tuple[tuple[int, ...], Test]

COMPARE: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def any_of(mask: int) -> Term:
    """Whether one of the bits is set; one of them is what it needs, too."""
    return (mask,), lambda bits, _: bits & mask != 0


def all_of(needed: Sequence[int], tests: Sequence[Test]) -> Test:
    """All of the tests. None can hold without a bit of each of the `needed` masks: most end there, after 0.1 µs."""

    def holds(bits: int, excuses: int) -> bool:
        for mask in needed:
            if not bits & mask:
                return False
        for test in tests:  # noqa: SIM110  # `all()` of a generator takes 0.4 µs more
            if not test(bits, excuses):
                return False
        return True

    return holds


def one_of(tests: Sequence[Test]) -> Test:
    """One of the tests at least."""

    def holds(bits: int, excuses: int) -> bool:
        for test in tests:  # noqa: SIM110  # as in `all_of`
            if test(bits, excuses):
                return True
        return False

    return holds


def summed(compare: str, number: int, weighted: Sequence[tuple[int, int]]) -> Test:
    """How the sum of the weights whose bits are set compares with a number. `weighted`: weights and bits.

    The sum lies between what the facts with positive weights and the excuses with negative ones make certain, and what
    they make of it the other way round. It takes 0.2 µs for each bit that is set, however many there are.
    """
    first = min((bit.bit_length() for _, bit in weighted), default=1) - 1
    weights = {bit.bit_length() - first: weight for weight, bit in weighted}
    raising = reduce(or_, (bit for weight, bit in weighted if weight > 0), 0)
    lowering = reduce(or_, (bit for weight, bit in weighted if weight < 0), 0)

    def least(bits: int, excuses: int) -> int:
        found = (bits & raising | excuses & lowering) >> first
        total = 0
        while found:
            top = found.bit_length()
            total += weights[top]
            found ^= 1 << top - 1
        return total

    match compare:
        case ">=":
            return lambda bits, excuses: least(bits, excuses) >= number
        case ">":
            return lambda bits, excuses: least(bits, excuses) > number
        case "<=":
            return lambda bits, excuses: least(excuses, bits) <= number
        case "<":
            return lambda bits, excuses: least(excuses, bits) < number
        case "==":
            return lambda bits, excuses: least(bits, excuses) >= number >= least(excuses, bits)
        case _:
            return lambda bits, excuses: least(bits, excuses) > number or least(excuses, bits) < number
