"""`smsgate explain`: why a text gets its verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, default_rules, out, rule_record, status_name, told_faults
from smsgate.config.rules import load_rules
from smsgate.rules.explain import Explanation
from smsgate.rules.explain import explain as explain_text


def explain(
    text: Annotated[str, typer.Argument(help="The text of the message.")],
    rules: Annotated[Path | None, typer.Option(help="A folder of packs, or one pack.", show_default="rules/")] = None,
    sender: Annotated[str, typer.Option(help="The source address it comes from.")] = "",
    client: Annotated[str, typer.Option(help="The system_id it comes from.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the verdict on one text and everything it rests on.

    The rules that hit with file and line, the words and links that made their conditions true, and what folding (lower
    case, accents and look-alike letters off) made of the text.

        smsgate explain "Votre solde C.P.F va expirer, voir https://cpf-droits.example/x"
    """
    with told_faults():
        rule_set = load_rules([rules or default_rules()])
    why = explain_text(rule_set, text, sender, client)
    if as_json:
        typer.echo(json.dumps(_record(why)))
    else:
        _show(why)


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
        "text": why.text,
        "folded": why.folded,
    }


def _show(why: Explanation) -> None:
    verdict = why.verdict
    line = Text.assemble(("verdict  "), (str(verdict.action), ACTION_STYLE[verdict.action]))
    if verdict.status:
        line.append(f"  answered {status_name(verdict.status)}")
    out.print(line)
    for title, entries in (("rule", verdict.rules), ("would hit, monitored", verdict.monitored)):
        for entry in entries:
            out.print(Text.assemble(f"{title}     ", (entry.id, "bold"), f"  {entry.title}  ({entry.where})"))
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
    out.print(Text(f"facts    {', '.join(why.facts) or 'none'}", style="dim"))
