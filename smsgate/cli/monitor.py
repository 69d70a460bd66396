"""`smsgate monitor`: refuse nothing for now."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from smsgate.cli.common import out
from smsgate.cli.control import CONFIG, Config, Control, asking, printable


class Switch(StrEnum):
    """Which way."""

    ON = "on"
    OFF = "off"


def monitor(  # noqa: PLR0917  # the arguments of the command
    switch: Annotated[Switch | None, typer.Argument(help="Without it, tells what is switched on.")] = None,
    client: Annotated[
        str | None, typer.Argument(metavar="[CLIENT]", help="The system_id.", show_default="all clients")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is logged. Needed for `on`.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: a reason by client, * for all.")
    ] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Judge and count the messages of one client, or all, and refuse none.

    In force at once, for sessions that stand too, until it is switched off or the gate is started again.
    [bold]off[/bold] without a client ends what was switched on for all; clients that were switched on by name stay so.

        smsgate monitor on --reason "FR-CPF-001 hits the ministry's campaign" ministry
        smsgate monitor
        smsgate monitor off ministry
    """
    if switch is Switch.ON and not (reason or "").strip():
        raise typer.BadParameter("say why: --reason TEXT")
    if switch is not Switch.ON and reason is not None:
        raise typer.BadParameter("a reason is for `on`")
    with asking(config, control) as gate:
        on = None if switch is None else switch is Switch.ON
        switched = gate.ask("monitor", on=on, client=client, reason=reason)
    if as_json:
        typer.echo(json.dumps(switched, ensure_ascii=False))
        return
    if not switched:
        out.print("monitor-only is off: verdicts are enforced")
    for name, why in sorted(switched.items()):
        whose = "all clients" if name == "*" else printable(name)
        out.print(f"monitor-only for {whose}: {printable(why)}", markup=False)
