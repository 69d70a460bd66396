"""A rule set in a file judges as it did, and one that is swapped out is freed at once."""

from __future__ import annotations

import gc
import os
import weakref
from datetime import date

import ahocorasick
import pytest

from smsgate.config.rules import Loaded
from smsgate.policy import Policy
from smsgate.reload.sealed import Contents, Sealed, anonymous_file, packs_in, taken_up, unseal, write
from smsgate.rules.brands import automaton
from smsgate.rules.compile import compile_packs
from tests.gates import GENUINE, SCAM, both_loops, pack, run_on

DAY = date(2026, 3, 1)


def loaded() -> tuple[Loaded, list[ahocorasick.Automaton]]:
    automata: list[ahocorasick.Automaton] = []

    def build(words: dict[str, int]) -> ahocorasick.Automaton:
        automata.append(automaton(words))
        return automata[-1]

    rules = compile_packs([pack()], DAY, build)  # type: ignore[arg-type]  # a dict is a mapping
    return Loaded((pack(),), DAY, rules), automata


@pytest.mark.parametrize("with_automata", [True, False])
def test_what_is_unsealed_judges_alike(with_automata: bool) -> None:
    before, automata = loaded()
    descriptor = anonymous_file()
    try:
        write(descriptor, before, automata if with_automata else ())
        again = unseal(descriptor)
        assert unseal(descriptor).rules.version == again.rules.version == before.rules.version  # as often as one likes
        assert packs_in(descriptor) == before.packs
    finally:
        os.close(descriptor)
    assert again.today == DAY
    for text in (SCAM, GENUINE):
        assert again.rules.check_text(text) == before.rules.check_text(text)


@both_loops
def test_it_is_taken_up_beside_a_loop(loop_name: str) -> None:
    sealed = Sealed.of(loaded()[0])

    async def body() -> None:
        rules = await taken_up(sealed.descriptor)
        assert rules.check_text(SCAM).refused
        assert sealed.contents == Contents(rules.version, 1, (), DAY, {})

    run_on(loop_name, body)


def test_the_file_is_closed_with_the_last_reference() -> None:
    sealed = Sealed.of(loaded()[0])
    descriptor = sealed.descriptor
    assert os.fstat(descriptor).st_size > 0
    del sealed
    with pytest.raises(OSError):
        os.fstat(descriptor)


def test_a_set_that_is_swapped_out_is_freed_without_the_collector() -> None:
    policy = Policy(loaded()[0].rules)
    assert policy.rules.check_text(SCAM, "38100").refused
    gone = weakref.ref(policy.rules)
    gc.disable()
    try:
        old = policy.rules
        policy.use(loaded()[0].rules)
        for _ in old.forget():
            pass
        del old
        assert gone() is None
    finally:
        gc.enable()
