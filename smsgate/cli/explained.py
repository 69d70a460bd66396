"""How explanations look: as one JSON object, and on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from smsgate.cli.common import ACTION_STYLE, out, print_whole, rule_record, status_name
from smsgate.cli.pdus import Pdu
from smsgate.rules.explain import Explanation, Told
from smsgate.rules.model import place
from smsgate.rules.reasons import Cause, Part, Tried, tree
from smsgate.rules.verdict import Verdict

SHOWN_WORDS: Final = 4
"""Words, hosts or numbers shown for one fact on a terminal."""


# as JSON


def record(why: Explanation, rules: Sequence[Tried], labels: Mapping[int, str]) -> dict[str, Any]:
    """A message of one or more readings; `rules` are those whose conditions are told."""
    return {
        **_verdict_record(why.verdict),
        "limits": [rule_record(limit) for limit in why.limits],
        "resembled": list(why.resembled),
        "conditions": [
            {
                "id": attempt.rule.id,
                "hits": attempt.hits,
                "missing": attempt.missing,
                "reading": why.readings[attempt.sight.reading].alphabet,
                "condition": _part_record(tree(attempt, labels)),
            }
            for attempt in rules
        ],
        "readings": [reading_record(told) for told in why.readings],
    }


def reading_record(told: Told) -> dict[str, Any]:
    """One reading, with the verdict that it alone would get."""
    return {
        "alphabet": told.alphabet,
        **_verdict_record(told.verdict),
        "facts": list(told.facts),
        "spans": [
            {"fact": span.fact, "start": span.start, "end": span.end, "text": told.text[span.start : span.end]}
            for span in told.spans
        ],
        "links": [
            {
                "host": site.link.host,
                "domain": site.domain,
                "userinfo": site.link.userinfo,
                "path": site.link.path,
                "start": site.start,
                "end": site.end,
                "facts": list(site.facts),
            }
            for site in told.sites
        ],
        "text": told.text,
        "folded": told.folded,
        "views": [view._asdict() for view in told.views],
    }


def pdu_record(pdu: Pdu) -> dict[str, Any]:
    """One PDU: its fields, its own readings, and what it added as a part."""
    return {
        **_verdict_record(pdu.verdict),
        "command": pdu.command,
        "sender": pdu.view.source.decode("latin-1"),
        "destinations": list(pdu.destinations),
        "esm_class": pdu.esm_class,
        "data_coding": pdu.view.data_coding if pdu.view.data_coding >= 0 else None,
        "part": pdu.place._asdict() if pdu.place is not None else None,
        "added": list(pdu.added),
        "readings": [reading_record(told) for told in pdu.alone.readings],
    }


def _verdict_record(verdict: Verdict) -> dict[str, Any]:
    return {
        "verdict": str(verdict.action),
        "status": verdict.status or None,
        "rules": [rule_record(rule) for rule in verdict.rules],
        "monitored": [rule_record(rule) for rule in verdict.monitored],
    }


def _part_record(part: Part) -> dict[str, Any]:
    told: dict[str, Any] = {"text": part.text, "holds": part.holds}
    if part.causes:
        told["because"] = [{"fact": cause.fact, "shown": list(cause.shown)} for cause in part.causes]
    if part.parts:
        told["kind"] = part.kind
        told["parts"] = [_part_record(inner) for inner in part.parts]
    return told


# on a terminal


def show(why: Explanation, rules: Sequence[Tried], labels: Mapping[int, str]) -> None:
    """The verdict, the readings, and rules part by part."""
    show_verdict(why)
    for told in why.readings:
        if len(why.readings) > 1:
            show_heading(told)
        show_reading(told)
    show_rules(why, rules, labels)


def show_verdict(why: Explanation) -> None:
    """What is decided and by what, which limits would count the message, whose sender id it comes close to."""
    verdict = why.verdict
    line = Text.assemble(("verdict  "), (str(verdict.action), ACTION_STYLE[verdict.action]))
    if verdict.status:
        line.append(f"  answered {status_name(verdict.status)}")
    out.print(line)
    for title, entries in (
        ("rule", verdict.rules),
        ("would hit, monitored", verdict.monitored),
        ("counted by", why.limits),
    ):
        for entry in entries:
            out.print(Text.assemble(f"{title}     ", (entry.id, "bold"), f"  {entry.title}  ({place(entry)})"))
    if why.resembled:
        out.print(Text(f"sender   resembles {', '.join(why.resembled)}"))


def show_heading(told: Told) -> None:
    """Which reading follows, and what it alone would get."""
    action = told.verdict.action
    out.print(Text.assemble((f"\nread as {told.alphabet}", "bold"), "  ", (str(action), ACTION_STYLE[action])))


def show_reading(told: Told) -> None:
    """A text with all that was found in it."""
    shown = Text(told.text)
    for span in told.spans:
        shown.stylize("bold yellow", span.start, span.end)
    for site in told.sites:
        shown.stylize("underline cyan", site.start, site.end)
    out.print(Text("text     ") + shown)
    out.print(Text(f"folded   {told.folded}", style="dim"))
    for view in told.views:
        out.print(Text(f"{view.name:<8} {view.text}", style="dim"))
    for site in told.sites:
        whose = f"link     {site.link.host}  registered {site.domain}  {site.start}-{site.end}"
        out.print(Text(f"{whose}  {', '.join(site.facts) or 'no list has it'}"))
    out.print(Text(f"facts    {', '.join(told.facts) or 'none'}", style="dim"))


def show_rules(why: Explanation, rules: Sequence[Tried], labels: Mapping[int, str]) -> None:
    """Conditions as trees."""
    for attempt in rules:
        rule = attempt.rule
        fate = ("hits", "bold") if attempt.hits else (f"misses by {attempt.missing}", "dim")
        head = Text.assemble("\n", (rule.id, "bold"), "  ", fate, f"  {rule.title}  ({place(rule)})")
        if len(why.readings) > 1:
            reading = attempt.sight.reading
            head.append(f"  in reading {reading + 1}, {why.readings[reading].alphabet}")
        out.print(head)
        print_whole(_branch(None, tree(attempt, labels)))


def show_pdu(pdu: Pdu, number: int, total: int) -> None:
    """The fields of a PDU, and its place among the parts of its message."""
    fields = [pdu.command, f"from {pdu.view.source.decode('latin-1') or 'nobody'}"]
    fields.append(f"to {', '.join(pdu.destinations) or 'nobody'}")
    if pdu.esm_class is not None:
        fields.append(f"esm_class 0x{pdu.esm_class:02X}")
    if pdu.view.data_coding >= 0:
        fields.append(f"data_coding 0x{pdu.view.data_coding:02X}")
    if pdu.place is not None:
        fields.append(f"part {pdu.place.number} of {pdu.place.total}, reference {pdu.place.reference}")
    fields += [told for told, holds in (("malformed", pdu.view.malformed), ("ambiguous", pdu.view.ambiguous)) if holds]
    title = f"pdu {number}    " if total > 1 else "pdu      "
    out.print(Text(title + ", ".join(fields)))


def show_added(pdu: Pdu) -> None:
    """What a PDU is answered, and which facts it made certain."""
    line = Text.assemble("answer   ", (str(pdu.verdict.action), ACTION_STYLE[pdu.verdict.action]))
    if pdu.place is not None:
        line.append(f"  adds {', '.join(pdu.added) or 'nothing'}")
    out.print(line)


def show_together(told: Told) -> None:
    """The parts so far, as one text."""
    out.print(Text(f"together, read as {told.alphabet}", style="bold"))
    show_reading(told)


def _branch(parent: Tree | None, part: Part) -> Tree:
    mark = ("✓ ", "green") if part.holds else ("✗ ", "red")
    parts = part.parts if part.telling else ()  # where nothing is there, one line says so
    line = Text.assemble(mark, part.kind if parts else part.text)
    for cause in part.causes:
        line.append("  ")
        line.append(_told(cause, part), style="dim")
    branch = Tree(line, guide_style="dim") if parent is None else parent.add(line)
    for inner in parts:
        _branch(branch, inner)
    return branch


def _told(cause: Cause, part: Part) -> str:
    """A cause, with its fact's name where the part does not say it."""
    words = ", ".join(dict.fromkeys(" ".join(shown.split()) for shown in cause.shown[:SHOWN_WORDS]))
    if cause.fact in part.text:
        return words
    return f"{cause.fact}: {words}" if words else cause.fact
