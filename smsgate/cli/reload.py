"""`smsgate reload`: what SIGHUP does, with an answer."""

from __future__ import annotations

from smsgate.cli.common import out
from smsgate.cli.control import CONFIG, Config, Control, asking


def reload(config: Config = CONFIG, control: Control = None) -> None:
    """Have a running gate take up renewed certificates, as SIGHUP does. Sessions that stand keep what they have.

    Exit code 1: something is wrong with them, and the old ones stay in force.

        smsgate reload
    """
    with asking(config, control) as gate:
        out.print(gate.ask("reload"), markup=False)
