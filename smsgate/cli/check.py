"""`smsgate check`: is everything that would be loaded right?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from smsgate.cli.common import EXIT_DIAGNOSTICS, default_rules, out, tell
from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.load import load_settings
from smsgate.config.rules import load
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import EntryList, Where

POPULAR_PER_MISTAKE = 5_000
"""Much visited domains are honest: of so many, one may resemble a brand by chance."""
SETTINGS_KEY = re.compile(r"^[{\s]*\"?(?:listeners?|upstreams?|metrics)\"?\s*:", re.MULTILINE)


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Configuration files, packs, or folders of packs.", show_default="smsgate.yaml, else rules/"
        ),
    ] = None,
    popular: Annotated[
        Path | None,
        typer.Option(
            help=f"A file of much visited domains, one a line: brands may take one in {POPULAR_PER_MISTAKE:,} for a look-alike.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Check a configuration and packs, and run every example in them.

    All faults are printed at once, each with file, line, column, what was found, what was expected and, when one is near,
    a suggestion. Exit codes: 0 all is well, 2 something is not.

        smsgate check smsgate.yaml
        smsgate check rules/ drafts/new-rule.yaml
    """
    if not paths:
        paths = [Path("smsgate.yaml")] if Path("smsgate.yaml").is_file() else [default_rules()]
    faults: list[Diagnostic] = []
    packs = []
    for path in paths:
        if not _is_settings(path):
            packs.append(path)
            continue
        try:
            settings = load_settings(path)
            out.print(f"{path}: configuration is right", markup=False)
        except DiagnosticsError as error:
            faults += error.diagnostics
            continue
        faults += _check_rules(list(settings.rules), popular)
    if packs:
        faults += _check_rules(packs, popular)
    if faults:
        tell(tuple(dict.fromkeys(faults)))
        raise typer.Exit(EXIT_DIAGNOSTICS)


def _is_settings(path: Path) -> bool:
    """Whether a file is a configuration rather than a pack, by its top-level keys."""
    if not path.is_file():
        return False
    return SETTINGS_KEY.search(path.read_text(encoding="utf-8", errors="replace")) is not None


def _check_rules(paths: list[Path], popular: Path | None) -> tuple[Diagnostic, ...]:
    try:
        loaded = load(paths)
    except DiagnosticsError as error:
        return error.diagnostics
    packs, rules = loaded.packs, loaded.rules
    examples = sum(len(rule.matches) + len(rule.passes) for rule in rules.rules)
    where = ", ".join(map(str, paths))
    out.print(
        f"{where}: {len(rules.rules)} rules, {len(rules.limits)} limits, {examples} examples; rule set {rules.version}",
        markup=False,
    )
    for pack in packs:
        for entries in pack.lists:
            if entries.source or entries.since or entries.expires:
                out.print(_provenance(entries), markup=False)
    return () if popular is None else _check_popular(rules, popular)


def _check_popular(rules: RuleSet, file: Path) -> tuple[Diagnostic, ...]:
    """A fault for each domain that is taken for a look-alike, if they are more than may be."""
    lines = enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
    domains = {line: host for line, text in lines if (host := text.partition("#")[0].strip().lower())}
    mistaken = {line: brands for line, host in domains.items() if (brands := rules.lookalikes(host))}
    allowed = len(domains) // POPULAR_PER_MISTAKE
    out.print(
        f"{file}: {len(mistaken)} of {len(domains):,} domains taken for look-alikes, {allowed} allowed", markup=False
    )
    if len(mistaken) <= allowed:
        return ()
    return tuple(
        Diagnostic.at(Where(str(file), line), f"{domains[line]!r} taken for a look-alike", f"no {', '.join(brands)}")
        for line, brands in mistaken.items()
    )


def _provenance(entries: EntryList) -> str:
    """What a list is and where it comes from, on one line."""
    told = f"{entries.where.file}:{entries.where.line}: list {entries.name}, {entries.kind}: {len(entries):,}"
    told += f", from {entries.source}" if entries.source else ""
    told += f", since {entries.since}" if entries.since else ""
    return told + (f", until {entries.expires}" if entries.expires else "")
