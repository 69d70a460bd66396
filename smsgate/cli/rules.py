"""`smsgate rules`: what was in force and when, and back to it. What there is: see `listing`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import EXIT_DIAGNOSTICS, out, print_whole, refuse, told_faults
from smsgate.cli.control import CONFIG, Config, Control, asking
from smsgate.cli.listing import list_rules
from smsgate.cli.reload import RELOAD_S, tell_outcome, who
from smsgate.config.load import load_settings
from smsgate.reload.history import History

rules = typer.Typer(no_args_is_help=True, help="List the rules, and go back to a rule set that was in force.")
rules.command("list")(list_rules)


@rules.command()
def history(
    config: Config = CONFIG,
    count: Annotated[int, typer.Option("--count", "-n", help="The last so many.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object each, the oldest first.")] = False,
) -> None:
    """Show when rules came into force or were refused, by what, and which versions can be put back.

    Read from the folder that the configuration names under [bold]state[/bold]; no gate needs to run. What was wrong with a set
    that was refused stands in [bold]--json[/bold] and in the gate's log.

        smsgate rules history
        smsgate rules history --json -n 1
    """
    folder = _state(config)
    try:
        kept = History(folder)
        entries, versions = kept.entries()[-count:], kept.versions()
    except OSError as error:
        refuse(f"{folder}: {error.strerror}")
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(entry, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("at (UTC)", "version", "rules", "result", "by what", "kept"):
        table.add_column(name, no_wrap=True)
    for entry in entries:
        table.add_row(*map(Text, _row(entry, versions)))
    print_whole(table)


@rules.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="One that is kept.", show_default="the one before")
    ] = None,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Put an earlier version in force, in the running gate.

    It stays until the rule files change, a reload is asked for, or the gate is started again: then the files count. So put
    right the files too. The guard is not asked. Exit code 2: the version does not load any more.

        smsgate rules rollback
        smsgate rules rollback 3f2a9c01b7de
    """
    with asking(config, control, timeout_s=RELOAD_S) as gate:
        outcome = gate.ask("rollback", version=version, by=who())
    tell_outcome(outcome)
    if not outcome["accepted"]:
        raise typer.Exit(EXIT_DIAGNOSTICS)
    out.print("until the rule files change, a reload is asked for, or the gate is started again")


def _state(config: Path) -> Path:
    with told_faults():
        folder = load_settings(config).state
    if folder is None:
        refuse(f"{config} has no folder for past rule sets. Add the line\n\n    state: state/\n\nand restart the gate")
    return folder


def _row(entry: dict[str, Any], kept: list[str]) -> tuple[str, ...]:
    version, by = str(entry.get("version", "")), entry.get("by")
    at = str(entry.get("at", "")).replace("T", " ").removesuffix("+00:00")
    trigger = f"{entry.get('trigger')} ({by})" if by else str(entry.get("trigger"))
    faults = len(entry.get("faults") or [])
    result = f"{entry.get('result')}" + (f", {faults} fault{'s' if faults > 1 else ''}" if faults else "")
    return at, version, str(entry.get("rules", "")), result, trigger, "yes" if version in kept else ""
