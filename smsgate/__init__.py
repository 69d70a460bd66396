"""smsgate: an SMS filter that stands between senders and an operator's SMSC.

The program is `smsgate` (see `smsgate --help`). As a library, `Filter` is the same engine for use inside another gateway:

    from smsgate import Filter

    gate = Filter.load("rules/")
    verdict = gate.check("Votre solde CPF expire", sender="38100", client="bank1")
    if verdict.refused:
        reject(verdict.status)
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.rules import load_rules
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action, Limit, Rule
from smsgate.rules.senders import MAX_SENDER_CHARS
from smsgate.rules.verdict import Verdict

__all__ = ["Action", "Diagnostic", "DiagnosticsError", "Filter", "Limit", "Rule", "Verdict"]


class Filter:
    """Rules that judge texts. Safe to share between threads: checking changes nothing but caches."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules

    @classmethod
    def load(cls, path: str | Path, *more: str | Path) -> Filter:
        """Load packs from files and folders, with their examples tested.

        Raises DiagnosticsError with every fault of every file.
        """
        return cls(load_rules([Path(each) for each in (path, *more)]))

    def check(self, text: str, *, sender: str = "", client: str = "", destination: str = "") -> Verdict:
        """Judge one message that comes now. `sender` is its source address, `client` the system_id it came from,
        `destination` the number that it goes to.

        Limits (rates) are not asked: they need the traffic of a running gate.
        """
        sender = sender[:MAX_SENDER_CHARS]
        return self.rules.check_text(text, sender, client, destination, time_s=datetime.now(UTC).timestamp())
