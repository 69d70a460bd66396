"""`smsgate rules list`: every rule with what decides how it acts, who answers for it, and what it did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, default_rules, err, out, print_whole, told_faults
from smsgate.cli.control import CONFIG, Config, Control, asked_if_running
from smsgate.config.load import load_settings
from smsgate.config.rules import load
from smsgate.rules.model import Mode, Pack, Rule, RuleMode, Sample
from smsgate.rules.tables import expired

NONE = "-"


class ModeKind(StrEnum):
    """What to list by."""

    MONITOR = "monitor"
    SAMPLE = "sample"
    ENFORCE = "enforce"


class Row(NamedTuple):
    """A rule, its pack, and its hits by `enforce` and `monitor`; None where no gate was asked."""

    pack: Pack
    rule: Rule
    expired: bool
    hits: Mapping[str, int] | None


def list_rules(  # noqa: PLR0917  # the options of the command
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Packs and folders of packs.", show_default="those of the configuration, else rules/"),
    ] = None,
    pack: Annotated[str | None, typer.Option(help="Only rules of this pack.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only rules of this owner.")] = None,
    mode: Annotated[ModeKind | None, typer.Option(help="Only rules in this mode, be it for one client.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object each.")] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """List the rules in the files, with mode, action, owner, age, expiry, hits and place.

    Hits are those of the running gate since it started, asked for through its control socket: how often a rule acted, and how
    often it would have.

        smsgate rules list --mode monitor
        smsgate rules list rules/fr --owner fraud-desk --json
    """
    today = datetime.now(UTC).date()
    counted = asked_if_running(config, control, "hits")
    with told_faults():
        packs = load(_paths(paths, config), today).packs
    rows = [
        row
        for row in _rows(packs, today, counted)
        if pack in {None, row.pack.name}
        and owner in {None, row.rule.owner}
        and (mode is None or mode in {_kind(each) for each in (row.rule.mode, *dict(row.rule.clients).values())})
    ]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(_record(row), ensure_ascii=False))
        return
    if out.is_terminal:
        out.print(_table(rows, today))
    else:  # a place on two lines is of no use to grep
        print_whole(_table(rows, today))
    told = f"{len(rows)} rule{'' if len(rows) == 1 else 's'}"
    err.print(told + ("" if counted is not None else "; no gate was asked for hits"), style="dim")


def _paths(paths: list[Path] | None, config: Path) -> list[Path]:
    if paths:
        return paths
    return list(load_settings(config).rules) if config.is_file() else [default_rules()]


def _rows(packs: tuple[Pack, ...], today: date, counted: Mapping[str, Mapping[str, int]] | None) -> Iterator[Row]:
    for pack in packs:
        for rule in pack.rules:
            yield Row(pack, rule, expired(rule, today), None if counted is None else counted.get(rule.id, {}))


def _kind(mode: RuleMode) -> ModeKind:
    return ModeKind.SAMPLE if isinstance(mode, Sample) else ModeKind(mode)


def _record(row: Row) -> dict[str, Any]:
    rule = row.rule
    overridden = rule.overridden
    return {
        "id": rule.id,
        "title": rule.title,
        "pack": row.pack.name,
        "mode": str(rule.mode),
        "clients": {client: str(mode) for client, mode in rule.clients},
        "action": str(rule.action),
        "owner": rule.owner,
        "reference": rule.reference,
        "since": str(rule.since) if rule.since else None,
        "expires": str(rule.expires) if rule.expires else None,
        "expired": row.expired,
        "acted": None if row.hits is None else row.hits.get("enforce", 0),
        "would_have": None if row.hits is None else row.hits.get("monitor", 0),
        "file": rule.where.file,
        "line": rule.where.line,
        "overridden": {"file": overridden.file, "line": overridden.line} if overridden else None,
    }


def _table(rows: list[Row], today: date) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for name in ("rule", "mode", "action", "owner", "age", "expires"):
        table.add_column(name, no_wrap=True)
    for name in ("acted", "would"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("place", overflow="fold")
    for row in rows:
        rule = row.rule
        modes = [str(rule.mode), *(f"{client}: {mode}" for client, mode in rule.clients)]
        places = [f"{rule.where.file}:{rule.where.line}"]
        if rule.overridden:
            places += ["overridden in", f"{rule.overridden.file}:{rule.overridden.line}"]
        table.add_row(
            Text(rule.id, "bold"),
            Text("\n".join(modes), "" if rule.mode is Mode.ENFORCE else "yellow"),
            Text(str(rule.action), ACTION_STYLE[rule.action]),
            Text(rule.owner or NONE),
            _age(rule.since, today),
            Text(f"{rule.expires}, over" if row.expired else str(rule.expires or NONE), "red" if row.expired else ""),
            NONE if row.hits is None else f"{row.hits.get('enforce', 0):,}",
            NONE if row.hits is None else f"{row.hits.get('monitor', 0):,}",
            Text("\n".join(places)),
        )
    return table


def _age(since: date | None, today: date) -> str:
    """In days, months or years, whichever says it in two digits."""
    if since is None:
        return NONE
    days = max(0, (today - since).days)
    return f"{days} d" if days < 100 else f"{days // 30} mo" if days < 1000 else f"{days // 365} y"
