"""`smsgate allow` and `disallow`: the way out of a false positive, for as long as it takes to put the rules right."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smsgate.cli.common import out, seconds
from smsgate.cli.control import CONFIG, Config, Control, asking, printable
from smsgate.rules.allowances import AllowKind


def allow(  # noqa: PLR0917  # the arguments of the command
    kind: Annotated[
        AllowKind | None, typer.Argument(metavar="[host|number|sender|rule]", help="Without it, tells what is allowed.")
    ] = None,
    value: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The host, number or sender, or the rule's id.")
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 4h, 2d; 7d at most.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is logged.")] = None,
    client: Annotated[
        str | None, typer.Option(metavar="SYSTEM_ID", help="Whose sender it is: anybody can write a sender.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Even a suffix under which anybody may have a site.")] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Let pass what a rule refuses wrongly, until the rules are put right.

    A host (its sub-domains too) is then nobody's look-alike, on no list, and not foreign; a number is not foreign, no mobile
    and no premium one. Another link or number beside it is judged as ever. A rule only monitors; so do all of them for a sender
    of one client. What is blocked by hand stays blocked.

    In force at once in all workers; kept in the folder `state:` of the configuration, so that it outlives a restart.

        smsgate allow host track.carrier.example --for 4h --reason "ticket 4712"
        smsgate allow rule FR-COLIS-003 --for 2h --reason "hits a carrier's notices"
        smsgate allow sender MyBank --client bank1 --for 1d --reason "new campaign"
        smsgate allow
    """
    if kind is not None and (value is None or for_ is None or not (reason or "").strip()):
        raise typer.BadParameter("say what, for how long and why: NAME --for 4h --reason TEXT")
    if kind is None and (for_ is not None or reason is not None or client is not None or force):
        raise typer.BadParameter("say what: host, number, sender or rule, and its name")
    for_s = None if for_ is None else seconds(for_)
    with asking(config, control) as gate:
        records = gate.ask(
            "allow", kind=kind, value=value, for_s=for_s, reason=reason, client=client, force=force or None
        )
    if not records:
        out.print("nothing is allowed by hand")
    for record in records:
        out.print(f"{_named(record)} allowed until {record['until']}: {printable(record['reason'])}", markup=False)


def disallow(
    value: Annotated[str, typer.Argument(metavar="NAME", help="The host, number or sender, or the rule's id.")],
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """End what was allowed before its time. Exit code 1: nothing of that name was.

    smsgate disallow FR-COLIS-003
    """
    with asking(config, control) as gate:
        gone = gate.ask("disallow", value=value)
    for record in gone:
        out.print(f"{_named(record)} is no longer allowed", markup=False)
    if not gone:
        out.print(f"{printable(value)} was not allowed by hand", markup=False)
        raise typer.Exit(1)


def _named(record: dict[str, Any]) -> str:
    whose = f" of client {printable(record['client'])}" if "client" in record else ""
    return f"{record['kind']} {printable(record['value'])}{whose}"
