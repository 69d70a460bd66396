"""`smsgate backtest`: what rules would have done to known messages."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NoReturn, TextIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, EXIT_DIAGNOSTICS, default_rules, err, out, told_faults
from smsgate.config.rules import load_rules
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action, Mode

UNLABELLED = "unlabelled"
PROGRESS_STEP = 500
"""Messages between two updates of the progress bar."""


def backtest(
    messages: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="One JSON object a line; `text` is needed.")],
    rules: Annotated[Path | None, typer.Option(help="A folder of packs, or one pack.", show_default="rules/")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write each message's verdict, one object a line.")
    ] = None,
) -> None:
    """Run messages through the rules, as the gate would.

    Each line of the file is an object with [bold]text[/bold] and, if known, [bold]label[/bold], [bold]sender[/bold] and
    [bold]client[/bold]. Prints how many of each label got which verdict, which rules hit, and messages per second.
    Limits are not applied: a file has no clock.

        echo '{"text": "Votre solde CPF expire", "label": "scam"}' > messages.jsonl
        smsgate backtest --rules rules/ messages.jsonl
    """
    with told_faults():
        rule_set = load_rules([rules or default_rules()])
    by_label: dict[str, Counter[str]] = {}
    hits: Counter[str] = Counter()
    began = perf_counter()
    with ExitStack() as stack:
        writer = stack.enter_context(_opened(output, messages)) if output else None
        for label, action, rule_ids in _judged(rule_set, messages, writer, show_progress=not as_json):
            by_label.setdefault(label, Counter())[action] += 1
            hits.update(rule_ids)
    seconds = perf_counter() - began
    count = sum(map(Counter.total, by_label.values()))
    if as_json:
        labels = {label: dict(verdicts) for label, verdicts in sorted(by_label.items())}
        typer.echo(json.dumps({"messages": count, "by_label": labels, "rules": dict(hits.most_common())}))
    else:
        _show(rule_set, by_label, hits, count, seconds)


def _judged(
    rule_set: RuleSet, path: Path, writer: TextIO | None, *, show_progress: bool
) -> Iterator[tuple[str, Action, list[str]]]:
    """Label, verdict and the rules that hit (those in monitor mode too) of each message of the file, in order."""
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with path.open("rb") as lines:
            total = sum(1 for line in lines if line.strip())
        with Progress(
            *columns, console=err, disable=not (show_progress and sys.stderr.isatty()), transient=True
        ) as bar:
            task = bar.add_task("judging", total=total)
            for number, record in _records(path):
                verdict = rule_set.check_text(record["text"], record.get("sender") or "", record.get("client") or "")
                acted = [rule.id for rule in verdict.rules]
                monitored = [rule.id for rule in verdict.monitored]
                if writer is not None:
                    line = {**record, "verdict": str(verdict.action), "rules": acted, "monitored": monitored}
                    writer.write(json.dumps(line, ensure_ascii=False) + "\n")
                if number % PROGRESS_STEP == 0:
                    bar.update(task, completed=number)
                yield record.get("label") or UNLABELLED, verdict.action, acted + monitored
    except OSError as error:
        _refuse(f"{path}: {error.strerror}")


def _opened(output: Path, messages: Path) -> TextIO:
    """The file for verdicts. Half a surrogate pair, which UTF-8 can't hold, is written as JSON's escape for it."""
    if output.exists() and messages.exists() and output.samefile(messages):
        _refuse(f"{output}: the verdicts would overwrite the messages, expected another file")
    try:
        return output.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        _refuse(f"{output}: {error.strerror}")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                _refuse(f"{path}:{number}: found no JSON, expected one object a line ({error})")
            if not isinstance(record, dict) or not isinstance(record.get("text"), str):
                _refuse(f'{path}:{number}: expected an object with a "text"')
            for field in ("label", "sender", "client"):
                if not isinstance(record.get(field), str | None):
                    _refuse(f'{path}:{number}: expected text in "{field}", found {json.dumps(record[field])}')
            yield number, record


def _refuse(message: str) -> NoReturn:
    err.print(message, style="bold red", markup=False)
    raise typer.Exit(EXIT_DIAGNOSTICS)


def _show(rule_set: RuleSet, by_label: dict[str, Counter[str]], hits: Counter[str], count: int, seconds: float) -> None:
    table = Table("label", *(f"[{ACTION_STYLE[action]}]{action}[/]" for action in Action), "messages")
    for label, verdicts in sorted(by_label.items()):
        table.add_row(Text(label), *(str(verdicts[action]) for action in Action), str(verdicts.total()))
    out.print(table)
    if hits:
        rules = {rule.id: rule for rule in rule_set.rules}
        table = Table("rule", "title", "action", "hits")
        for rule_id, number in hits.most_common():
            rule = rules[rule_id]
            action = rule.action if rule.mode is Mode.ENFORCE else f"{rule.action}, monitored"
            table.add_row(rule_id, Text(rule.title), action, str(number))
        out.print(table)
    out.print(f"{count} messages in {seconds:.2f} s: {count / seconds:,.0f} messages/s")
