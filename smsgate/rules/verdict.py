"""What is decided of a message: what happens to it, the status to answer with, and the rules that say so.

How rules come to it is `rules.engine`'s business, limits `policy`'s, what is blocked by hand `rules.blocks`'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from smsgate.rules.model import REFUSING, Action, Limit, Rule, place
from smsgate.smpp.constants import Status

DEFAULT_STATUS: Final = {Action.BLOCK: Status.ESME_RX_R_APPN, Action.THROTTLE: Status.ESME_RX_T_APPN}
"""0x66: formally a receiver's code, but the one that senders' stacks in the field do not retry. 0x64: not 0x58, which makes
an aggregator pause its whole bind."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided. `action` is ALLOW when nothing hit. `status` is the command_status to answer (0: the message
    passes, or is dropped). `rules` acted, the strictest first; `monitored` would have. `pause_s`: for how many seconds nothing
    more is to be read of the session that a passing message came on. `refused`: the message must not reach the SMSC; asked of
    every message, mostly of PASS."""

    action: Action = Action.ALLOW
    status: int = 0
    rules: tuple[Rule | Limit, ...] = ()
    monitored: tuple[Rule | Limit, ...] = ()
    pause_s: float = 0.0
    refused: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "refused", self.action in REFUSING)

    @property
    def reason(self) -> str:
        """The rule that decided, for a log line: "FR-CPF-001 rules/fr/cpf.yaml:87:5"; "" when none did."""
        return f"{self.rules[0].id} {place(self.rules[0])}" if self.rules else ""


PASS: Final = Verdict()


def status_of(entry: Rule | Limit) -> int:
    """The command_status that a rule or limit answers with; 0 when the sender is told that all is well."""
    if entry.action not in DEFAULT_STATUS:
        return 0
    return DEFAULT_STATUS[entry.action] if entry.status is None else entry.status
