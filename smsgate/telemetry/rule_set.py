"""What is told of the rule set in force and of the attempts to change it; one for a whole gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


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
        info = GaugeMetricFamily("smsgate_rule_set_info", "1 for the rule set in force.", labels=["version"])
        info.add_metric([self.version], 1)
        yield info
        yield GaugeMetricFamily("smsgate_rules", "Rules in force.", value=self.rules)
        yield GaugeMetricFamily(
            "smsgate_rule_set_loaded_timestamp_seconds", "When the set came into force.", value=self.loaded_s
        )
        yield GaugeMetricFamily(
            "smsgate_rule_set_rolled_back",
            "1 while a rollback is in force, not what the files say.",
            value=self.rolled_back,
        )
        yield GaugeMetricFamily("smsgate_reload_refused", "1 while the last reload was refused.", value=self.refused)
        reloads = CounterMetricFamily("smsgate_reloads", "Reloads of the rules.", labels=["result"])
        for result, count in list(self.reloads.items()):
            reloads.add_metric([result], count)
        yield reloads
