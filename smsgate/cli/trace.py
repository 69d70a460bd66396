"""`smsgate trace`: what goes over the wire with one client, without what it says."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer

from smsgate.cli.common import status_name
from smsgate.cli.control import CONFIG, Config, Control, asking


def trace(
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The system_id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a PDU.")] = False,
    count: Annotated[int | None, typer.Option(help="End after so many PDUs.", min=1, metavar="N")] = None,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Show the PDUs of a client as they pass, on all of its sessions.

    Sessions to come are shown too; Ctrl-C ends it. A line has the time, the session, the way, the command, its length in
    octets, its sequence number and its command_status where that is not 0. Texts, numbers and passwords never leave the gate.
    That it was traced is logged.

        smsgate trace bank1
        smsgate trace bank1 --count 20 --json
    """
    with asking(config, control) as gate:
        gate.ask("trace", client=client)
        try:
            for record in islice(gate.records(), count):
                typer.echo(json.dumps(record) if as_json else _line(record))
        except KeyboardInterrupt:
            return


def _line(record: dict[str, Any]) -> str:
    left_out = record.get("left_out", 0)
    before = f"... {left_out} PDUs left out: they came faster than they could be shown\n" if left_out else ""
    at = datetime.fromisoformat(record["at"]).astimezone()
    session = f"#{record['session']}"
    line = (
        f"{at:%H:%M:%S}.{at.microsecond // 1000:03}  {session:<5} {record['way']}  {record['command']:<21} "
        f"{record['length']:>5} octets  sequence {record['sequence']}"
    )
    return before + line + (f"  {status_name(record['status'])}" if record["status"] else "")
