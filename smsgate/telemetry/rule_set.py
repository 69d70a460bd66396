"""What is told of the rule set in force and of the attempts to change it; one for a whole gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prometheus_client.core import Metric

from smsgate.telemetry import families


def _now() -> float:
    return datetime.now(UTC).timestamp()


@dataclass(slots=True)
class RuleSetState:
    """`rules`: how many; `loaded_s`: Unix time; `refused`: the last attempt was; `rolled_back`: not what the files say."""

    version: str
    rules: int
    loaded_s: float = field(default_factory=_now)
    refused: bool = False
    rolled_back: bool = False
    reloads: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "refused": 0})

    def put(self, version: str, rules: int) -> None:
        """Another set is in force from now on."""
        self.version, self.rules, self.loaded_s = version, rules, _now()

    def collect(self) -> Iterator[Metric]:
        """See `metrics.Metrics.collect`."""
        yield families.RULE_SET.of([([self.version], 1)])
        yield families.RULES.one(self.rules)
        yield families.RULES_LOADED.one(self.loaded_s)
        yield families.RULES_ROLLED_BACK.one(self.rolled_back)
        yield families.RELOAD_REFUSED.one(self.refused)
        yield families.RELOADS.of([([result], count) for result, count in list(self.reloads.items())])
