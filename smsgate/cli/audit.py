"""`smsgate audit`: search the audit log by what only digests stand for, and make the key that they need."""

from __future__ import annotations

import gzip
import heapq
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any, Final, NamedTuple

import typer

from smsgate.cli.common import err, out, refuse, seconds, told_faults
from smsgate.cli.control import CONFIG, Config, printable
from smsgate.config.load import load_settings
from smsgate.config.net_fields import MIN_KEY_OCTETS
from smsgate.settings import AuditSettings
from smsgate.telemetry.digests import Digests
from smsgate.telemetry.logs import iso

SHOWN_DIGITS: Final = 8
"""Of a digest, for people; `--json` has all."""
LATE: Final = timedelta(days=1)
"""Files of the day before are looked into too: a message stands in the file of the day on which it was written."""

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)

audit = typer.Typer(no_args_is_help=True, help="Search the audit log, and make its key.")


class Wanted(NamedTuple):
    """What a line must have. `digests`: for each option a set of which it must hold one."""

    since: str
    client: str | None
    rule: str | None
    digests: tuple[frozenset[str], ...]

    def is_met(self, line: dict[str, Any]) -> bool:
        """Whether a line about a message has all of it."""
        if line["time"] < self.since or self.client not in {None, line["client"]}:
            return False
        if self.rule is not None and all(hit["id"] != self.rule for hit in (*line["rules"], *line["monitored"])):
            return False
        held = {line["sender"], line["text"], line.get("template"), *line["recipients"]}
        return all(held & digests for digests in self.digests)


class Log:
    """The files of a folder, read as a stream. `lines`: how many were read; `broken`: how many are no lines of an audit log."""

    def __init__(self, folder: Path, day: str) -> None:
        """`day`: the first one of interest, as in the names of files. Raises OSError."""
        self._files = sorted(
            file for file in folder.iterdir() if file.name.endswith((".jsonl", ".jsonl.gz")) and file.name >= day
        )
        self.lines = self.broken = 0
        self.keys: dict[str, Path] = {}

    def search(self, wanted: Wanted) -> Iterator[dict[str, Any]]:
        """What is met, all workers' in the order of time. Raises OSError."""
        by_worker = sorted(self._files, key=lambda file: file.name.split(".")[1])  # stable: by day and number within
        streams = [
            chain.from_iterable(self._file(file, wanted) for file in list(files))
            for _, files in groupby(by_worker, key=lambda file: file.name.split(".")[1])
        ]
        return heapq.merge(*streams, key=lambda line: line["time"])

    def _file(self, file: Path, wanted: Wanted) -> Iterator[dict[str, Any]]:
        hints = [[digest.encode() for digest in digests] for digests in wanted.digests]
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as raws:
            for raw in raws:
                self.lines += 1
                about_message = b'"event"' not in raw
                if about_message and not all(any(digest in raw for digest in each) for each in hints):
                    continue  # most lines: parsing one takes 10 µs, looking for a digest 0.2
                try:
                    line = json.loads(raw)
                    if about_message and wanted.is_met(line):
                        yield line
                    elif line.get("event") == "start":
                        self.keys.setdefault(line["key"], file)
                except (ValueError, KeyError, TypeError, AttributeError):
                    self.broken += 1


