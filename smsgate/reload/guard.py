"""What new rules would change: the verdicts of two rule sets on the same messages, side by side.

Limits are not asked: a file has no clock. Runs in the process that prepares a rule set.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from smsgate.config.messages import read_messages
from smsgate.rules.engine import RuleSet
from smsgate.rules.verdict import Verdict

MAX_RULES_TOLD: Final = 5
"""Of those that changed most: the first ones tell what went wrong."""


class Change(NamedTuple):
    """How many of the messages get another verdict (action), and which rules hit more (`gained`) and fewer (`lost`) of them,
    the most changed first."""

    messages: int
    changed: int
    newly_refused: int
    no_longer_refused: int
    rules: tuple[tuple[str, int, int], ...]

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.changed / self.messages if self.messages else 0.0

    def __str__(self) -> str:
        rules = ", ".join(f"{name} (+{gained} -{lost})" for name, gained, lost in self.rules)
        return (
            f"{self.changed:,} of {self.messages:,} verdicts change ({self.share:.2%}): {self.newly_refused:,} messages newly "
            f"refused, {self.no_longer_refused:,} no longer; rules: {rules or 'none'}"
        )


def compare(before: RuleSet, after: RuleSet, messages: Path) -> Change:
    """Judge every message with both. Raises DiagnosticsError when the file can't be read."""
    count = changed = newly_refused = no_longer_refused = 0
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for message in read_messages(messages):
        count += 1
        old = message.judge(before)
        new = message.judge(after)
        changed += old.action is not new.action
        newly_refused += new.refused and not old.refused
        no_longer_refused += old.refused and not new.refused
        hit_before, hit_now = _rules(old), _rules(new)
        gained.update(hit_now - hit_before)
        lost.update(hit_before - hit_now)
    most = sorted(gained | lost, key=lambda name: (-gained[name] - lost[name], name))[:MAX_RULES_TOLD]
    rules = tuple((name, gained[name], lost[name]) for name in most)
    return Change(count, changed, newly_refused, no_longer_refused, rules)


def _rules(verdict: Verdict) -> set[str]:
    return {rule.id for rule in verdict.rules}
