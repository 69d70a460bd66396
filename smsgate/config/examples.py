"""The examples beside the rules, run in the engine that judges real messages.

A `matches` must be hit by its rule; a rule in monitor mode hits too. A `passes` must not be hit by its rule and not be
refused by any. Limits are not asked: they count, and an example is one message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smsgate.config.diagnostics import Diagnostic, quoted
from smsgate.rules.engine import AMBIGUOUS_BODY
from smsgate.text.reading import Reading

if TYPE_CHECKING:
    from smsgate.rules.engine import RuleSet, Verdict
    from smsgate.rules.model import Example, Rule


def failing_examples(rules: RuleSet) -> list[Diagnostic]:
    """One diagnostic for each example that does not come out as it should."""
    faults = []
    for rule in rules.rules:
        for example in rule.matches:
            verdict = _judge(rules, example)
            if not _hits(rule, verdict):
                expected = f"{rule.id} to hit it: it stands under matches"
                faults.append(Diagnostic.at(example.where, _came_out(example, verdict), expected))
        for example in rule.passes:
            verdict = _judge(rules, example)
            if _hits(rule, verdict):
                expected = f"{rule.id} not to hit it: it stands under passes"
            elif verdict.refused:
                expected = "no rule to refuse it: it stands under passes"
            else:
                continue
            faults.append(Diagnostic.at(example.where, _came_out(example, verdict), expected))
    return faults


def _judge(rules: RuleSet, example: Example) -> Verdict:
    carrier = AMBIGUOUS_BODY if example.ambiguous_body else 0
    return rules.check((Reading.of_text(example.text),), example.sender, example.client, carrier).verdict


def _hits(rule: Rule, verdict: Verdict) -> bool:
    return any(hit.id == rule.id for hit in (*verdict.rules, *verdict.monitored))


def _came_out(example: Example, verdict: Verdict) -> str:
    by = ", ".join(hit.id for hit in verdict.rules) or "no rule"
    monitored = ", ".join(hit.id for hit in verdict.monitored)
    monitor = f", in monitor mode {monitored}" if monitored else ""
    return f"the verdict {verdict.action} by {by}{monitor} on {quoted(example.text)}"
