"""`smsgate sessions` and `smsgate kick`: who is connected, and an end of that."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import out, print_whole, refuse
from smsgate.cli.control import CONFIG, Config, Control, asking, printable


def sessions(
    config: Config = CONFIG,
    control: Control = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a session.")] = False,
) -> None:
    """List the sessions of a running gate.

    [bold]in flight[/bold] are requests without an answer yet: messages to the SMSC (MT), and from it (MO). [bold]judged[/bold]
    and [bold]rate/s[/bold] count messages, so far and in the last second; [bold]buffered[/bold] are octets that wait in the gate.

        smsgate sessions
        smsgate sessions --json | jq 'select(.idle_s > 60)'
    """
    with asking(config, control) as gate:
        found = sorted(gate.ask("sessions"), key=_place)
    if as_json:
        for session in found:
            typer.echo(json.dumps(session))
    elif found:
        print_whole(_table(found))
    else:
        out.print("no sessions")


def _place(session: dict[str, Any]) -> tuple[bool, str, float]:
    """By client, the oldest first; those that have not bound yet come last."""
    return not session["client"], session["client"], -session["age_s"]


def _table(found: list[dict[str, Any]]) -> Table:
    several = any("worker" in session for session in found)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("client", "address", *(["worker"] if several else []), "state", "upstream"):
        table.add_column(name, no_wrap=True)
    for name in ("age", "idle", "in flight MT/MO", "judged", "rate/s", "buffered"):
        table.add_column(name, no_wrap=True, justify="right")
    for session in found:
        table.add_row(
            Text(printable(session["client"]) or "-"),
            Text(session["address"]),
            *([str(session.get("worker", ""))] if several else []),
            session["state"],
            Text(session["upstream"] or "-"),
            _span(session["age_s"]),
            _span(session["idle_s"]),
            f"{session['in_flight']}/{session['in_flight_mo']}",
            str(session["judged"]),
            str(session["rate_per_s"]),
            str(session["buffered_bytes"]),
        )
    return table


def _span(seconds: float) -> str:
    """A time for people: `4.2s`, `3m05s`, `7h12m`, `12d03h`."""
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02}h"


def kick(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The system_id.")],
    at_once: Annotated[bool, typer.Option("--at-once", help="Close without waiting for answers or unbinding.")] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """End all sessions of a client: answers in flight arrive, then both sides are unbound.

    A client that is still there when [bold]drain_timeout[/bold] has passed is cut off. Nothing keeps it from binding again.
    Exit code 1: it had no session.

        smsgate kick bank1
        smsgate kick bank1 --at-once
    """
    with asking(config, control) as gate:
        kicked = gate.ask("kick", client=client, at_once=at_once)
    name = printable(client)
    if not kicked:
        refuse(f"{name} has no session")
    out.print(f"{name}: {kicked} session{'s' if kicked > 1 else ''} ended", markup=False)
