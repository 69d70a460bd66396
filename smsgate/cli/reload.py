"""`smsgate reload`: what SIGHUP does, with an answer."""

from __future__ import annotations

import os
from getpass import getuser
from typing import Annotated, Any

import typer

from smsgate.cli.common import EXIT_DIAGNOSTICS, err, out
from smsgate.cli.control import CONFIG, Config, Control, asking

RELOAD_S = 330.0
"""How long rules may take until they are in force or refused: the gate gives them 300 s."""


def reload(
    config: Config = CONFIG,
    control: Control = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the guard says; it is logged.")] = False,
) -> None:
    """Take up the rules as their files are now, and renewed certificates.

    Does what SIGHUP does to a gate, and answers when every worker judges by the new rules. When something is wrong with them
    every fault is told, and those in force stay. Exit codes: 0 all is in force, 1 the certificates are refused, 2 the rules are.

        smsgate reload
        smsgate reload --force
    """
    with asking(config, control, timeout_s=RELOAD_S) as gate:
        answer = gate.ask("reload", force=force, by=who())
    rules, fault = answer["rules"], answer["certificates"]
    if rules is not None:
        tell_outcome(rules)
    if fault:
        err.print(fault, style="bold red", markup=False)
    else:
        out.print("certificates reloaded")
    if rules is not None and not rules["accepted"]:
        raise typer.Exit(EXIT_DIAGNOSTICS)
    if fault:
        raise typer.Exit(1)


def tell_outcome(outcome: dict[str, Any]) -> None:
    """Say what came of an attempt to change the rules."""
    for note in outcome["notes"]:
        out.print(note, markup=False)
    if outcome["accepted"]:
        out.print(
            f"rule set {outcome['version']} in force: {outcome['rules']} rules; before: {outcome['before']}",
            markup=False,
        )
        return
    for fault in outcome["faults"]:
        err.print(fault, markup=False)
    err.print(f"refused: rule set {outcome['version']} stays in force", style="bold red", markup=False)


def who() -> str:
    """Who asks, for the gate's log and history: also behind sudo."""
    return os.environ.get("SUDO_USER") or getuser()
