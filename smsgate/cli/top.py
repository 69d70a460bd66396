"""`smsgate top`: what goes through a running gate now: clients, rules, foreign hosts, templates, by rate."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import ACTION_STYLE, out
from smsgate.cli.control import CONFIG, Asker, Config, Control, asking, printable
from smsgate.rules.model import Action

EVERY_S: Final = 1.0
"""Between two questions."""
OVER_S: Final = 10.0
"""Rates are those of so long, or as long as somebody looks."""
ONCE_S: Final = 2.0
"""How long `--once` looks."""
MAX_ROWS: Final = 50
"""Of each kind; a terminal shows fewer, those that lead."""
HEAD_LINES: Final = 3
"""Of a table: a blank one, its title, its columns."""


class Sample(NamedTuple):
    """An answer of the gate, and when it came, in seconds of a clock that does not jump."""

    at: float
    answer: dict[str, Any]


def top(
    once: Annotated[bool, typer.Option("--once", help=f"Look for {ONCE_S:.0f} seconds, print, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a second.")] = False,
    config: Config = CONFIG,
    control: Control = None,
) -> None:
    """Show what goes through a running gate, live, by messages a second.

    Told of are clients, rules, foreign hosts and templates. [bold]Hosts[/bold] are those in links that are no brand's own and on
    no list of trusted ones, by registrable domain, with what the rules say: a busy one that passes may be a campaign that no
    rule knows. [bold]Templates[/bold] are what the messages of a campaign share, as a digest: `smsgate audit find --template
    DIGEST` has those that a rule hit. No text and no number is shown. Hosts and templates are counted only while somebody looks.

        smsgate top
        smsgate top --once --json | jq '.hosts[] | select(.verdict == "allow")'
    """
    with asking(config, control) as gate:
        try:
            if as_json:
                for rates in _watched(gate, once=once):
                    typer.echo(json.dumps(rates))
            elif once:
                wide = Console(width=max(out.width, 120), highlight=False)
                wide.print(_shown(next(_watched(gate, once=True)), MAX_ROWS))
            else:
                with Live(console=out, screen=True, auto_refresh=False) as live:
                    for rates in _watched(gate, once=False):
                        live.update(_shown(rates, max(1, out.height // 4 - HEAD_LINES)), refresh=True)
        except KeyboardInterrupt:
            return


def _watched(gate: Asker, *, once: bool) -> Iterator[dict[str, Any]]:
    """The rates, each second."""
    samples = deque([_sample(gate)])
    while True:
        time.sleep(ONCE_S if once else EVERY_S)
        samples.append(_sample(gate))
        while samples[-1].at - samples[0].at > OVER_S + EVERY_S:
            samples.popleft()
        yield rates(samples[0], samples[-1])
        if once:
            return


def _sample(gate: Asker) -> Sample:
    answer = gate.ask("top")
    return Sample(time.monotonic(), answer)


def rates(first: Sample, last: Sample) -> dict[str, Any]:
    """Messages a second between two answers; the busiest first."""
    seconds = max(last.at - first.at, 1e-3)
    clients: dict[str, dict[str, float]] = {}
    for (client, verdict), count in _grown(first.answer["messages"], last.answer["messages"]):
        of_client = clients.setdefault(client, {"per_s": 0.0})
        of_client["per_s"] += count / seconds
        of_client[verdict] = of_client.get(verdict, 0.0) + count / seconds
    rules = [
        {"rule": rule, "action": action, "mode": mode, "per_s": count / seconds}
        for (rule, action, mode), count in _grown(first.answer["rules"], last.answer["rules"])
    ]
    looked_s = max(last.answer["seconds"], 1e-3)
    return {
        "sessions": last.answer["sessions"],
        "clients": _busiest({"client": client, **counts} for client, counts in clients.items()),
        "rules": _busiest(rules),
        "hosts": _busiest(
            {"host": host, "verdict": verdict, "per_s": count / looked_s}
            for host, verdict, count in last.answer["hosts"]
        ),
        "templates": _busiest(
            {"template": digest, "verdict": verdict, "per_s": count / looked_s}
            for digest, verdict, count in last.answer["templates"]
        ),
    }


def _grown(before: list[list[Any]], after: list[list[Any]]) -> Iterator[tuple[tuple[str, ...], int]]:
    """By how much each row of a table has grown; a gate that was started anew begins at 0."""
    known = {tuple(key): count for *key, count in before}
    for *key, count in after:
        grown = count - known.get(tuple(key), 0)
        if grown:
            yield tuple(key), grown if grown > 0 else count


def _busiest(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda row: -row["per_s"])[:MAX_ROWS]
    return [
        {key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()} for row in ordered
    ]


def _shown(rates: dict[str, Any], rows: int) -> Group:
    refused = [action for action in Action if action is not Action.ALLOW]
    clients = _table("client", "msg/s", *(f"{action}/s" for action in refused))
    for row in rates["clients"][:rows]:
        counts = (Text(_rate(row.get(action, 0.0)), ACTION_STYLE[action]) for action in refused)
        clients.add_row(Text(printable(row["client"])), _rate(row["per_s"]), *counts)
    rules = _table("rule", "hits/s", "action", "mode")
    for row in rates["rules"][:rows]:
        rules.add_row(Text(row["rule"]), _rate(row["per_s"]), _action(row["action"]), row["mode"])
    hosts = _table("foreign host", "msg/s", "rules say")
    for row in rates["hosts"][:rows]:
        hosts.add_row(Text(printable(row["host"])), _rate(row["per_s"]), _action(row["verdict"]))
    templates = _table("template (digest)", "msg/s", "rules say")
    for row in rates["templates"][:rows]:
        templates.add_row(row["template"], _rate(row["per_s"]), _action(row["verdict"]))
    total = sum(row["per_s"] for row in rates["clients"])
    head = Text(f"{rates['sessions']} sessions, {_rate(total)} messages/s", "bold")
    return Group(head, clients, rules, hosts, templates)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), title="", title_justify="left", header_style="bold")
    table.add_column(first, min_width=32, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right" if other.endswith("/s") else "left", min_width=8, no_wrap=True)
    return table


def _action(action: str) -> Text:
    return Text(action, ACTION_STYLE[Action(action)])


def _rate(per_s: float) -> str:
    return f"{per_s:.1f}" if per_s < 100 else f"{per_s:.0f}"
