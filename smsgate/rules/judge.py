"""From the rules that hit to a verdict: which of them act, and which is the strictest.

A rule acts as its mode says, for this client and this content, unless an operator allows what it hits for now. Whether a rule
hits is `rules.triggers`' business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from smsgate.rules.allowances import NOTHING, Allowances
from smsgate.rules.condition import Condition
from smsgate.rules.facts import Test
from smsgate.rules.model import Action, Limit, Mode, Rule, Sample
from smsgate.rules.sampling import drawn
from smsgate.rules.verdict import PASS, Verdict


class CompiledRule(NamedTuple):
    """A rule with its test. `place`: where it stands among the rules of the set, files in their order. `needed`: masks of each
    of which one bit must be set, the one that seldom is first; without any the test must always run. `parts`: the tests that
    `test` is made of, for `rules.reasons`."""

    place: int
    rule: Rule
    needed: tuple[int, ...]
    test: Test
    status: int
    parts: Mapping[Condition, Test]


class CompiledLimit(NamedTuple):
    """A limit with the test of which messages it counts, and its trigger as a rule has one; a test of None counts all."""

    limit: Limit
    trigger: int
    test: Test | None
    status: int


class Judge:
    """`sample_key` is what samples are drawn with, `allowances` what an operator lets pass."""

    def __init__(self, sample_key: bytes = b"", allowances: Allowances = NOTHING) -> None:
        self._sample_key = sample_key
        self._allowances = allowances

    def verdict(
        self, readings: Sequence[dict[int, CompiledRule]], sender: str, client: str, contents: Sequence[str]
    ) -> Verdict:
        """The strictest rule that hits in any reading; of equally strict ones the first in the files.

        `readings`: the rules that hit in each, by place; `contents`: what samples are drawn by, in each.
        """
        if not any(readings):
            return PASS
        hits: dict[int, CompiledRule] = {}
        acting: set[int] = set()
        allowed = 0
        for here, content in zip(readings, contents, strict=True):
            for place, entry in here.items():
                if place not in hits:
                    hits[place] = entry
                    if self.acts(entry.rule, sender, client, content):
                        acting.add(place)
            allowed += any(entry.rule.action is Action.ALLOW and place in acting for place, entry in here.items())
        ordered = sorted(hits.values(), key=lambda entry: (-entry.rule.action.strictness, entry.place))
        monitored = tuple(entry.rule for entry in ordered if entry.place not in acting)
        if allowed == len(readings):
            allowing = [entry for entry in ordered if entry.place in acting and entry.rule.action is Action.ALLOW]
            return Verdict(Action.ALLOW, 0, tuple(entry.rule for entry in allowing), monitored)
        strict = [entry for entry in ordered if entry.place in acting and entry.rule.action is not Action.ALLOW]
        if not strict:
            return Verdict(monitored=monitored) if monitored else PASS
        return Verdict(strict[0].rule.action, strict[0].status, tuple(entry.rule for entry in strict), monitored)

    def acts(self, rule: Rule, sender: str, client: str, content: str) -> bool:
        """Whether a rule that hits acts, or only counts what it would have done."""
        if self._allowances.monitors(rule.id, sender, client):
            return False
        mode = rule.mode_for(client)
        if isinstance(mode, Sample):
            return drawn(self._sample_key, rule.id, content, mode.share)
        return mode is Mode.ENFORCE
