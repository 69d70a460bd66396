"""Writes the dashboard: `make docs`, or `python -m deploy.grafana.dashboard > deploy/grafana/dashboard.json`.

Made with Grafana's own SDK, so that fields and values are those of its schema. Panels stand in rows from what the filter
decides, over how fast, to the processes. Each asks about the gates and clients chosen at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GATE: Final = 'job="smsgate", instance=~"$instance"'
CLIENT: Final = f'{GATE}, client=~"$client"'
SPAN: Final = "[$__rate_interval]"
THIRD: Final = 8
"""Of the 24 columns of a row."""
HEIGHT: Final = 7

Query = tuple[str, str]
"""An expression and how its series are called."""


def rate(name: str, selector: str = GATE) -> str:
    """A counter by the second."""
    return f"rate({name}{{{selector}}}{SPAN})"


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Median, 95th and 99th percentile over all gates."""
    return tuple(
        (f"histogram_quantile({q}, sum by (le) ({rate(f'{histogram}_bucket')}))", name)
        for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
    )


def target(number: int, query: Query) -> prometheus.Dataquery:
    """One query of a panel."""
    expression, legend = query
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id("ABCDEFGH"[number]).datasource(SOURCE)


def lines(
    title: str, unit: str, queries: Sequence[Query], description: str, *, stacked: bool = False
) -> timeseries.Panel:
    """A panel of series over time."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .fill_opacity(30 if stacked else 8)
        .line_width(1)
        .show_points(shapes.VisibilityMode.NEVER)
        .stacking(
            common.StackingConfig().mode(shapes.StackingMode.NORMAL if stacked else shapes.StackingMode.NONE).group("A")
        )
        .tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
        .span(THIRD)
        .height(HEIGHT)
    )
    for number, query in enumerate(queries):
        panel = panel.with_target(target(number, query))
    return panel


def number(title: str, unit: str, expression: str, description: str) -> stat.Panel:
    """A panel of one number of now."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .graph_mode(shapes.BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(target(0, (expression, "")))
        .span(4)
        .height(4)
    )


def heat(title: str, histogram: str, description: str) -> heatmap.Panel:
    """A panel of a histogram over time."""
    buckets = (f"sum by (le) (increase({histogram}_bucket{{{GATE}}}{SPAN}))", "{{le}}")
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .color(heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .with_target(target(0, buckets).format(PromQueryFormat.HEATMAP))
        .span(THIRD)
        .height(HEIGHT)
    )


