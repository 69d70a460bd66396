"""The command `smsgate`: one module per subcommand, `common` for what they share."""

from __future__ import annotations

import typer

from smsgate.cli.allow import allow, disallow
from smsgate.cli.audit import audit
from smsgate.cli.backtest import backtest
from smsgate.cli.block import block, unblock
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
app.command()(run)
app.command()(demo)
app.command()(check)
app.command()(explain)
app.command()(backtest)
app.command()(new_rule)
for command in (top, sessions, kick, trace, monitor, block, unblock, allow, disallow, reload):
    app.command()(command)
app.add_typer(rules, name="rules")
app.add_typer(audit, name="audit")
app.add_typer(simulate, name="simulate")
app.add_typer(import_, name="import")
