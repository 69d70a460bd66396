"""`python -m load_tests.picture [SECONDS]`: the dashboard's panels, drawn into docs/dashboard.svg from a run on this machine.

Gate, Prometheus, SMSC and senders are those of `observed`; what happens in the run is the list `PLAN`. Panels, their places
and their queries are read from the dashboard that Grafana loads: what the picture shows, Grafana shows. It is drawn here
because Grafana is not in Debian; colours and lettering are matplotlib's.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load_tests.campaign import Campaign
from load_tests.observed import PACK, ROOT, Observed, observed
from smsgate.cli.sender import Sender

DASHBOARD: Final = ROOT / "deploy" / "grafana" / "dashboard.json"
PICTURE: Final = ROOT / "docs" / "dashboard.svg"
SECONDS: Final = 180.0
STEP_S: Final = 3
RATE_INTERVAL: Final = "6s"
"""A multiple of the scrape interval, as Grafana would choose it."""
UNIT_INCH: Final = (0.62, 0.34)
"""Width and height of Grafana's grid unit."""
MAX_SERIES: Final = 9
"""Drawn of a panel, the greatest: a legend holds no more."""
LEGEND_LINE: Final = 0.08
"""Of a panel's height."""
SPARKS_S: Final = 5.0
"""Left out at the start, until rates have two samples."""

Senders = dict[str, Sender]
Reply = list[dict[str, Any]]


async def _campaign(senders: Senders, _: Observed) -> None:
    senders["resale2"].scams = 0.7


async def _campaign_ends(senders: Senders, _: Observed) -> None:
    senders["resale2"].scams = 0.01


async def _rotation(senders: Senders, _: Observed) -> None:
    campaign = senders["resale2"]
    assert isinstance(campaign, Campaign)
    campaign.rotating = 0.5


async def _block(_: Senders, running: Observed) -> None:
    await running.ask("block", kind="host", value="album-du-lac.example", for_s=3600, reason="a campaign")


async def _rotation_ends(senders: Senders, _: Observed) -> None:
    campaign = senders["resale2"]
    assert isinstance(campaign, Campaign)
    campaign.rotating = 0.0


async def _burst(senders: Senders, _: Observed) -> None:
    senders["bank1"].per_s = 400.0


async def _burst_ends(senders: Senders, _: Observed) -> None:
    senders["bank1"].per_s = 30.0


async def _allow(_: Senders, running: Observed) -> None:
    await running.ask("allow", kind="rule", value="FR-CPF-001", for_s=round(SECONDS / 6), reason="a false alarm")
    await running.ask("monitor", on=True, client="clinic", reason="a test")


async def _slow_smsc(_: Senders, running: Observed) -> None:
    await running.ask("monitor", on=False, client="clinic")
    running.smsc.settings = replace(running.smsc.settings, latency_s=0.4)


async def _quick_smsc(_: Senders, running: Observed) -> None:
    running.smsc.settings = replace(running.smsc.settings, latency_s=0.02)


async def _new_rules(_: Senders, running: Observed) -> None:
    running.write_rules(PACK.replace("30 in 10s", "40 in 10s"))


async def _rollback(_: Senders, running: Observed) -> None:
    await running.ask("rollback")


async def _next_generation(_: Senders, running: Observed) -> None:
    running.gate.send_signal(signal.SIGUSR2)


PLAN: Final[tuple[tuple[float, Callable[[Senders, Observed], Awaitable[None]]], ...]] = (
    (0.12, _campaign),
    (0.25, _campaign_ends),
    (0.28, _rotation),
    (0.35, _block),
    (0.40, _rotation_ends),
    (0.43, _burst),
    (0.52, _burst_ends),
    (0.56, _allow),
    (0.65, _slow_smsc),
    (0.73, _quick_smsc),
    (0.74, _new_rules),
    (0.78, _rollback),
    (0.82, _next_generation),
)
"""What happens, by its share of the run."""


async def run(folder: Path, seconds: float) -> tuple[dict[str, list[Reply]], list[float]]:
    """Run the plan. Series by panel title, one list a query, and the times in seconds at which rules were loaded."""
    board = json.loads(DASHBOARD.read_text())
    async with observed(folder, "1s", latency_s=0.02) as running:
        senders = {
            sender.client: sender
            for sender in (
                Sender("bank1", 30.0, 0.0),
                Sender("clinic", 20.0, 0.0),
                Campaign("resale2", 40.0, 0.01),
                Sender("stranger", 5.0, 0.1),
                Sender("mistyped", 1.0, 0.0),
            )
        }
        tasks = [asyncio.create_task(sender.run(running.address)) for sender in senders.values()]
        try:
            start = datetime.now(UTC).timestamp()
            began = 0.0
            for share, step in (*PLAN, (1.0, None)):
                await asyncio.sleep(share * seconds - began)
                began = share * seconds
                if step is not None:
                    await step(senders, running)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        over = {"start": f"{start + SPARKS_S:.0f}", "end": f"{start + seconds:.0f}", "step": str(STEP_S)}
        series = {
            panel["title"]: [await running.query(_filled(query["expr"]), **over) for query in panel["targets"]]
            for panel in board["panels"]
            if panel["type"] != "row"
        }
        (loaded,) = await running.query(
            "smsgate_rule_set_loaded_timestamp_seconds", start=over["start"], end=over["end"], step="1"
        )
    return series, sorted({float(value) for _, value in loaded["values"]} - {float(loaded["values"][0][1])})


