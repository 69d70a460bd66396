"""`smsgate run`: the gate itself."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from smsgate import service
from smsgate.cli.common import out, refuse, told_faults
from smsgate.config import rules
from smsgate.config.load import load_settings
from smsgate.telemetry import logs

log = logging.getLogger(__name__)


def run(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = Path("smsgate.yaml"),
) -> None:
    """Stand between senders and the SMSC until SIGTERM.

    Prints the addresses it listens on (port 0 in the configuration lets the system choose), then [bold]ready[/bold].
    On SIGTERM or SIGINT it stops accepting, lets answers in flight arrive, unbinds both sides and exits with 0.
    Rules are taken up when their files change; SIGHUP takes up them and renewed certificates. SIGUSR2 starts the next
    generation, which inherits the listening sockets; this one drains once that is ready: no connect is refused and no message
    lost.

    A minimal configuration:

        listeners: \\[{bind: "0.0.0.0:2775"}]
        upstreams: \\[{address: "smsc.example:2775"}]
        rules: \\[rules/]
        metrics: {bind: "127.0.0.1:9464"}
    """
    with told_faults():
        settings = load_settings(config)
        logs.configure(settings.log)
        try:
            service.run(settings, lambda: rules.load(settings.rules), _started)
        except service.ListenError as error:
            refuse(f"can't start: {error}")


def _started(gate: service.Service) -> None:
    about = {"rule_set": gate.rule_set.version, "rules": gate.rule_set.rules, "workers": gate.settings.workers}
    log.info("ready", extra=about | {"listeners": [str(address) for address in gate.addresses]})
    for address in gate.addresses:
        out.print(f"listening on {address}", markup=False)  # [fd00::1] is no tag
    if gate.admin is not None:
        out.print(f"metrics on http://{gate.admin.address}/metrics", markup=False)
    out.print(f"rule set {gate.rule_set.version}: {gate.rule_set.rules} rules")
    if gate.settings.workers > 1:
        out.print(f"{gate.settings.workers} workers")
    out.print("ready")
    out.file.flush()
