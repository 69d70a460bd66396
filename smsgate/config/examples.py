"""The examples beside the rules, run in the engine that judges real messages.

Besides: no brand may take a site of a list named `ordinary` for a look-alike.

A `matches` must be hit by its rule; a rule in monitor mode hits too. A `passes` must not be hit by its rule and not be
refused by any. Limits are not asked: they count, and an example is one message. Of sender ids that are forbidden, reserved or
official an example knows those of its own pack and of the packs that it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smsgate.config.diagnostics import Diagnostic, quoted
from smsgate.rules.facts import AMBIGUOUS_BODY
from smsgate.rules.model import ListKind, Rule
from smsgate.text.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smsgate.rules.engine import RuleSet
    from smsgate.rules.model import Example, Limit, Pack
    from smsgate.rules.verdict import Verdict


ORDINARY_LIST: Final = "ordinary"
"""Domain lists of this name, of all packs, hold sites that no brand may take for its look-alike."""


def failing_examples(rules: RuleSet) -> list[Diagnostic]:
    """One diagnostic for each example that does not come out as it should."""
    faults = []
    for rule in rules.rules:
        for example in rule.matches:
            verdict = _judge(rules, example)
            if not _hits(rule, verdict):
                expected = f"{rule.id} to hit it: it stands under matches"
                faults.append(Diagnostic.at(example.where, _came_out(example, verdict), expected))
    return faults + failing_passes(rules)


def failing_passes(rules: RuleSet) -> list[Diagnostic]:
    """As `failing_examples`, of what must pass alone."""
    faults = []
    for rule in rules.rules:
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


def mistaken_sites(rules: RuleSet, packs: Sequence[Pack]) -> list[Diagnostic]:
    """One diagnostic for each site of the packs' `ordinary` lists that some brand takes for a look-alike."""
    faults = []
    for pack in packs:
        for entries in pack.lists:
            if entries.name != ORDINARY_LIST or entries.kind is not ListKind.DOMAINS:
                continue
            for site in entries.entries:
                mistaken = ", ".join(rules.lookalikes(site))
                if mistaken:
                    expected = f"no {mistaken} for a site of the list {ORDINARY_LIST}"
                    faults.append(Diagnostic.at(entries.where, f"the site {site!r} taken for a look-alike", expected))
    return faults


def _judge(rules: RuleSet, example: Example) -> Verdict:
    envelope = rules.envelope
    carrier = rules.senders.within(example.where.file).facts(example.sender, example.client)
    carrier |= AMBIGUOUS_BODY if example.ambiguous_body else 0
    carrier |= envelope.facts([example.destination], [example.segments], [example.alphabet])
    carrier |= envelope.hours(example.hour)
    return rules.check((Reading.of_text(example.text),), example.sender, example.client, carrier).verdict


def _hits(rule: Rule, verdict: Verdict) -> bool:
    return any(hit.id == rule.id for hit in (*verdict.rules, *verdict.monitored))


def _came_out(example: Example, verdict: Verdict) -> str:
    by = ", ".join(map(_called, verdict.rules)) or "no rule"
    monitored = ", ".join(hit.id for hit in verdict.monitored)
    monitor = f", in monitor mode {monitored}" if monitored else ""
    return f"the verdict {verdict.action} by {by}{monitor} on {quoted(example.text)}"


def _called(hit: Rule | Limit) -> str:
    overridden = hit.overridden if isinstance(hit, Rule) else None
    return f"{hit.id} (overridden in {overridden})" if overridden else hit.id
