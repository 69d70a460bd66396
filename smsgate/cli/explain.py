"""`smsgate explain`: why a text gets its verdict."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, default_rules, out, rule_record, status_name, told_faults
from smsgate.config.rules import load_rules
from smsgate.policy import facts_beside
from smsgate.rules.engine import RuleSet
from smsgate.rules.explain import Explanation
from smsgate.rules.explain import explain as explain_text
from smsgate.rules.facts import AMBIGUOUS_BODY
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import HEADER, HEADER_BYTES, command_name
from smsgate.smpp.pdu import TEXT_BEARING, TextView, text_view
from smsgate.smpp.readings import readings


def explain(  # noqa: PLR0917  # a command's options
    text: Annotated[str | None, typer.Argument(help="The text of the message.")] = None,
    rules: Annotated[Path | None, typer.Option(help="A folder of packs, or one pack.", show_default="rules/")] = None,
    sender: Annotated[str, typer.Option(help="The source address it comes from.")] = "",
    client: Annotated[str, typer.Option(help="The system_id it comes from.")] = "",
    pdu: Annotated[str | None, typer.Option(help="In place of the text: a whole PDU, in hexadecimal.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the verdict on one text and everything it rests on.

    The rules that hit with file and line, the words and links that made their conditions true, and what folding (lower
    case, accents and look-alike letters off) made of the text.

        smsgate explain "Votre solde C.P.F va expirer, voir https://cpf-droits.example/x"

    A PDU is shown in each way of reading it; the strictest verdict counts.
    """
    if (text is None) is (pdu is None):
        raise typer.BadParameter("either a text, or a PDU with --pdu")
    view = None if pdu is None else _view(pdu)
    with told_faults():
        rule_set = load_rules([rules or default_rules()])
    if view is not None:
        _explain_pdu(rule_set, view, client, as_json=as_json)
        return
    why = explain_text(rule_set, text or "", sender, client)
    if as_json:
        typer.echo(json.dumps(_record(why)))
    else:
        _show(why)


def _explain_pdu(rule_set: RuleSet, view: TextView, client: str, *, as_json: bool) -> None:
    """Show the verdict on a PDU, then each reading of it by itself."""
    sender = view.source.decode("latin-1")
    carrier = rule_set.of_sender(sender, client, view.source_type)
    if view.ambiguous:
        carrier |= AMBIGUOUS_BODY
    found = readings(view)
    carrier |= facts_beside(rule_set.envelope, view, found, datetime.now(UTC).timestamp())
    verdict = rule_set.check(found, sender, client, carrier).verdict
    reasons = [(each.alphabet, explain_text(rule_set, each.text, sender, client, carrier)) for each in found]
    if as_json:
        records = [{"alphabet": alphabet, **_record(why)} for alphabet, why in reasons]
        typer.echo(json.dumps({"verdict": str(verdict.action), "status": verdict.status or None, "readings": records}))
        return
    _show_verdict(verdict)
    for alphabet, why in reasons:
        out.print(Text(f"\nread as {alphabet}", style="bold"))
        _show(why)


def _view(digits: str) -> TextView:
    """The view of a PDU in hexadecimal. Raises BadParameter for what is none, or has no text."""
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        raise typer.BadParameter("not hexadecimal", param_hint="--pdu") from None
    if len(octets) < HEADER_BYTES or HEADER.unpack_from(octets)[0] != len(octets):
        raise typer.BadParameter("not one whole PDU: its first four octets are its length", param_hint="--pdu")
    command = HEADER.unpack_from(octets)[1]
    if command not in TEXT_BEARING:
        raise typer.BadParameter(f"a {command_name(command) or 'PDU'} has no text to judge", param_hint="--pdu")
    return text_view(command, octets, 0, len(octets))


def _record(why: Explanation) -> dict[str, object]:
    verdict = why.verdict
    return {
        "verdict": str(verdict.action),
        "status": verdict.status or None,
        "rules": [rule_record(rule) for rule in verdict.rules],
        "monitored": [rule_record(rule) for rule in verdict.monitored],
        "facts": list(why.facts),
        "spans": [
            {"fact": span.fact, "start": span.start, "end": span.end, "text": why.text[span.start : span.end]}
            for span in why.spans
        ],
        "links": [{"host": link.host, "userinfo": link.userinfo, "path": link.path} for link in why.links],
        "resembled": list(why.resembled),
        "text": why.text,
        "folded": why.folded,
    }


def _show_verdict(verdict: Verdict) -> None:
    line = Text.assemble(("verdict  "), (str(verdict.action), ACTION_STYLE[verdict.action]))
    if verdict.status:
        line.append(f"  answered {status_name(verdict.status)}")
    out.print(line)
    for title, entries in (("rule", verdict.rules), ("would hit, monitored", verdict.monitored)):
        for entry in entries:
            out.print(Text.assemble(f"{title}     ", (entry.id, "bold"), f"  {entry.title}  ({entry.where})"))


def _show(why: Explanation) -> None:
    _show_verdict(why.verdict)
    shown = Text(why.text)
    for span in why.spans:
        shown.stylize("bold yellow", span.start, span.end)
    for link in why.links:
        shown.stylize("underline cyan", link.start, link.end)
    out.print(Text("text     ") + shown)
    out.print(Text(f"folded   {why.folded}", style="dim"))
    if why.spans or why.links:
        table = Table("fact", "span", "where", box=None, pad_edge=False, header_style="dim")
        for span in why.spans:
            table.add_row(Text(span.fact), Text(why.text[span.start : span.end]), f"{span.start}-{span.end}")
        for link in why.links:
            table.add_row("link", Text(link.host), f"{link.start}-{link.end}")
        out.print(table)
    if why.resembled:
        out.print(Text(f"sender   resembles {', '.join(why.resembled)}"))
    out.print(Text(f"facts    {', '.join(why.facts) or 'none'}", style="dim"))
