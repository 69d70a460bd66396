"""What is told of the rule set in force and of the attempts to change it; one for a whole gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from prometheus_client.core import Metric

from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Unit
from smsgate.telemetry import families


def _now() -> float:
    return datetime.now(UTC).timestamp()


def rotating(rules: RuleSet) -> tuple[str, ...]:
    """The ids of the limits that tell of rotation."""
    return tuple(limit.id for limit in rules.limits if limit.unit is Unit.SENDERS)


@dataclass(slots=True)
class RuleSetState:
    """`rules`: how many; `rotating`: see the function; `loaded_s`: Unix time; `refused`: the last attempt was; `rolled_back`: not
    what the files say."""

    version: str
    rules: int
    rotating: tuple[str, ...] = ()
    loaded_s: float = field(default_factory=_now)
    refused: bool = False
    rolled_back: bool = False
    reloads: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "refused": 0})

    @classmethod
    def of(cls, rules: RuleSet) -> Self:
        """Of a set that is in force from now on."""
        return cls(rules.version, len(rules.rules), rotating(rules))

    def put(self, version: str, rules: int, rotating: tuple[str, ...]) -> None:
        """Another set is in force from now on."""
        self.version, self.rules, self.rotating, self.loaded_s = version, rules, rotating, _now()

    def collect(self) -> Iterator[Metric]:
        """See `metrics.Metrics.collect`."""
        yield families.RULE_SET.of([([self.version], 1)])
        yield families.RULES.one(self.rules)
        yield families.RULES_LOADED.one(self.loaded_s)
        yield families.RULES_ROLLED_BACK.one(self.rolled_back)
        yield families.RELOAD_REFUSED.one(self.refused)
        yield families.RELOADS.of([([result], count) for result, count in list(self.reloads.items())])