def _filled(expression: str) -> str:
    for name, value in (("$instance", ".*"), ("$client", ".*"), ("$__rate_interval", RATE_INTERVAL)):
        expression = expression.replace(name, value)
    return expression


def draw(series: dict[str, list[Reply]], loaded: list[float]) -> Figure:
    """All panels in their places."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "smsgate", "font.size": 7, "axes.titlesize": 8})
    panels = json.loads(DASHBOARD.read_text())["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(24 * UNIT_INCH[0], height * UNIT_INCH[1]))
    moments = [
        float(entry["values"][place][0])
        for replies in series.values()
        for reply in replies
        for entry in reply
        for place in (0, -1)
    ]
    start, end = min(moments), max(moments)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] / 24, 1 - place["y"] / height
        if panel["type"] == "row":
            figure.text(left + 0.004, top - 0.6 / height, panel["title"], fontsize=10, weight="bold")
            continue
        box = (left + 0.03, top - (place["h"] - 1.4) / height, place["w"] / 24 - 0.045, (place["h"] - 2.4) / height)
        axes = figure.add_axes(box)
        axes.set_title(panel["title"], loc="left")
        replies = series[panel["title"]]
        if panel["type"] == "stat":
            _draw_number(axes, panel, replies[0])
            continue
        (_draw_heat if panel["type"] == "heatmap" else _draw_lines)(axes, panel, replies, start)
        axes.tick_params(length=2, pad=1)
        axes.set_xlim(0, end - start)
        axes.spines[["top", "right"]].set_visible(False)
        for moment in loaded:
            axes.axvline(moment - start, color="tab:blue", linewidth=0.8, linestyle="--")
    return figure


def _shown(panel: dict[str, Any]) -> tuple[float, str]:
    """By what a value is multiplied, and the unit to write behind it."""
    unit = panel["fieldConfig"]["defaults"].get("unit", "")
    return {"percentunit": (100, "%"), "short": (1, ""), "bytes": (1e-6, "MB"), "cps": (1, "/s")}.get(unit, (1, unit))


def _draw_number(axes: Axes, panel: dict[str, Any], reply: Reply) -> None:
    factor, unit = _shown(panel)
    value = factor * float(reply[0]["values"][-1][1])
    axes.text(0, 0.2, f"{value:.4g} {unit}", fontsize=13, color="tab:green")
    axes.set_axis_off()


def _draw_lines(axes: Axes, panel: dict[str, Any], replies: list[Reply], start: float) -> None:
    factor, unit = _shown(panel)
    found = [
        (_name(query["legendFormat"], entry["metric"]), entry["values"])
        for query, reply in zip(panel["targets"], replies, strict=True)
        for entry in reply
    ]
    found = [entry for entry in found if _greatest(entry) > 0] or found  # series without anything only fill the legend
    found.sort(key=_greatest, reverse=True)
    stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    below: dict[int, float] = {}
    for name, values in found[:MAX_SERIES]:
        times = [int(moment - start) for moment, _ in values]
        numbers = [factor * float(value) for _, value in values]
        if stacked:
            bottom = [below.get(moment, 0.0) for moment in times]
            numbers = [one + (0.0 if math.isnan(more) else more) for one, more in zip(bottom, numbers, strict=True)]
            below.update(zip(times, numbers, strict=True))
            axes.fill_between(times, bottom, numbers, alpha=0.4, linewidth=0)
        axes.plot(times, numbers, linewidth=0.9, label=name)
    columns = 2 if len(found) > 4 else 1
    lines = -(-len(found[:MAX_SERIES]) // columns)
    top = axes.get_ylim()[1] if any(_greatest(entry) for entry in found) else 1.0
    axes.set_ylim(0, top * (1 + LEGEND_LINE * lines))  # the legend stands above what is drawn
    axes.set_ylabel(unit)
    axes.legend(fontsize=5, loc="upper left", frameon=False, ncols=columns, labelspacing=0.2)


def _greatest(entry: tuple[str, list[list[Any]]]) -> float:
    """The greatest value of a series."""
    return max((abs(float(value)) for _, value in entry[1] if value != "NaN"), default=0.0)


def _draw_heat(axes: Axes, panel: dict[str, Any], replies: list[Reply], start: float) -> None:  # noqa: ARG001  # as the others
    bounds = sorted(replies[0], key=lambda entry: float(entry["metric"]["le"]))
    times = sorted({int(moment) for entry in bounds for moment, _ in entry["values"]})
    cumulative = [{int(moment): float(value) for moment, value in entry["values"]} for entry in bounds]
    rows = [
        [cumulative[row].get(moment, 0.0) - (cumulative[row - 1].get(moment, 0.0) if row else 0.0) for moment in times]
        for row in range(len(bounds))
    ]
    axes.pcolormesh([moment - start for moment in times], range(len(rows)), rows, cmap="Oranges", rasterized=True)
    axes.set_yticks(range(len(rows)), [entry["metric"]["le"] for entry in bounds])
    axes.set_ylabel("s")


def _name(pattern: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        pattern = pattern.replace("{{" + label + "}}", "gate" if label == "instance" else value)
    return pattern


def main() -> None:
    """Run and draw."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        figure = draw(*asyncio.run(run(Path(folder), seconds)))
    figure.savefig(PICTURE, metadata={"Date": None})
    print(PICTURE)


if __name__ == "__main__":
    main()
