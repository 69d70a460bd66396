"""The rules that hit are those whose test holds, however many masks they need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.judge import CompiledRule
from smsgate.rules.masks import all_of, any_of
from smsgate.rules.triggers import Triggers
from tests.packs import rule

BITS = [1 << place for place in range(6)]
facts = st.sets(st.sampled_from(BITS)).map(sum)
masks = st.sets(st.sampled_from(BITS), min_size=1).map(sum)


def compiled(place: int, needed: tuple[int, ...]) -> CompiledRule:
    """A rule that wants a bit of each mask, and of those that excuse not the first."""
    tests = [*(any_of(mask)[1] for mask in needed), lambda _, excuses: not excuses & BITS[0]]
    return CompiledRule(place, rule("link"), needed, all_of(needed, tests), 0, {})


@given(st.lists(st.lists(masks, max_size=5).map(tuple), max_size=8), facts, facts)
def test_a_rule_hits_where_its_test_holds(needed: list[tuple[int, ...]], bits: int, excuses: int) -> None:
    rules = [compiled(place, each) for place, each in enumerate(needed)]
    found = Triggers(rules, BITS).hits(bits, excuses)
    assert found == {entry.place: entry for entry in rules if entry.test(bits, excuses)}


def test_no_rule_is_tried_that_misses_one_of_the_first_three_masks_it_needs() -> None:
    tried = []

    def test(bits: int, _: int) -> bool:
        tried.append(bits)
        return True

    needed = tuple(BITS[:4])
    triggers = Triggers([CompiledRule(0, rule("link"), needed, test, 0, {})], BITS)
    for missing in needed[:3]:
        triggers.hits(sum(BITS) & ~missing, 0)
    assert not tried
    triggers.hits(sum(BITS) & ~needed[3], 0)
    assert tried
