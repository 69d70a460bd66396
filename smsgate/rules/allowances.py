"""What an operator lets pass by hand, for a time: the way out of a false positive until the rules are put right.

An allowance takes away the least that helps. A host or number is taken for one that is known to be harmless, so a message that
gives another one beside it is judged by that; a rule, or all rules for one sender of one client, only monitor. Which allowances
are over is known to whoever has a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from smsgate.rules.brands import squeezed


class AllowKind(StrEnum):
    """What is allowed: a host with its sub-domains, a phone number in texts, a sender of one client, or what a rule hits."""

    HOST = "host"
    NUMBER = "number"
    SENDER = "sender"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Allowances:
    """All that is allowed now. `numbers` are as `text.phones.canonical` has them, `senders` pairs of a case-folded client and
    a `squeezed` sender, `rules` ids of rules and limits."""

    hosts: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    senders: frozenset[tuple[str, str]] = frozenset()
    rules: frozenset[str] = frozenset()

    def monitors(self, rule: str, sender: str, client: str) -> bool:
        """Whether a rule must not act on this message."""
        return rule in self.rules or (bool(self.senders) and (client.casefold(), squeezed(sender)) in self.senders)


NOTHING: Final = Allowances()
