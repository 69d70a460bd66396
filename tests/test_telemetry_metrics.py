"""What the data path counts is what Prometheus is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from smsgate.rules.model import Unit
from smsgate.rules.verdict import Verdict
from smsgate.smpp.constants import OTHER_COMMAND, RESPONSE, Command
from smsgate.telemetry.metrics import FILTER_BUCKETS_S, Histogram, Metrics
from smsgate.telemetry.rule_set import RuleSetState
from tests.packs import Action, LimitKey, limit, rule, rule_set

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Shown:
    """A registry that holds one `Metrics`, read back from the text that a scrape gets."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self.metrics.collect()

    def samples(self) -> Samples:
        registry = CollectorRegistry()
        registry.register(self)
        text = generate_latest(registry).decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples()[name, frozenset(labels.items())]


@pytest.fixture
def shown() -> Shown:
    return Shown(Metrics(("bank1", "other")))


def test_messages_by_client_and_verdict(shown: Shown) -> None:
    counts = shown.metrics.messages["bank1"]
    for action, number in ((Action.ALLOW, 5), (Action.FLAG, 4), (Action.THROTTLE, 3), (Action.BLOCK, 2)):
        counts[action] += number
    for verdict, number in (("allow", 5), ("flag", 4), ("throttle", 3), ("block", 2)):
        assert shown.value("smsgate_messages_total", client="bank1", direction="mt", verdict=verdict) == number
        assert shown.value("smsgate_messages_total", client="other", direction="mt", verdict=verdict) == 0


def test_what_smscs_deliver_counts_apart(shown: Shown) -> None:
    shown.metrics.count_mo("bank1", Action.BLOCK)
    shown.metrics.count_mo("bank1", Action.BLOCK)
    merged = Shown(Metrics(("bank1", "other")))
    merged.metrics.add(json.loads(json.dumps(shown.metrics.record())))
    for each in (shown, merged):
        assert each.value("smsgate_messages_total", client="bank1", direction="mo", verdict="block") == 2
        assert each.value("smsgate_messages_total", client="bank1", direction="mt", verdict="block") == 0


def test_hits_of_rules_and_limits(shown: Shown) -> None:
    blocking, watching = rule("link", name="R-1"), rule("link", name="R-2")
    rate = limit(LimitKey.SENDER, 3, name="L-1")
    shown.metrics.count_rules("bank1", Verdict(Action.BLOCK, 0x66, (blocking,), (watching,)))
    shown.metrics.count_rules("bank1", Verdict(Action.BLOCK, 0x66, (blocking,)))
    shown.metrics.count_rules("other", Verdict(Action.THROTTLE, 0x64, (rate,)))
    shown.metrics.count_rules("bank1", Verdict(Action.THROTTLE, 0x58))
    hits = "smsgate_rule_hits_total"
    assert shown.value(hits, client="bank1", rule="R-1", action="block", mode="enforce") == 2
    assert shown.value(hits, client="bank1", rule="R-2", action="block", mode="monitor") == 1
    assert shown.value(hits, client="other", rule="L-1", action="throttle", mode="enforce") == 1
    assert shown.value("smsgate_throttled_total", client="other", limit="L-1") == 1
    assert shown.value("smsgate_throttled_total", client="bank1", limit="client_rate") == 1


def test_rotation_counts_the_limits_on_distinct_senders_alone(shown: Shown) -> None:
    rotation = limit(LimitKey.LINK_HOST, 3, name="L-1", unit=Unit.SENDERS)
    others = (limit(LimitKey.LINK_HOST, 3, name="L-2", unit=Unit.RECIPIENTS), rule("link"))
    shown.metrics.count_rules("bank1", Verdict(Action.FLAG, 0, (rotation, *others)))
    shown.metrics.count_rules("bank1", Verdict(monitored=(rotation,)))
    shown.metrics.limit_keys_evicted = 7
    merged = Shown(Metrics(("bank1", "other")))
    merged.metrics.add(json.loads(json.dumps(shown.metrics.record())))
    for each in (shown, merged):
        assert each.value("smsgate_rotation_total", limit="L-1") == 2
        assert ("smsgate_rotation_total", frozenset({("limit", "L-2")})) not in each.samples()
        assert each.value("smsgate_limit_keys_evicted_total") == 7


