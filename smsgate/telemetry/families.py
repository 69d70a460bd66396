"""The metrics by name: what each is called, counts and is labelled with. The numbers themselves are not here.

`python -m smsgate.telemetry.families` prints the list as docs/metrics.md. A label's values come from the configuration, the
packs and the code only, never from traffic, so `labels` also says how many series a gate can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from smsgate.rules.model import Action

CLIENT: Final = "client"
_ACTIONS: Final = ", ".join(f"`{action}`" for action in Action)

LABELS: Final = {
    CLIENT: "a system_id of the configuration; all others are `other`",
    "direction": "`mt` from clients, `mo` to them",
    "verdict": f"what was decided: {_ACTIONS}",
    "rule": "the id of a rule or limit",
    "action": f"what the rule does: {_ACTIONS}",
    "mode": "`enforce`, or `monitor` where the hit was only counted",
    "limit": "`client_rate`, or the id of a limit, or of a rule that throttles",
    "side": "`downstream` (ESMEs) or `upstream` (SMSCs)",
    "command": "the PDU's name, such as `submit_sm`; unknown ones are `other`",
    "reason": "`address`, `sessions`, `sessions_per_address`, `binds_per_client`, `failed_binds`, `overload`; "
    "of the audit log `queue`, `disk`",
    "timer": "`session_init`, `pdu_read`, `inactivity`",
    "version": "the first digits of the rule set's digest",
    "result": "`accepted`, `refused`",
    "outcome": "of receipts `sent`, or `lost`: no session took it in time, or too many waited; of long messages `refused`, "
    "`incomplete`, `no_room`",
    "order": "`block`, or `allow`",
    "kind": "of what was ordered by hand: `host`, `number`, `sender`, `rule`",
    "process": "`gate`; with several workers `supervisor`, `worker0`, `worker1`, ...",
}


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. `name` is without the `_total` that a counter is shown with."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The name as a query has it."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def of(self, rows: Iterable[tuple[Sequence[str], float]]) -> Metric:
        """The family with one value for each combination of labels."""
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = make(self.name, self.meaning, labels=self.labels)
        for labels, value in rows:
            family.add_metric(labels, value)
        return family

    def one(self, value: float) -> Metric:
        """The family of a metric without labels."""
        return self.of([((), value)])

    def histogram(self, rows: Iterable[tuple[Sequence[str], Sequence[float], Sequence[int], float]]) -> Metric:
        """The family of a histogram, one row for each combination of labels: bounds, counts, and the total of what was observed;
        `counts[i]` are those up to `bounds[i]`, the last those above all."""
        family = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
        for labels, bounds, counts, total in rows:
            buckets = []
            running = 0
            for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
                running += count  # Prometheus wants them cumulative
                buckets.append((bound, running))
            family.add_metric(labels, buckets, total)
        return family


MESSAGES: Final = Family(
    "counter", "smsgate_messages", "Messages judged, by what was decided.", (CLIENT, "direction", "verdict")
)
RULE_HITS: Final = Family(
    "counter", "smsgate_rule_hits", "Hits of rules and limits, monitored ones too.", (CLIENT, "rule", "action", "mode")
)
THROTTLED: Final = Family(
    "counter",
    "smsgate_throttled",
    "Messages refused for a rate: the client's own, a limit's, or by a rule that throttles.",
    (CLIENT, "limit"),
)
ROTATION: Final = Family(
    "counter",
    "smsgate_rotation",
    "Messages whose host, number, template or other key more senders use than a limit on distinct senders allows.",
    ("limit",),
)
PAUSES: Final = Family("counter", "smsgate_pauses", "Pauses in reading a session, for a limit that shapes.", (CLIENT,))
LIMIT_TABLE: Final = Family(
    "gauge",
    "smsgate_limit_table_fill",
    "Share, 0 to 1, of the table for limits across clients that is in use; sampled, to some 3 %.",
)
LIMIT_KEYS_EVICTED: Final = Family(
    "counter",
    "smsgate_limit_keys_evicted",
    "Keys of limits forgotten before their time, for want of room: such limits let more through.",
)
PDUS: Final = Family("counter", "smsgate_pdus", "PDUs received.", ("side", "command"))
READY: Final = Family("gauge", "smsgate_ready", "1 while new sessions are taken: what /readyz says.")
SESSIONS: Final = Family("gauge", "smsgate_sessions", "ESME sessions open now.")
SESSIONS_OPENED: Final = Family("counter", "smsgate_sessions_opened", "ESME sessions opened so far.")
IN_FLIGHT: Final = Family(
    "gauge", "smsgate_in_flight", "Requests forwarded and not answered yet, looked at once a second.", ("direction",)
)
BUFFERED: Final = Family(
    "gauge", "smsgate_buffered_bytes", "Octets that wait in the gate for a peer to take them, looked at once a second."
)
BINDS_REFUSED: Final = Family("counter", "smsgate_binds_refused", "Binds that the SMSC refused.")
CONNECT_FAILURES: Final = Family(
    "counter", "smsgate_upstream_connect_failures", "Binds for which no SMSC could be reached."
)
FILTER_ERRORS: Final = Family(
    "counter", "smsgate_filter_errors", "Messages on which the filter itself failed; should stay 0."
)
REFUSED: Final = Family(
    "counter", "smsgate_refused", "Connections and binds not let in by the gate itself.", ("reason",)
)
RECEIPTS: Final = Family(
    "counter", "smsgate_receipts", "Receipts of the gate's own, for messages that a rule has dropped.", ("outcome",)
)
TIMEOUTS: Final = Family("counter", "smsgate_timeouts", "Sessions ended by a timer.", ("timer",))
LATE_RESPONSES: Final = Family(
    "counter", "smsgate_late_responses", "Answers of the SMSC after the response timer; relayed all the same."
)
UNFILTERED: Final = Family(
    "counter",
    "smsgate_unfiltered",
    "Messages passed unjudged during an overload, of clients with on_overload: pass.",
    (CLIENT,),
)
AUDIT_LOST: Final = Family(
    "counter",
    "smsgate_audit_lost",
    "Lines that the audit log lacks: no room in the queue, or none on the disk; should stay 0.",
    ("reason",),
)
MONITOR_ONLY: Final = Family(
    "gauge", "smsgate_monitor_only", "Switches that put clients into monitor-only now; should be 0 on most days."
)
ORDERS: Final = Family(
    "gauge",
    "smsgate_orders",
    "Blocks and allowances by hand in force now; each allowance lets pass what rules would stop.",
    ("order", "kind"),
)
OVERLOADED: Final = Family("gauge", "smsgate_overloaded", "Processes that are overloaded now.")
OVERLOADS: Final = Family("counter", "smsgate_overloads", "Times that an overload began.")
LOOP_LAG: Final = Family(
    "histogram", "smsgate_loop_lag_seconds", "How late the event loop runs, measured every 100 ms."
)
FILTER_SECONDS: Final = Family("histogram", "smsgate_filter_seconds", "Time to judge a message.")
ADDED_SECONDS: Final = Family(
    "histogram",
    "smsgate_added_seconds",
    "Time from the arrival of octets to their being written on, by portion read; waiting for a peer that is slow included.",
    ("side",),
)
SEGMENT_SETS: Final = Family("gauge", "smsgate_segment_sets", "Long messages of which parts are remembered.")
SEGMENTS: Final = Family(
    "counter",
    "smsgate_segments",
    "What became of long messages: a part was refused by a rule and with it the rest, the rest never came, or there was no room "
    "for a part.",
    ("outcome",),
)
RESPONSE_SECONDS: Final = Family(
    "histogram", "smsgate_upstream_response_seconds", "Time from a request forwarded to the SMSC's answer."
)
RULE_SET: Final = Family("gauge", "smsgate_rule_set_info", "1 for the rule set in force.", ("version",))
RULES: Final = Family("gauge", "smsgate_rules", "Rules in force.")
RULES_LOADED: Final = Family(
    "gauge",
    "smsgate_rule_set_loaded_timestamp_seconds",
    "Unix time at which the rule set in force was loaded; time() minus this is its age.",
)
RULES_ROLLED_BACK: Final = Family(
    "gauge", "smsgate_rule_set_rolled_back", "1 while a rollback is in force, not what the files say."
)
RELOAD_REFUSED: Final = Family("gauge", "smsgate_reload_refused", "1 while the last reload of the rules was refused.")
RELOADS: Final = Family("counter", "smsgate_reloads", "Reloads of the rules.", ("result",))
WORKERS: Final = Family("gauge", "smsgate_workers", "Workers that are up; only with several.")
WORKER_RESTARTS: Final = Family("counter", "smsgate_worker_restarts", "Workers that died; only with several.")
CPU: Final = Family("counter", "process_cpu_seconds", "User and system time of a process.", ("process",))
MEMORY: Final = Family("gauge", "process_resident_memory_bytes", "Resident memory of a process.", ("process",))
OPEN_FILES: Final = Family(
    "gauge", "process_open_fds", "Open descriptors of a process: sockets and files.", ("process",)
)
MAX_FILES: Final = Family("gauge", "process_max_fds", "The most descriptors that a process may open.", ("process",))
STARTED: Final = Family(
    "gauge", "process_start_time_seconds", "Unix time at which a process was started.", ("process",)
)

FAMILIES: Final = tuple(each for each in list(vars().values()) if isinstance(each, Family))
"""All of them, in the order of this file."""


def page() -> str:
    """The reference as Markdown."""
    rows = "\n".join(
        f"| `{family.shown}` | {family.kind} | {', '.join(family.labels)} | {family.meaning} |" for family in FAMILIES
    )
    labels = "\n".join(f"| {name} | {values} |" for name, values in LABELS.items())
    return f"""\
# Metrics

Served on `/metrics` of the address in `metrics: {{bind: ...}}`; times are in seconds.
`make docs` writes this page out of the code. [operations.md](operations.md) says what the alerts over them mean and what to do.

| name | type | labels | meaning |
|---|---|---|---|
{rows}

A histogram is shown as `..._bucket`, `..._sum` and `..._count`.

| label | values |
|---|---|
{labels}

No label's value comes from traffic: senders, numbers, commands and unknown clients cannot add a series.
"""


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  # what this program is for