def variable(name: str, label: str, metric: str) -> dashboard.QueryVariable:
    """A choice at the top: the values of a label, all of them at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(text="All", value="$__all"))
    )


def marks(name: str, expression: str, colour: str) -> dashboard.AnnotationQuery:
    """Vertical lines in all panels."""
    return dashboard.AnnotationQuery().name(name).expr(expression).icon_color(colour).enable(True).datasource(SOURCE)


MESSAGES: Final = "smsgate_messages_total"
BLOCKED: Final = rate(MESSAGES, f'{CLIENT}, verdict=~"block|drop"')
RULE_HITS: Final = "smsgate_rule_hits_total"
BLOCKED_BY: Final = rate(RULE_HITS, f'{CLIENT}, mode="enforce", action=~"block|drop"')
MONITORED: Final = rate(RULE_HITS, f'{CLIENT}, mode="monitor"')
FLAGGED: Final = rate(RULE_HITS, f'{CLIENT}, mode="enforce", action="flag"')

NUMBERS: Final = (
    number("Messages", "msg/s", f"sum({rate(MESSAGES, CLIENT)})", "Judged a second."),
    number(
        "Blocked",
        "percentunit",
        f"sum({BLOCKED}) / (sum({rate(MESSAGES, CLIENT)}) > 0)",
        "Share of the messages judged.",
    ),
    number("Sessions", "short", f"sum(smsgate_sessions{{{GATE}}})", "ESME sessions open now."),
    number("Gates ready", "short", f"sum(smsgate_ready{{{GATE}}})", "Gates that take new sessions."),
    number(
        "Age of the rules",
        "s",
        f"time() - min(smsgate_rule_set_loaded_timestamp_seconds{{{GATE}}})",
        "Since the oldest rule set in force was loaded.",
    ),
    number(
        "Monitor-only", "short", f"sum(smsgate_monitor_only{{{GATE}}})", "Switches that are on; each lets scams pass."
    ),
)

FILTER: Final = (
    lines(
        "Verdicts",
        "msg/s",
        ((f"sum by (verdict) ({rate(MESSAGES, CLIENT)})", "{{verdict}}"),),
        "What was decided.",
        stacked=True,
    ),
    lines(
        "Blocked by client", "msg/s", ((f"sum by (client) ({BLOCKED})", "{{client}}"),), "Unnamed clients are `other`."
    ),
    lines(
        "Share blocked by client",
        "percentunit",
        ((f"sum by (client) ({BLOCKED}) / (sum by (client) ({rate(MESSAGES, CLIENT)}) > 0)", "{{client}}"),),
        "Of the messages of each client.",
    ),
    lines(
        "Blocked by rule and client",
        "msg/s",
        ((f"sum by (rule, client) ({BLOCKED_BY})", "{{rule}} {{client}}"),),
        "One rule, messages of many clients: look at the rule. Many rules, one client: a campaign.",
    ),
    lines(
        "Watched by rule",
        "msg/s",
        (
            (f"sum by (rule) ({MONITORED})", "{{rule}} monitors"),
            (f"sum by (rule) ({FLAGGED})", "{{rule}} flags"),
        ),
        "Counted, and let through.",
    ),
    lines(
        "By hand",
        "short",
        (
            (f"sum by (order, kind) (smsgate_orders{{{GATE}}})", "{{order}} {{kind}}"),
            (f"sum(smsgate_monitor_only{{{GATE}}})", "monitor-only"),
        ),
        "Blocks, allowances and switches in force; what allows or only monitors lets scams pass.",
    ),
)

LIMITS: Final = (
    lines(
        "Throttled",
        "msg/s",
        ((f"sum by (client, limit) ({rate('smsgate_throttled_total', CLIENT)})", "{{client}} {{limit}}"),),
        "Refused for the client's own rate, or for a limit of a pack.",
    ),
    lines(
        "Rotation",
        "msg/s",
        ((f"sum by (limit) ({rate('smsgate_rotation_total')})", "{{limit}}"),),
        "Messages of campaigns that come from ever new senders.",
    ),
    lines(
        "Pauses and keys evicted",
        "cps",
        (
            (f"sum by (client) ({rate('smsgate_pauses_total', CLIENT)})", "{{client}} paused"),
            (f"sum({rate('smsgate_limit_keys_evicted_total')})", "keys evicted"),
        ),
        "Pauses are a limit's that shapes. Where keys are evicted, limits let more through than they say.",
    ),
    lines(
        "Limit table in use",
        "percentunit",
        ((f"sum by (instance) (smsgate_limit_table_fill{{{GATE}}})", "{{instance}}"),),
        "Of the table for limits across clients.",
    ),
    lines(
        "Long messages",
        "short",
        (
            (f"sum(smsgate_segment_sets{{{GATE}}})", "under way"),
            (f"sum by (outcome) (increase(smsgate_segments_total{{{GATE}}}{SPAN}))", "{{outcome}}"),
        ),
        "Those of which parts are remembered, and what became of others.",
    ),
    lines(
        "Receipts of dropped messages",
        "msg/s",
        ((f"sum by (outcome) ({rate('smsgate_receipts_total')})", "{{outcome}}"),),
        "The gate's own.",
    ),
)

SPEED: Final = (
    lines(
        "Throughput by client",
        "msg/s",
        ((f"sum by (client) ({rate(MESSAGES, CLIENT)})", "{{client}}"),),
        "Messages judged.",
        stacked=True,
    ),
    heat("Time to judge a message", "smsgate_filter_seconds", "Colour: how many messages took so long."),
    heat("Added latency", "smsgate_added_seconds", "From the arrival of octets to their being written on."),
    lines(
        "SMSC's response time",
        "s",
        quantiles("smsgate_upstream_response_seconds"),
        "From a request forwarded to its answer.",
    ),
    lines(
        "In flight",
        "short",
        ((f"sum by (direction) (smsgate_in_flight{{{GATE}}})", "{{direction}}"),),
        "Requests forwarded and not answered: grows when a peer is slow.",
    ),
    lines(
        "Buffered",
        "bytes",
        ((f"sum by (instance) (smsgate_buffered_bytes{{{GATE}}})", "{{instance}}"),),
        "What peers are slow to take.",
    ),
)

SERVICE: Final = (
    lines(
        "Sessions by gate",
        "short",
        ((f"sum by (instance) (smsgate_sessions{{{GATE}}})", "{{instance}}"),),
        "ESME sessions open.",
    ),
    lines(
        "Refused and ended",
        "cps",
        (
            (f"sum by (reason) ({rate('smsgate_refused_total')})", "refused: {{reason}}"),
            (f"sum by (timer) ({rate('smsgate_timeouts_total')})", "timer: {{timer}}"),
            (f"sum({rate('smsgate_binds_refused_total')})", "refused by the SMSC"),
            (f"sum({rate('smsgate_upstream_connect_failures_total')})", "no SMSC reached"),
            (f"sum({rate('smsgate_late_responses_total')})", "late answers"),
        ),
        "Connections and binds not let in, sessions that a timer ended.",
    ),
    lines(
        "Loop lag and overload",
        "s",
        (*quantiles("smsgate_loop_lag_seconds"), (f"sum(smsgate_overloaded{{{GATE}}})", "processes overloaded")),
        "How late the event loop runs.",
    ),
    lines(
        "Workers",
        "short",
        (
            (f"sum by (instance) (smsgate_workers{{{GATE}}})", "{{instance}} up"),
            (f"sum by (instance) (increase(smsgate_worker_restarts_total{{{GATE}}}{SPAN}))", "{{instance}} restarts"),
        ),
        "Only of gates with several.",
    ),
    lines(
        "CPU",
        "percentunit",
        ((f"sum by (instance, process) ({rate('process_cpu_seconds_total')})", "{{instance}} {{process}}"),),
        "A worker near 100 % is at its end.",
    ),
    lines(
        "Memory",
        "bytes",
        ((f"sum by (instance, process) (process_resident_memory_bytes{{{GATE}}})", "{{instance}} {{process}}"),),
        "Resident.",
    ),
    lines(
        "PDUs",
        "cps",
        ((f"sum by (side, command) ({rate('smsgate_pdus_total')})", "{{side}} {{command}}"),),
        "Received from ESMEs (downstream) and SMSCs (upstream).",
    ),
    lines(
        "Filter trouble",
        "msg/s",
        (
            (f"sum({rate('smsgate_filter_errors_total')})", "filter errors"),
            (f"sum({rate('smsgate_unfiltered_total', CLIENT)})", "unjudged in an overload"),
        ),
        "Should be empty.",
    ),
    lines(
        "Audit lines lost",
        "cps",
        ((f"sum by (reason) ({rate('smsgate_audit_lost_total')})", "{{reason}}"),),
        "Should be empty: the audit log lacks these.",
    ),
)


def build() -> models.Dashboard:
    """The dashboard."""
    made = (
        dashboard.Dashboard("smsgate")
        .uid("smsgate")
        .title("smsgate")
        .tags(["smsgate", "smpp"])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("15s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(variable("instance", "gate", "smsgate_ready"))
        .with_variable(variable("client", "client", MESSAGES))
        .annotation(
            marks("rules loaded", f"changes(smsgate_rule_set_loaded_timestamp_seconds{{{GATE}}}[1m]) > 0", "blue")
        )
        .annotation(
            marks("rules refused", f'increase(smsgate_reloads_total{{{GATE}, result="refused"}}[1m]) > 0', "orange")
        )
        .annotation(marks("rules rolled back", f"smsgate_rule_set_rolled_back{{{GATE}}} == 1", "purple"))
        .annotation(marks("alerts", 'ALERTS{alertname=~"Smsgate.*", alertstate="firing"}', "red"))
    )
    ids = count(1)
    for title, panels in (
        ("Now", NUMBERS),
        ("Filter", FILTER),
        ("Limits", LIMITS),
        ("Speed", SPEED),
        ("Service", SERVICE),
    ):
        made = made.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels:
            made = made.with_panel(panel.id(next(ids)))
    return made.build()


def page() -> str:
    """The dashboard as the JSON that Grafana loads."""
    return JSONEncoder(sort_keys=True, indent=2).encode(build()) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  # what this program is for