@audit.command()
def find(  # noqa: PLR0917  # the arguments of the command
    number: Annotated[str | None, typer.Option(metavar="NUMBER", help="It sent or received; in any spelling.")] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="The whole text; of a long one, its parts.")] = None,
    sender: Annotated[str | None, typer.Option(metavar="NAME", help="The sender, a name or a number.")] = None,
    template: Annotated[str | None, typer.Option(metavar="DIGEST", help="As `smsgate top` shows it.")] = None,
    client: Annotated[str | None, typer.Option(metavar="CLIENT", help="The system_id.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="ID", help="A rule or limit, monitored or not.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="How far back: 30m, 2h, 7d.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as they stand in the files.")] = False,
    folder: Annotated[Path | None, typer.Option(help="The files; no configuration is read then.")] = None,
    key: Annotated[Path | None, typer.Option(help="The key, beside --folder.")] = None,
    config: Config = CONFIG,
) -> None:
    """Find messages that a rule hit. What is given must all be met.

    Numbers, senders and texts are found by their digests, which takes the key; a client or a rule does not. Files compressed with
    gzip are read too. Exit code 1: nothing was found.

        smsgate audit find --number +33639980001 --since 7d
        smsgate audit find --text "Votre colis est en attente : https://ppx.example/s" --json
        smsgate audit find --rule FR-CPF-001 --client resale2 --since 2h
    """
    settings = _settings(config) if folder is None else AuditSettings(folder, key or Path())
    by_digest = [given for given in (number, text, sender) if given is not None]
    digests = None
    if by_digest:
        if folder is not None and key is None:
            raise typer.BadParameter("a number, text or sender is found with the key: --key FILE")
        digests = _digests(settings.key)
    begin = datetime.now(UTC) - timedelta(seconds=seconds(since)) if since else LONG_AGO
    wanted = Wanted(iso(begin.timestamp()), client, rule, tuple(_wanted(digests, number, text, sender, template)))
    found = 0
    try:
        log = Log(settings.folder, f"{begin - LATE:%Y-%m-%d}")
        for line in log.search(wanted):
            found += 1
            typer.echo(json.dumps(line)) if as_json else out.print(_shown(line), markup=False)
    except (OSError, EOFError, zlib.error) as error:
        refuse(f"{settings.folder}: {error}")
    _tell(log, digests, found)


def _wanted(
    digests: Digests | None, number: str | None, text: str | None, sender: str | None, template: str | None
) -> Iterator[frozenset[str]]:
    if template is not None:
        yield frozenset({template})
    if digests is not None:
        for address in (number, sender):
            if address is not None:
                yield frozenset({digests.address(address)})
        if text is not None:
            yield frozenset(digests.of_text(text))


def _tell(log: Log, digests: Digests | None, found: int) -> None:
    """What else there is to say about a search."""
    if log.broken:
        err.print(f"{log.broken} lines can't be read", style="yellow")
    if digests is not None:
        for check, file in log.keys.items():
            if check != digests.check:
                err.print(
                    f"from {file} on, another key was in use: nothing is found there", style="yellow", markup=False
                )
    if not found:
        err.print(f"nothing found in {log.lines} lines", style="bold red")
        raise typer.Exit(1)


@audit.command()
def key(write: Annotated[Path, typer.Option(metavar="FILE", help="A file that is not there yet.")]) -> None:
    """Make a key for the digests of the audit log, with mode 0600.

    Whoever has it and the files can find out whether a number stands there. Without it nobody can, so keep a copy elsewhere.

        smsgate audit key --write audit.key
    """
    try:
        descriptor = os.open(write, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123  # a descriptor, no path
            file.write(token_bytes(MIN_KEY_OCTETS))
    except OSError as error:
        refuse(f"{write}: {error.strerror}")
    out.print(f"{write}: a key of {MIN_KEY_OCTETS} octets", markup=False)


def _settings(config: Path) -> AuditSettings:
    with told_faults():
        settings = load_settings(config).audit
    if settings is None:
        refuse(f"{config} has no audit log. It needs the line\n\n    audit: {{folder: audit/, key: audit.key}}")
    return settings


def _digests(key: Path) -> Digests:
    try:
        return Digests.of_file(key)
    except OSError as error:
        refuse(f"{key}: {error.strerror}")


def _shown(line: dict[str, Any]) -> str:
    """A line for people: `2026-11-22 08:50:07  bank1  mt block  FR-CPF-001 rules/fr/cpf.yaml:31  ...`."""
    hits = [f"{hit['id']} {hit['at']}" for hit in line["rules"]]
    hits += [f"({hit['id']} {hit['at']}, {hit['mode']})" for hit in line["monitored"]]
    words = [
        line["time"][:19].replace("T", " "),
        line["client"],
        f"{line['direction']} {line['verdict']}",
        ", ".join(hits) or f"0x{line['status']:02X}",
        *([f"id {line['message_id']}"] if "message_id" in line else []),
        f"sender {_short([line['sender']])}",
        *([f"to {_short(line['recipients'])}"] if line["recipients"] else []),
        f"text {_short([line['text']])}",
        *(f"{what}: {shown}" for what, shown in line.get("revealed", {}).items()),
    ]
    return printable("  ".join(words))


def _short(digests: Iterable[str]) -> str:
    return ",".join(digest[:SHOWN_DIGITS] for digest in digests)
