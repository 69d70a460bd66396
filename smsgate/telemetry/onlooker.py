"""What `smsgate top` shows beyond counters: which foreign hosts and which templates are met most, while somebody looks.

Nothing is counted unless somebody has asked within LOOK_S: then every message with a foreign link counts for its hosts, and every
one that a rule hit for its template (as a keyed digest). Values come from traffic, so their number is bounded: of any stream,
`Heaviest` keeps what makes up more than one in MAX_COUNTED of it (Misra and Gries, 1982).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from smsgate.policy import Policy
from smsgate.rules.engine import Finding
from smsgate.rules.verdict import PASS
from smsgate.telemetry.digests import Digests
from smsgate.text.fingerprint import template
from smsgate.text.hosts import registered
from smsgate.text.reading import Reading

LOOK_S: Final = 15.0
"""How long counting goes on after a question: `smsgate top` asks each second."""
WINDOW_S: Final = 5.0
"""What is shown is of one to two of these."""
MAX_COUNTED: Final = 1_000
"""Values counted at once, 0.2 MB."""
MAX_SHOWN: Final = 50
"""Values in an answer: more than a terminal has lines."""

Key = tuple[str, str]
"""The value, and what the rules said to the message."""


class Heaviest:
    """Counts the values that come most. A count is too small by at most 1/MAX_COUNTED of all that was added, never too large."""

    def __init__(self) -> None:
        self.counts: Counter[Key] = Counter()

    def add(self, key: Key) -> None:
        """Count one. Making room costs MAX_COUNTED steps, each paid for by an addition before."""
        if key not in self.counts and len(self.counts) >= MAX_COUNTED:
            self.counts = Counter({known: count - 1 for known, count in self.counts.items() if count > 1})
            return
        self.counts[key] += 1


class Onlooker:
    """What one process sees. Times are in seconds on the clock that messages are judged by."""

    def __init__(self, policy: Policy, digests: Digests) -> None:
        self._policy = policy
        self._digests = digests
        self._asked = 0.0
        self._begin(0.0)

    def look(self, now: float) -> dict[str, Any]:
        """What was counted lately, as plain data: `seconds`, and rows of value, verdict and count. Counting goes on."""
        if self._policy.onlooker is None:
            self._begin(now)
            self._policy.onlooker = self.see
        self._asked = now
        self._turn(now)
        counts = [before.counts + current.counts for before, current in zip(self._before, self._current, strict=True)]
        hosts, templates = ([[*key, count] for key, count in each.most_common(MAX_SHOWN)] for each in counts)
        return {"seconds": now - self._began, "hosts": hosts, "templates": templates}

    def see(self, finding: Finding, texts: Sequence[Reading], now: float) -> None:
        """Count a message; the last one that nobody waits for ends the counting."""
        if now - self._asked > LOOK_S:
            self._policy.onlooker = None
            return
        self._turn(now)
        hosts, templates = self._current
        verdict = str(finding.verdict.action)
        met = {link.host for _, links in finding.readings for link in links}
        for host in {registered(host) for host in met if self._policy.rules.is_foreign(host)}:
            hosts.add((host, verdict))
        if finding.verdict is not PASS:
            words = template(texts[0].plain())
            if words:
                templates.add((self._digests.template(words), verdict))

    def _begin(self, now: float) -> None:
        self._before = (Heaviest(), Heaviest())
        self._current = (Heaviest(), Heaviest())
        self._began = self._turned = now

    def _turn(self, now: float) -> None:
        if now - self._turned >= 2 * WINDOW_S:  # a pause: what came before it is no news
            self._begin(now - WINDOW_S)
        if now - self._turned >= WINDOW_S:
            self._began = self._turned
            self._before, self._current = self._current, (Heaviest(), Heaviest())
            self._turned = now


def together(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What several processes have seen."""
    seen: dict[str, Any] = {"seconds": max((answer["seconds"] for answer in answers), default=0.0)}
    for what in ("hosts", "templates"):
        counts: Counter[Key] = Counter()
        for answer in answers:
            for value, verdict, count in answer[what]:
                counts[value, verdict] += count
        seen[what] = [[*key, count] for key, count in counts.most_common(MAX_SHOWN)]
    return seen
