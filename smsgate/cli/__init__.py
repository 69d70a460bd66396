"""The command `smsgate`: one module per subcommand, `common` for what they share."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc
from typing import Final

import typer

from smsgate.cli.audit import audit
from smsgate.cli.backtest import backtest
from smsgate.cli.by_hand import allow, block, disallow, unblock
from smsgate.cli.check import check
from smsgate.cli.demo import demo
from smsgate.cli.explain import explain
from smsgate.cli.imports import import_
from smsgate.cli.monitor import monitor
from smsgate.cli.new_rule import new_rule
from smsgate.cli.reload import reload
from smsgate.cli.rules import rules
from smsgate.cli.run import run
from smsgate.cli.sessions import kick, sessions
from smsgate.cli.simulate import simulate
from smsgate.cli.top import top
from smsgate.cli.trace import trace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""An SMS filter between senders (ESMEs) and an operator's SMSC.

    See it work:        [bold]smsgate demo[/bold]

    Write rules:        [bold]smsgate new-rule[/bold], [bold]smsgate check rules/[/bold],
                        then [bold]smsgate explain "a suspicious text"[/bold]

    Know what they do:  [bold]smsgate backtest --rules rules/ messages.jsonl[/bold]

    Put them in force:  [bold]smsgate run --config smsgate.yaml[/bold]

    See it run:         [bold]smsgate top[/bold], [bold]smsgate sessions[/bold], then [bold]smsgate trace CLIENT[/bold]
    """,
)
_GATE, _RULES, _RUNNING = "The gate", "Rules", "A running gate"
_COMMANDS: Final[dict[str, tuple[Callable[..., None], ...]]] = {
    _GATE: (run, demo),
    _RULES: (new_rule, check, explain, backtest),
    _RUNNING: (top, sessions, trace, kick, monitor, block, unblock, allow, disallow, reload),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
app.add_typer(simulate, name="simulate", rich_help_panel=_GATE)
app.add_typer(rules, name="rules", rich_help_panel=_RULES)
app.add_typer(import_, name="import", rich_help_panel=_RULES)
app.add_typer(audit, name="audit", rich_help_panel=_RUNNING)


def _flow(commands: typer.Typer) -> None:
    """Have the paragraphs of docstrings wrapped at the terminal's width, not at the source's; examples stay as they are."""
    for command in commands.registered_commands:
        paragraphs = (getdoc(command.callback) or "").split("\n\n")
        flowing = (text if text.startswith(" ") else " ".join(text.split("\n")) for text in paragraphs)
        command.help = "\n\n".join(flowing)
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            _flow(group.typer_instance)


_flow(app)
