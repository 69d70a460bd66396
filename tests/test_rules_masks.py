"""Tests of bits: what a sum makes certain while some of its bits are not known yet."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.masks import COMPARE, summed

weights = st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=6)
operators = st.sampled_from(sorted(COMPARE))


def masks(count: int) -> list[int]:
    """All masks of so many bits."""
    return [sum(1 << bit for bit in bits) for size in range(count + 1) for bits in combinations(range(count), size)]


@given(weights, operators, st.integers(-6, 6), st.data())
def test_a_sum_is_certain_where_it_holds_whatever_is_still_to_come(
    found: list[int], operator: str, number: int, data: st.DataObject
) -> None:
    every = masks(len(found))
    possible = data.draw(st.sampled_from(every))
    certain = possible & data.draw(st.sampled_from(every))
    test = summed(operator, number, [(weight, 1 << bit) for bit, weight in enumerate(found)])
    outcomes = {
        COMPARE[operator](sum(weight for bit, weight in enumerate(found) if mask >> bit & 1), number)
        for mask in every
        if mask & certain == certain and mask & ~possible == 0
    }
    if operator != "!=" or certain == possible:
        assert test(certain, possible) is (outcomes == {True})
    elif test(certain, possible):  # a sum that leaps over the number is not called certain
        assert outcomes == {True}
    if operator != "==" or certain == possible:
        assert test(possible, certain) is not (outcomes == {False})
    elif not test(possible, certain):
        assert outcomes == {False}


@given(weights, operators, st.integers(-6, 6), st.data())
def test_more_facts_never_undo_it_and_more_excuses_never_make_it_hold(
    found: list[int], operator: str, number: int, data: st.DataObject
) -> None:
    bits, excuses, more = (data.draw(st.sampled_from(masks(len(found)))) for _ in range(3))
    test = summed(operator, number, [(weight, 1 << bit) for bit, weight in enumerate(found)])
    if test(bits, excuses):
        assert test(bits | more, excuses & ~more)
