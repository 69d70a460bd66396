"""`smsgate explain`: why a text gets its verdict."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from smsgate.cli import explained
from smsgate.cli.common import default_rules, out, told_faults
from smsgate.cli.pdus import explain_pdus
from smsgate.config.messages import request
from smsgate.config.rules import load_rules
from smsgate.rules.engine import RuleSet
from smsgate.rules.explain import Explanation
from smsgate.rules.explain import explain as explain_readings
from smsgate.rules.near import nearest
from smsgate.rules.reasons import Tried
from smsgate.text.reading import Reading

NEAR_MISSES: Final = 3
"""Rules shown that did not hit, unless all are asked for."""


def explain(  # noqa: PLR0917  # a command's options
    text: Annotated[str | None, typer.Argument(help="The text of the message; - is standard input.")] = None,
    rules: Annotated[Path | None, typer.Option(help="A folder of packs, or one pack.", show_default="rules/")] = None,
    sender: Annotated[str, typer.Option(help="The source address it comes from.")] = "",
    client: Annotated[str, typer.Option(help="The system_id it comes from.")] = "",
    pdu: Annotated[
        list[str] | None,
        typer.Option(
            help="In place of the text: a whole PDU, in hexadecimal. Several: as they come, parts of a message."
        ),
    ] = None,
    rule: Annotated[str | None, typer.Option(metavar="ID", help="Show the condition of this rule.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Show the conditions of all rules.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the verdict on one text and everything it rests on.

    The rules that hit, and some that nearly did, with each part of their condition and the words and links that made it
    true; what folding (lower case, accents and look-alike letters off) made of the text; whose its links are.

        smsgate explain "Votre solde C.P.F va expirer, voir https://cpf-droits.example/x"

    A PDU is shown in each way of reading it; the strictest verdict counts. Of the parts of a long message, each says what it
    adds. Exit codes: 0 done, 2 rules or a PDU that can't be read.
    """
    if (text is None) is (not pdu):
        raise typer.BadParameter("either a text, or a PDU with --pdu")
    try:
        requests = [request(digits) for digits in pdu or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pdu") from None
    with told_faults():
        rule_set = load_rules([rules or default_rules()])
    if requests:
        _explain_pdus(rule_set, requests, client, rule, every=every, as_json=as_json)
        return
    given = sys.stdin.read().removesuffix("\n") if text == "-" else text or ""
    why = explain_readings(rule_set, (Reading.of_text(given),), sender, client)
    chosen = _chosen(why, rule, every=every)
    if as_json:
        record = explained.record(why, chosen, rule_set.labels)
        typer.echo(json.dumps({**explained.reading_record(why.readings[0]), **record}))
    else:
        explained.show(why, chosen, rule_set.labels)


def _explain_pdus(
    rules: RuleSet, requests: Sequence[tuple[int, bytes]], client: str, rule: str | None, *, every: bool, as_json: bool
) -> None:
    """Show the verdict on a PDU, or on the parts of a message: that of the part which decides, or the last one."""
    pdus = explain_pdus(rules, requests, client, datetime.now(UTC).timestamp())
    deciding = max(reversed(pdus), key=lambda each: each.verdict.action.strictness)
    deciding = next((each for each in pdus if each.verdict.refused), deciding)
    why = deciding.judged
    chosen = _chosen(why, rule, every=every)
    if as_json:
        record = explained.record(why, chosen, rules.labels)
        typer.echo(json.dumps({**record, "pdus": [explained.pdu_record(each) for each in pdus]}))
        return
    explained.show_verdict(why)
    for number, each in enumerate(pdus, 1):
        out.print()
        explained.show_pdu(each, number, len(pdus))
        if len(pdus) > 1:
            explained.show_added(each)
        for told in each.alone.readings:
            explained.show_heading(told)
            explained.show_reading(told)
    if deciding.together is not None:
        out.print()
        for told in deciding.together.readings:
            explained.show_together(told)
    explained.show_rules(why, chosen, rules.labels)


def _chosen(why: Explanation, rule: str | None, *, every: bool) -> list[Tried]:
    """The rules whose conditions are shown: one, all, or those that hit and the nearest misses."""
    if rule is not None:
        chosen = [attempt for attempt in why.rules if attempt.rule.id == rule]
        if not chosen:
            near = nearest(rule, [attempt.rule.id for attempt in why.rules])
            hint = f", did you mean {near}?" if near else ""
            raise typer.BadParameter(f"no rule {rule!r} is in force{hint}", param_hint="--rule")
        return chosen
    if every:
        return list(why.rules)
    misses = [attempt for attempt in why.rules if attempt.near][:NEAR_MISSES]
    return [*(attempt for attempt in why.rules if attempt.hits), *misses]
