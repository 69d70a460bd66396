"""Rule files to a `RuleSet`: found, read, compiled and tried on their examples, or refused with every fault.

Each step goes on as far as what it needs is sound. A fault in one rule does not hide what is wrong in the others, and a
fault in a brand or a keyword set keeps the rules that use it from being called wrong.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.examples import failing_examples, failing_passes, mistaken_sites
from smsgate.config.fields import one_or_more
from smsgate.config.folders import visible_files
from smsgate.config.overrides import overridden
from smsgate.config.rulefile import PackFile, read_pack
from smsgate.rules.brands import Build, automaton
from smsgate.rules.compile import compile_packs
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Pack, PackError, Problem, Where, place
from smsgate.rules.tables import expired

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from smsgate.config.source import KeyPath

log = logging.getLogger(__name__)

MAX_FILES: Final = 1000
"""Rule files loaded together: a folder with more is not a folder of rules."""
SUFFIXES: Final = frozenset({".yaml", ".yml"})


class Loaded(NamedTuple):
    """Packs, and the rule set that they made on the day `today`: the same packs make the same set in another process.

    `files` are all that were read: packs, and the lists that they name.
    """

    packs: tuple[Pack, ...]
    today: date
    rules: RuleSet
    files: tuple[Path, ...] = ()


def load_rules(paths: Sequence[Path], today: date | None = None) -> RuleSet:
    """The rules in these files and folders, ready to judge messages; see `load`."""
    return load(paths, today).rules


def load(paths: Sequence[Path], today: date | None = None, build: Build = automaton) -> Loaded:
    """The packs in these files, and in folders searched to the bottom for *.yaml and *.yml, in the order of paths and names.

    Rules that expired before `today` (None: the day it is in UTC) are left out, and such lists count as empty. Raises
    DiagnosticsError with all that is wrong: files, names that conditions use, examples that do not come out as they should.
    `build`: see `compile_packs`.
    """
    files, faults, complete = _read(paths)
    if not complete:
        raise DiagnosticsError(faults)
    written = tuple(file.pack for file in files if file.pack)
    packs, wrong = overridden(written, (each for file in files for each in file.overrides or ()))
    if wrong:
        raise DiagnosticsError([*faults, *wrong])
    day = today or datetime.now(UTC).date()
    expired_lists = [entries for pack in packs for entries in pack.lists if expired(entries, day)]
    try:
        rules = compile_packs(packs, day, build)
        # Examples stand for the rules as written: a list that runs out one night must not keep a gate from starting, and what
        # a site excuses need not be hit any more. What must pass, must pass in any case.
        tested = compile_packs(_unexpiring(packs), day) if expired_lists else rules
        if packs == written:
            faults += failing_examples(tested)
        else:
            faults += failing_examples(compile_packs(_unexpiring(written), day)) + failing_passes(tested)
    except PackError as error:
        raise DiagnosticsError([*faults, *(_diagnostic(problem, files) for problem in error.problems)]) from None
    for entries in expired_lists:
        # In full words: commands that load rules print them too, without fields.
        log.warning("%s: the list %s expired on %s: it counts as empty", entries.where, entries.name, entries.expires)
    for rule in (rule for pack in packs for rule in pack.rules if expired(rule, day)):
        log.warning("%s: the rule %s expired on %s: it has stopped", place(rule), rule.id, rule.expires)
    faults += mistaken_sites(rules, packs)
    if faults:
        raise DiagnosticsError(faults)
    return Loaded(packs, day, rules, tuple(path for file in files for path in file.reads))


def _unexpiring(packs: Iterable[Pack]) -> list[Pack]:
    return [replace(pack, lists=tuple(replace(entries, expires=None) for entries in pack.lists)) for pack in packs]


def _read(paths: Iterable[Path]) -> tuple[list[PackFile], list[Diagnostic], bool]:
    """What came of every file; the faults; and whether every file gave a pack, so that names can be looked up."""
    found: dict[Path, Path] = {}
    faults: list[Diagnostic] = []
    for path in paths:
        here = _files(path)
        if not here:
            expected = "rule files (*.yaml, *.yml)" if path.is_dir() else "a rule file or a folder of them"
            faults.append(Diagnostic(str(path), 1, 1, "none" if path.is_dir() else "no such file", expected))
        for file in here:
            found.setdefault(file.resolve(), file)
    if len(found) > MAX_FILES:
        faults.append(Diagnostic(str(next(iter(paths))), 1, 1, f"{len(found):,} rule files", f"at most {MAX_FILES:,}"))
        return [], faults, False
    complete = not faults
    files: list[PackFile] = []
    for file in found.values():
        try:
            read = read_pack(file)
        except DiagnosticsError as error:
            faults += error.diagnostics
            complete = False
        else:
            files.append(read)
            faults += read.diagnostics
            complete = complete and (read.pack is not None or read.overrides is not None)
    return files, faults, complete


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.exists() else []
    return sorted(file for file in visible_files(path) if file.suffix in SUFFIXES and file.is_file())


def _diagnostic(problem: Problem, files: Sequence[PackFile]) -> Diagnostic:
    where = next((_word(problem, file) for file in files if file.source.file == problem.where.file), problem.where)
    return Diagnostic.at(where, problem.found, problem.expected, problem.suggestion)


def _word(problem: Problem, file: PackFile) -> Where:
    """Where the word stands that a problem is about: the compiler knows the rule, the source knows the column."""
    word = re.fullmatch(r"'(.+)'", problem.found)
    value: Any = file.source.root.value
    if word is None:
        return problem.where
    for index, name in enumerate(value.get("use", ())):
        if name == word[1] and problem.where == file.source.key(("pack",)):
            return file.source.where(("use", index))
    for path, text in _conditions(value):
        if problem.where in {file.source.where(path), file.source.where(path[:2])}:
            match = re.search(rf"(?<![\w@.-]){re.escape(word[1])}(?![\w.-])", text)
            if match:
                return file.source.inside(path, match.start())
    return problem.where


def _conditions(value: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """The conditions of a file that was read, and where they stand."""
    entries: list[tuple[KeyPath, Any]] = [
        ((section, index), entry)
        for section in ("rules", "limits")
        for index, entry in enumerate(value.get(section, ()))
    ]
    entries += [(("overrides", rule), entry) for rule, entry in value.get("overrides", {}).items()]
    for path, entry in entries:
        if "if" in entry:
            yield (*path, "if"), entry["if"]
        for index, text in enumerate(one_or_more(entry.get("except", ()))):
            yield (*path, "except", index), text
