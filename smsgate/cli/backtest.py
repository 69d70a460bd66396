"""`smsgate backtest`: what rules would have done to known messages, and what other rules would have done instead."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Final, NoReturn, TextIO

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, EXIT_DIAGNOSTICS, default_rules, err, out, told_faults
from smsgate.cli.judging import CHANGES, UNLABELLED, Tally, Task, tallies
from smsgate.config.messages import STANDARD_INPUT, read_chunks
from smsgate.config.rules import load_rules
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import REFUSING, Action, Mode

BAD_LABELS: Final = ("scam", "spam", "fraud", "phishing", "smishing")
"""What people call messages that a filter should stop."""
SHOWN: Final = tuple(action for action in Action if action is not Action.SHAPE)
"""What rules may do; limits are not asked."""
SHOWN_SAMPLES: Final = 5
"""Of each kind of change, on a terminal."""


def backtest(  # noqa: PLR0917  # a command's options
    messages: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="JSONL, CSV or TSV; - is standard input.", allow_dash=True)
    ],
    rules: Annotated[Path | None, typer.Option(help="A folder of packs, or one pack.", show_default="rules/")] = None,
    against: Annotated[
        Path | None, typer.Option(help="The rules to compare with: what would change if --rules took their place.")
    ] = None,
    bad: Annotated[
        list[str] | None,
        typer.Option(help="A label of messages to stop, for precision and recall.", show_default=", ".join(BAD_LABELS)),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Messages to show of each kind of change.",
            show_default=f"{SHOWN_SAMPLES} on a terminal, else 0",
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that judge.", show_default="one per core")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="Write each message's verdict, one object a line.")
    ] = None,
) -> None:
    """Run messages through the rules, as the gate would.

    Each line is an object with [bold]text[/bold] (or [bold]pdu[/bold], in hexadecimal) and, if known, [bold]label[/bold],
    [bold]sender[/bold] and [bold]client[/bold]; tables name them in their first line. Prints how many of each label got which
    verdict, which rules hit, how precise they are, and messages per second. Limits are not applied: a file has no clock.
    Exit codes: 0 done, 2 rules or messages that can't be read.

        echo '{"text": "Votre solde CPF expire", "label": "scam"}' > messages.jsonl
        smsgate backtest --rules rules/ messages.jsonl
        smsgate backtest --rules new-rules/ --against rules/ last-week.csv
    """
    if samples is None:
        samples = SHOWN_SAMPLES if sys.stdout.isatty() and not as_json else 0
    with told_faults():
        rule_set = load_rules([rules or default_rules()])
        task = Task(rule_set, load_rules([against]) if against else None, output is not None, samples)
    whole = Tally()
    began = perf_counter()
    with ExitStack() as stack:
        writer = stack.enter_context(_opened(output, messages)) if output else None
        stack.enter_context(told_faults())
        chunks = (chunk for path in messages for chunk in read_chunks(path))
        found = tallies(task, chunks, processes or len(os.sched_getaffinity(0)))
        for tally in _with_bar(found, messages, shown=not as_json):
            whole.add(tally, samples)
            if writer is not None:
                writer.writelines(f"{line}\n" for line in tally.lines)
    seconds = perf_counter() - began
    measured = _Measured(whole, bad or BAD_LABELS)
    if as_json:
        typer.echo(json.dumps(_record(whole, measured, task)))
    else:
        _show(whole, measured, task.rules)
        if against is not None:
            _show_changes(whole, against)
        out.print(f"{whole.messages} messages in {seconds:.2f} s: {whole.messages / seconds:,.0f} messages/s")


class _Measured:
    """How well rules tell messages that should be stopped from others, by the labels; unlabelled messages don't count."""

    def __init__(self, whole: Tally, bad: Iterable[str]) -> None:
        wanted = {label.casefold() for label in bad}
        self.bad = [label for label in sorted(whole.by_label) if label.casefold() in wanted]
        self._all = sum(whole.by_label[label].total() for label in self.bad)
        self.refused = Counter(
            {label: sum(verdicts[action] for action in REFUSING) for label, verdicts in whole.by_label.items()}
        )

    def of(self, hits: Counter[str]) -> dict[str, float | None]:
        """`precision`: the share of bad messages among those hit; `recall`: the share of bad messages that is hit."""
        stopped = sum(hits[label] for label in self.bad)
        labelled = hits.total() - hits[UNLABELLED]
        return {
            "precision": round(stopped / labelled, 4) if labelled else None,
            "recall": round(stopped / self._all, 4) if self._all else None,
        }