def test_rotation_stands_at_0_for_each_limit_that_tells_of_it(shown: Shown) -> None:
    limits = [
        limit(LimitKey.LINK_HOST, 3, name=name, unit=unit)
        for name, unit in (("L-1", Unit.SENDERS), ("L-2", Unit.MESSAGES))
    ]
    shown.metrics.rule_set = state = RuleSetState.of(rule_set(*limits))
    name, labels = "smsgate_rotation_total", frozenset({("limit", "L-2")})
    assert shown.value(name, limit="L-1") == 0
    assert (name, labels) not in shown.samples()
    shown.metrics.count_rules("bank1", Verdict(monitored=(limits[0],)))
    assert shown.value(name, limit="L-1") == 1
    state.put("04ac8c8f4d80", 3, ("L-3",))
    assert (shown.value(name, limit="L-1"), shown.value(name, limit="L-3")) == (1, 0)


def test_pdus_by_side_and_command(shown: Shown) -> None:
    metrics = shown.metrics
    metrics.pdus_downstream[Command.SUBMIT_SM] += 3
    metrics.pdus_downstream[OTHER_COMMAND] += 1
    metrics.pdus_upstream[Command.SUBMIT_SM | RESPONSE] += 2
    metrics.pdus_upstream[Command.GENERIC_NACK] += 1
    pdus = "smsgate_pdus_total"
    assert shown.value(pdus, side="downstream", command="submit_sm") == 3
    assert shown.value(pdus, side="downstream", command="other") == 1
    assert shown.value(pdus, side="upstream", command="submit_sm_resp") == 2
    assert shown.value(pdus, side="upstream", command="generic_nack") == 1
    assert sum(name == pdus for name, _ in shown.samples()) == 4


def test_every_known_command_has_a_name_of_its_own(shown: Shown) -> None:
    for command in shown.metrics.pdus_downstream:
        shown.metrics.pdus_downstream[command] = 1
    names = {dict(labels)["command"] for name, labels in shown.samples() if name == "smsgate_pdus_total"}
    assert len(names) == len(shown.metrics.pdus_downstream)
    assert {"bind_transceiver", "bind_transceiver_resp", "generic_nack", "other"} < names


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("sessions", "smsgate_sessions"),
        ("sessions_total", "smsgate_sessions_opened_total"),
        ("binds_refused", "smsgate_binds_refused_total"),
        ("upstream_failures", "smsgate_upstream_connect_failures_total"),
        ("filter_errors", "smsgate_filter_errors_total"),
    ],
)
def test_plain_numbers(shown: Shown, attribute: str, name: str) -> None:
    assert shown.value(name) == 0
    setattr(shown.metrics, attribute, 7)
    assert shown.value(name) == 7


@pytest.mark.parametrize("name", ["smsgate_filter_seconds", "smsgate_upstream_response_seconds"])
def test_histograms_are_cumulative(shown: Shown, name: str) -> None:
    histogram = shown.metrics.filter_time if "filter" in name else shown.metrics.response_time
    bounds = histogram.bounds
    seconds = [0.0, bounds[0], bounds[0] * 1.01, bounds[3], bounds[-1], bounds[-1] * 9]
    for one in seconds:
        histogram.observe(one)
    samples = shown.samples()
    buckets = {
        float(dict(labels)["le"]): value for (sample, labels), value in samples.items() if sample == f"{name}_bucket"
    }
    assert buckets == {bound: sum(one <= bound for one in seconds) for bound in (*bounds, float("inf"))}
    assert shown.value(f"{name}_count") == len(seconds)
    assert shown.value(f"{name}_sum") == pytest.approx(sum(seconds))


def test_a_histogram_counts_a_bound_as_below_it() -> None:
    histogram = Histogram(FILTER_BUCKETS_S)
    for bound in FILTER_BUCKETS_S:
        histogram.observe(bound)
    assert histogram.counts == [1] * len(FILTER_BUCKETS_S) + [0]


def test_the_rule_set_in_force(shown: Shown) -> None:
    assert not any(name.startswith("smsgate_rule_set") for name, _ in shown.samples())
    rules = rule_set(rule("link"), rule("not link", name="R-2"))
    shown.metrics.rule_set = RuleSetState.of(rules)
    assert shown.value("smsgate_rule_set_info", version=rules.version) == 1
    assert shown.value("smsgate_rules") == 2


def test_every_family_says_what_it_is(shown: Shown) -> None:
    families = list(shown.metrics.collect())
    assert all(family.documentation.endswith(".") for family in families)
    assert all(family.name.startswith("smsgate_") for family in families)
    assert len({family.name for family in families}) == len(families)
