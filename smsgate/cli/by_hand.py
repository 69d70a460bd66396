"""`smsgate block`, `unblock`, `allow` and `disallow`: what an operator orders by hand, at once and for a time."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from smsgate.cli.common import out, refuse, seconds
from smsgate.cli.control import CONFIG, Config, Control, asking, printable
from smsgate.rules.allowances import AllowKind
from smsgate.rules.blocks import BlockKind

Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is logged.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object each.")]


def block(  # noqa: PLR0917  # the arguments of the command
    kind: Annotated[
        BlockKind | None, typer.Argument(metavar="[host|number|sender]", help="Without it, tells what is blocked.")
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The host, number or sender.")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 24h, 7d; 90d at most.")
    ] = None,
    reason: Reason = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even what is a brand's own, or on a list of trusted sites.")
    ] = False,
    as_json: Json = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Refuse messages with a host or a phone number in them, or from a sender.

    A host stands for its sub-domains too; a number is found in every spelling, and as the sender. In force at once in all
    workers, before all rules, `allow` among them; kept in the folder `state:` of the configuration, so that it outlives a
    restart. Metrics and verdicts name the rules BLOCK-HOST, BLOCK-NUMBER and BLOCK-SENDER.

        smsgate block host ppx-hub.example --for 24h --reason "parcel fraud, ticket 4711"
        smsgate block number "01 99 00 99 10" --for 7d
        smsgate block
    """
    arguments = _order(kind, value, for_, reason, force=force or None)
    with asking(config, control) as gate:
        records = gate.ask("block", **arguments)
    _tell(records, "blocked", "nothing is blocked", as_json=as_json)


def unblock(
    value: Annotated[str, typer.Argument(metavar="NAME", help="The host, number or sender.")],
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """End a block before its time.

    Exit code 1: nothing of that name is blocked.

        smsgate unblock ppx-hub.example
    """
    with asking(config, control) as gate:
        gone = gate.ask("unblock", value=value)
    _tell_end(gone, value, "blocked")


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
    reason: Reason = None,
    client: Annotated[
        str | None, typer.Option(metavar="CLIENT", help="Whose sender it is: anybody can write a sender.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even a suffix under which anybody may have a site.")] = False,
    as_json: Json = False,
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
    arguments = _order(kind, value, for_, reason, client=client, force=force or None)
    with asking(config, control) as gate:
        records = gate.ask("allow", **arguments)
    _tell(records, "allowed", "nothing is allowed by hand", as_json=as_json)


def disallow(
    value: Annotated[str, typer.Argument(metavar="NAME", help="The host, number or sender, or the rule's id.")],
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """End before its time what was allowed.

    Exit code 1: nothing of that name was.

        smsgate disallow FR-COLIS-003
    """
    with asking(config, control) as gate:
        gone = gate.ask("disallow", value=value)
    _tell_end(gone, value, "allowed")


def _order(
    kind: StrEnum | None, value: str | None, for_: str | None, reason: str | None, **others: Any
) -> dict[str, Any]:
    """What the gate is asked; without a kind, what is in force. Raises BadParameter where something is missing."""
    given = {"value": value, "for_s": None if for_ is None else seconds(for_), "reason": reason, **others}
    if kind is not None and (value is None or for_ is None):
        raise typer.BadParameter("say what and for how long: NAME --for 4h")
    if kind is None and any(each is not None for each in given.values()):
        raise typer.BadParameter("say of which kind it is, and its name")
    return {"kind": kind, **given}


def _tell(records: list[dict[str, Any]], done: str, nothing: str, *, as_json: bool) -> None:
    if as_json:
        for record in records:
            typer.echo(json.dumps(record, ensure_ascii=False))
        return
    for record in records:
        why = f": {printable(record['reason'])}" if record["reason"] else ""
        out.print(f"{_named(record)} {done} until {record['until']}{why}", markup=False)
    if not records:
        out.print(nothing)


def _tell_end(records: list[dict[str, Any]], value: str, done: str) -> None:
    if not records:
        refuse(f"{printable(value)} was not {done} by hand")
    for record in records:
        out.print(f"{_named(record)} is no longer {done}", markup=False)


def _named(record: dict[str, Any]) -> str:
    whose = f" of client {printable(record['client'])}" if "client" in record else ""
    return f"{record['kind']} {printable(record['value'])}{whose}"
