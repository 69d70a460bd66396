"""`smsgate block` and `unblock`: stop one host, number or sender at once, for a time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from smsgate.cli.common import out, seconds
from smsgate.cli.control import CONFIG, Config, Control, asking, printable
from smsgate.rules.blocks import BlockKind


def block(  # noqa: PLR0917  # the arguments of the command
    kind: Annotated[
        BlockKind | None, typer.Argument(metavar="[host|number|sender]", help="Without it, tells what is blocked.")
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The host, number or sender.")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 24h, 7d; 90d at most.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is logged.")] = None,
    force: Annotated[bool, typer.Option(help="Even what is a brand's own, or on a list of trusted sites.")] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Refuse every message with a host (its sub-domains too) or a phone number in its text, or from a sender.

    In force at once in all workers, before all rules, `allow` among them; kept in the folder `state:` of the configuration, so
    that it outlives a restart. Metrics and verdicts name the rules BLOCK-HOST, BLOCK-NUMBER and BLOCK-SENDER.

        smsgate block host ppx-hub.example --for 24h --reason "parcel fraud, ticket 4711"
        smsgate block number "01 99 00 99 10" --for 7d
        smsgate block
    """
    if kind is not None and (value is None or for_ is None):
        raise typer.BadParameter("say what and for how long: NAME --for 24h")
    if kind is None and (for_ is not None or reason is not None or force):
        raise typer.BadParameter("say what: host, number or sender, and its name")
    for_s = None if for_ is None else seconds(for_)
    with asking(config, control) as gate:
        records = gate.ask("block", kind=kind, value=value, for_s=for_s, reason=reason, force=force or None)
    if not records:
        out.print("nothing is blocked")
    for record in records:
        _tell(record)


def unblock(
    value: Annotated[str, typer.Argument(metavar="NAME", help="The host, number or sender.")],
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """End a block before its time. Exit code 1: nothing of that name is blocked.

    smsgate unblock ppx-hub.example
    """
    with asking(config, control) as gate:
        gone = gate.ask("unblock", value=value)
    for record in gone:
        out.print(f"{record['kind']} {printable(record['value'])} is no longer blocked", markup=False)
    if not gone:
        out.print(f"{printable(value)} was not blocked", markup=False)
        raise typer.Exit(1)


def _tell(record: dict[str, Any]) -> None:
    why = f": {printable(record['reason'])}" if record["reason"] else ""
    out.print(f"{record['kind']} {printable(record['value'])} blocked until {record['until']}{why}", markup=False)
