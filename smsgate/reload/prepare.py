"""Rules read, compiled, tested and compared with those in force. Runs in a process of its own: see `__main__`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ahocorasick

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.lists import MappedTable
from smsgate.config.rules import Loaded, load
from smsgate.reload.guard import Change, compare
from smsgate.reload.sealed import Contents, packs_in, unseal, write
from smsgate.rules.brands import automaton
from smsgate.rules.compile import compile_packs


@dataclass(frozen=True, slots=True)
class Request:
    """What to prepare: the rules in `paths`, or with None those in force, as they are on another day. `messages`: what to
    compare the verdicts on with those of the set in force."""

    paths: tuple[Path, ...] | None
    day: date
    messages: Path | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: `contents` without `faults`. Files are those read, packs and lists; `change` and `change_faults` are
    what the comparison found."""

    faults: tuple[str, ...] = ()
    contents: Contents | None = None
    files: tuple[Path, ...] = ()
    change: Change | None = None
    change_faults: tuple[str, ...] = ()


def prepare(request: Request, new: int, in_force: int) -> Report:
    """Fill the file `new`, or tell why not."""
    automata: list[ahocorasick.Automaton] = []

    def build(words: Mapping[str, int]) -> ahocorasick.Automaton:
        automata.append(automaton(words))
        return automata[-1]

    packs = packs_in(in_force)
    for entries in (entries for pack in packs for entries in pack.lists):
        if isinstance(
            entries.table, MappedTable
        ):  # of the files of tables the newest stay, and a worker may need this one
            with suppress(OSError):
                os.utime(entries.table.path)
    if request.paths is None:  # they were tested when they came into force: a rule that expired must stop in any case
        loaded = Loaded(packs, request.day, compile_packs(packs, request.day, build))
    else:
        try:
            loaded = load(request.paths, request.day, build)
        except DiagnosticsError as error:
            return Report(faults=_told(error))
    change: Change | None = None
    change_faults: tuple[str, ...] = ()
    if request.messages is not None:
        try:
            change = compare(unseal(in_force).rules, loaded.rules, request.messages)
        except DiagnosticsError as error:
            change_faults = _told(error)
    try:
        write(new, loaded, automata)
    except OSError as error:
        return Report(faults=(str(error),))
    assert unseal(new).rules.version == loaded.rules.version  # it can be taken up, where a failure harms nobody
    return Report((), Contents.of(loaded), loaded.files, change, change_faults)


def _told(error: DiagnosticsError) -> tuple[str, ...]:
    return tuple(map(str, error.diagnostics))
