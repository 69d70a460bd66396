"""`smsgate import`: what people have, made into list files for packs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from smsgate.cli.common import EXIT_DIAGNOSTICS, default_rules, err, out, refuse, told_faults
from smsgate.config import rules
from smsgate.config.columns import decoded
from smsgate.config.imports import MAX_TOLD, Found, Guard, merged, read_domains, read_hosts, read_reports
from smsgate.config.lists import MAX_LIST_BYTES
from smsgate.config.source import read_octets, read_text
from smsgate.text.phones import canonical

import_ = typer.Typer(no_args_is_help=True, help="Make list files for packs out of hosts files, domains and reports.")

File = Annotated[Path, typer.Argument(help="The file to read, in UTF-8, UTF-16 or Windows-1252.", dir_okay=False)]
Into = Annotated[
    Path, typer.Option(help="The list file. What stands in it stays; new entries are added.", dir_okay=False)
]
Rules = Annotated[
    list[Path] | None,
    typer.Option(
        help="Packs whose brands' and trusted sites are kept out.", show_default="rules/, else the shipped ones"
    ),
]


@import_.command()
def hosts(file: File, into: Into, rules: Rules = None) -> None:
    """Take the hosts of a hosts file: lines such as [bold]0.0.0.0 bad.example[/bold].

    smsgate import hosts blocked.hosts --into lists/bad.txt
    """
    _domains(read_hosts(_text(file)), file, into, _guard(rules))


@import_.command()
def domains(file: File, into: Into, rules: Rules = None) -> None:
    """Take a list of domains or URLs, one a line.

    smsgate import domains seen.txt --into lists/bad.txt
    """
    _domains(read_domains(_text(file)), file, into, _guard(rules))


@import_.command()
def reports(
    file: File,
    into: Into,
    rules: Rules = None,
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Write the texts there too, as JSONL for `smsgate backtest`. They are personal data.", dir_okay=False
        ),
    ] = None,
) -> None:
    """Take a table of reports (CSV with a header: number, text, link, date) apart.

    With [bold]--into lists/reports.txt[/bold], hosts go to lists/reports-hosts.txt and numbers to
    lists/reports-numbers.txt. Texts are written only where [bold]--texts[/bold] says so.

        smsgate import reports october.csv --into lists/reports.txt
    """
    try:
        found = read_reports(_text(file))
    except ValueError as error:
        err.print(f"{file}: expected {error}", style="bold red", markup=False)
        raise typer.Exit(EXIT_DIAGNOSTICS) from None
    for kind, name in found.columns.items():
        out.print(f"{kind}: the column {name!r}", markup=False)
    guard = _guard(rules)
    if found.numbers:
        _add(into.with_stem(f"{into.stem}-numbers"), found.numbers, canonical, file, "numbers")
    if texts is not None:
        records = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in found.texts)
        _write(texts, records, mode=0o600)
        out.print(f"{texts}: {_counted(found.texts, 'texts')}, readable by you alone", markup=False)
    _domains(found, file, into.with_stem(f"{into.stem}-hosts"), guard)


def _guard(paths: list[Path] | None) -> Guard:
    with told_faults():
        return Guard(rules.load(paths or [default_rules()]).packs)


def _text(file: Path) -> str:
    with told_faults():
        text, encoding = decoded(read_octets(file, MAX_LIST_BYTES))
    if encoding != "UTF-8":
        out.print(f"{file}: read as {encoding}", markup=False)
    return text


def _domains(found: Found, file: Path, into: Path, guard: Guard) -> None:
    """Write the domains that may be listed, and tell what else there was."""
    kept, refused = [], {}
    for host in dict.fromkeys(found.domains):
        if against := guard.against(host):
            refused[host] = against
        else:
            kept.append(host)
    if found.domains:
        _add(into, kept, str, file, "domains")
    for host, against in list(refused.items())[:MAX_TOLD]:
        out.print(f"kept out: {host}, {against}", markup=False)
    if len(refused) > MAX_TOLD:
        out.print(f"kept out: {len(refused) - MAX_TOLD:,} more")
    for line in found.told:
        out.print(f"{file}: {line}", markup=False)
    out.print(f"{found.lines:,} lines read, {found.unreadable:,} of them unreadable")


def _add(into: Path, entries: Iterable[str], form: Callable[[str], str], file: Path, what: str) -> None:
    with told_faults():
        before = read_text(into, MAX_LIST_BYTES) if into.exists() else ""
    distinct = list(dict.fromkeys(entries))
    text, new = merged(before, distinct, form, f"from {file.name}, {datetime.now(UTC):%Y-%m-%d}")
    if new:
        _write(into, text)
    out.print(f"{into}: {_counted(distinct, what)}, {new:,} of them new", markup=False)


def _counted(entries: list[str] | list[dict[str, str]], what: str) -> str:
    return f"{len(entries):,} {what if len(entries) != 1 else what[:-1]}"


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    """Write whole or not at all: a gate may read the file at any moment."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.{os.getpid()}")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as stream:  # noqa: PTH123
            stream.write(text)
        new.replace(file)
    except OSError as error:
        refuse(f"{file} can't be written: {error.strerror}")