def _with_bar(found: Iterator[Tally], messages: Iterable[Path], *, shown: bool) -> Iterator[Tally]:
    """What is found, with a bar on a terminal of how much of the files it comes from."""
    sizes = [path.stat().st_size for path in messages if path != STANDARD_INPUT and path.is_file()]
    total = None if STANDARD_INPUT in messages else sum(sizes)
    columns = (TextColumn("judging"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    first = list(islice(found, 1))  # starts the processes, which must not be forked beside the bar's thread
    with Progress(*columns, console=err, disable=not (shown and sys.stderr.isatty()), transient=True) as bar:
        task = bar.add_task("judging", total=total)
        for tally in chain(first, found):
            bar.advance(task, tally.octets)
            yield tally


def _opened(output: Path, messages: Iterable[Path]) -> TextIO:
    """The file for verdicts. Half a surrogate pair, which UTF-8 can't hold, is written as JSON's escape for it."""
    if output.exists() and any(path.exists() and output.samefile(path) for path in messages):
        _refuse(f"{output}: the verdicts would overwrite the messages, expected another file")
    try:
        return output.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        _refuse(f"{output}: {error.strerror}")


def _refuse(message: str) -> NoReturn:
    err.print(message, style="bold red", markup=False)
    raise typer.Exit(EXIT_DIAGNOSTICS)


def _by_hits(hits: Mapping[str, Counter[str]]) -> list[tuple[str, Counter[str]]]:
    """Rules with what they hit, most hits first."""
    return sorted(hits.items(), key=lambda entry: (-entry[1].total(), entry[0]))


def _record(whole: Tally, measured: _Measured, task: Task) -> dict[str, Any]:
    record: dict[str, Any] = {
        "messages": whole.messages,
        "by_label": {label: dict(verdicts) for label, verdicts in sorted(whole.by_label.items())},
        "rules": {rule: labels.total() for rule, labels in _by_hits(whole.hits)},
    }
    if whole.by_label.keys() - {UNLABELLED}:
        record["bad"] = measured.bad
        record["refused"] = measured.of(measured.refused)
        record["per_rule"] = {
            rule: {"by_label": dict(sorted(labels.items())), **measured.of(labels)}
            for rule, labels in _by_hits(whole.hits)
        }
    if task.against is not None:
        record["against"] = {kind: dict(sorted(whole.changes.get(kind, {}).items())) for kind in CHANGES}
        record["against"]["rules"] = {
            rule: {"gained": whole.gained[rule], "lost": whole.lost[rule]} for rule in _changed_rules(whole)
        }
        if task.samples:
            record["against"]["samples"] = {
                kind: [sample._asdict() for sample in whole.samples.get(kind, ())] for kind in CHANGES
            }
    return record


def _changed_rules(whole: Tally) -> list[str]:
    """The rules that hit other messages than before, the most changed first."""
    return sorted(whole.gained | whole.lost, key=lambda rule: (-whole.gained[rule] - whole.lost[rule], rule))


def _show(whole: Tally, measured: _Measured, rule_set: RuleSet) -> None:
    table = Table("label", *(f"[{ACTION_STYLE[action]}]{action}[/]" for action in SHOWN), "messages")
    for label, verdicts in sorted(whole.by_label.items()):
        table.add_row(Text(label), *(str(verdicts[action]) for action in SHOWN), str(verdicts.total()))
    out.print(table)
    if measured.bad:
        rates = measured.of(measured.refused)
        told = Text(f"refused: precision {_percent(rates['precision'])}, recall {_percent(rates['recall'])}")
        out.print(told + Text(f" (labels to stop: {', '.join(measured.bad)})", style="dim"))
    if whole.hits:
        _show_rules(whole, measured, rule_set)


def _show_rules(whole: Tally, measured: _Measured, rule_set: RuleSet) -> None:
    rules = {rule.id: rule for rule in rule_set.rules}
    table = Table("rule", "title", "action", "hits", *(("precision", "recall") if measured.bad else ()))
    for rule_id, labels in _by_hits(whole.hits):
        rule = rules[rule_id]
        action = rule.action if rule.mode is Mode.ENFORCE else f"{rule.action}, {rule.mode}"
        rates = map(_percent, measured.of(labels).values()) if measured.bad else ()
        table.add_row(rule_id, Text(rule.title), action, str(labels.total()), *rates)
    out.print(table)


def _show_changes(whole: Tally, against: Path) -> None:
    labels = sorted(whole.by_label)
    table = Table(escape(f"against {against}"), *map(escape, labels), "messages")
    for kind, title in CHANGES.items():
        counts = whole.changes.get(kind, Counter())
        table.add_row(title, *(str(counts[label]) for label in labels), str(counts.total()))
    out.print(table)
    if changed := _changed_rules(whole):
        table = Table("rule", "hits gained", "hits lost")
        for rule in changed:
            table.add_row(rule, str(whole.gained[rule]), str(whole.lost[rule]))
        out.print(table)
    for kind, title in CHANGES.items():
        for sample in whole.samples.get(kind, ()):
            out.print(Text.assemble((title, "bold"), f"  {sample.before} -> {sample.after}  ", (sample.label, "dim")))
            out.print(Text(f"  {sample.file}:{sample.line}  {' '.join(sample.text.split())}"))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
