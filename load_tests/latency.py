"""Latency: what the gate adds to the time from when a message is due to its answer, at 20, 50 and 80 % of what it can carry.

Messages arrive as from many senders who know nothing of each other (Poisson) and are sent when they are due, whatever has
been answered (`open_loop`). Every round sends the same schedule straight to the SMSC and through the gate, in turn; what is
added is the difference of their percentiles. Capacity is what the gate carries with a window of 100, measured first and in
the same sitting. The gate has five limits, metrics, the audit log and whatever `--gate FILE` adds to its configuration.

Where that is allowed, the gate has real-time priority: else what is measured is how often others use its core.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import uvloop
import yaml
from matplotlib.figure import Figure

from load_tests.harness import Load, Run, Smsc, measure
from load_tests.open_loop import MAX_LATENESS_S, Measured, OpenLoop, Schedule, TooLate, percentile
from load_tests.proxies import FIVE_LIMITS, GATE, Proxy, Variant, keep_core, running
from load_tests.report import Report, Section, Verdict, spread

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from load_tests.corpus import Corpus

SECONDS: Final = 10.0
ROUNDS: Final = 5
WARMUP_S: Final = 1.0
SESSIONS: Final = 4
CAPACITY_WINDOW: Final = 100
CAPACITY_ROUNDS: Final = 3
MESSAGES: Final = 32_768
"""Different ones, and so the most of one session that may wait for an answer: a second of all of them at any load here."""
LOADS: Final = (0.2, 0.5, 0.8)
LIMIT_LOAD, LIMIT_SHARE, LIMIT_MS = 0.5, 0.99, 1.0
SHARES: Final = (0.5, 0.99, 0.999)
ATTEMPTS: Final = 3
"""Of a run in which the sender was too late: somebody else used the machine."""
DRAWN: Final = (*(step / 1000 for step in range(0, 900, 5)), *(1 - 10 ** -(1 + step / 50) for step in range(151)))
"""Shares of messages that the picture has a point for, up to 9,999 in 10,000."""
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")
"""Okabe and Ito's: told apart by everybody, on white and on black."""
COLUMNS: Final = ("load", "messages/s", "way", "p50 ms", "p99 ms", "p99.9 ms", "highest ms", "sender late, p99 ms")
DIRECT, ADDED = "straight", "added"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: which load, which way, percentiles in ms."""

    load: float
    way: str
    per_s: float
    percentiles_ms: dict[float, float]
    highest_ms: float
    late_p99_ms: float
    curve_ms: list[float]


def figures(load: float, way: str, per_s: float, measured: Measured) -> Figures:
    """What is kept of a run."""
    found = measured.latencies
    return Figures(
        load,
        way,
        per_s,
        {share: percentile(found, share) * 1e3 for share in SHARES},
        found[-1] * 1e3,
        percentile(measured.lateness, 0.99) * 1e3,
        [round(percentile(found, share) * 1e3, 4) for share in DRAWN],
    )


def added_ms(runs: list[Figures], load: float, share: float) -> list[float]:
    """What the gate added in each round at a load: the difference of the percentiles of both ways."""
    ways = ([run.percentiles_ms[share] for run in runs if (run.load, run.way) == (load, way)] for way in (GATE, DIRECT))
    return [through - straight for through, straight in zip(*ways, strict=True)]


async def _capacity(listener: socket.socket, run: Run, gate: Proxy, seconds: float) -> float:
    """Messages a second that the gate carries."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Smsc(run), sock=listener.dup())
    load = Load(SESSIONS, CAPACITY_WINDOW, WARMUP_S, seconds)
    with closing(server):
        rounds = [
            await measure(gate.address, run, load, pid=gate.pid, filtered=gate.filtered) for _ in range(CAPACITY_ROUNDS)
        ]
    return median(one.messages_per_s for one in rounds)


def _measured(loop: OpenLoop, proxy: Proxy, schedule: Schedule, console: Console) -> Measured:
    """A run in which the sender kept up. Raises TooLate when there was none."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return loop.measure(proxy.address, schedule, SESSIONS, WARMUP_S)
        except TooLate as error:
            console.print(f"{proxy.name}: {error}; attempt {attempt}")
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


async def _rounds(
    corpus: Corpus, arguments: argparse.Namespace, console: Console
) -> tuple[float, list[Figures], dict[str, Any]]:
    """Capacity, all runs, and what the report says of how they were made."""
    run = Run(corpus.messages(MESSAGES))
    added = yaml.safe_load(arguments.gate.read_text()) if arguments.gate else {}
    found: list[Figures] = []
    with tempfile.TemporaryDirectory() as directory, socket.create_server(("127.0.0.1", 0)) as listener:
        variant = Variant(settings=added, limits=FIVE_LIMITS)
        async with running(listener.getsockname(), Path(directory), corpus, [variant]) as (straight, gate):
            capacity = await _capacity(listener, run, gate, arguments.seconds / CAPACITY_ROUNDS)
            console.print(f"capacity: {capacity:,.0f} messages/s")
            assert gate.pid is not None
            alone = keep_core(gate.pid)
            loop = OpenLoop(listener, run)
            for number in range(arguments.rounds):
                for load in LOADS:
                    per_s = load * capacity
                    schedule = Schedule.poisson(per_s, WARMUP_S + arguments.seconds, SESSIONS, seed=number)
                    for way, proxy in ((DIRECT, straight), (GATE, gate)):
                        one = figures(load, way, per_s, _measured(loop, proxy, schedule, console))
                        p50, p99 = one.percentiles_ms[0.5], one.percentiles_ms[0.99]
                        console.print(f"round {number + 1}, {load:.0%}, {way}: p50 {p50:.3f} ms, p99 {p99:.3f} ms")
                        found.append(one)
    return (
        capacity,
        found,
        {
            "gate_has_its_core_to_itself": alone,
            "added_to_the_gate's_configuration": added or "nothing",
        },
    )


def section(runs: list[Figures]) -> Section:
    """The table: both ways, and what the gate adds, at each load."""
    rows: list[tuple[str, ...]] = []
    for load in sorted({run.load for run in runs}):
        for way in (DIRECT, GATE):
            those = [run for run in runs if (run.load, run.way) == (load, way)]
            rows.append(
                (
                    f"{load:.0%}",
                    f"{those[0].per_s:,.0f}",
                    way,
                    *(spread([run.percentiles_ms[share] for run in those], 3) for share in SHARES),
                    f"{max(run.highest_ms for run in those):.2f}",
                    spread([run.late_p99_ms for run in those], 3),
                )
            )
        rows.append((f"{load:.0%}", "", ADDED, *(spread(added_ms(runs, load, share), 3) for share in SHARES), "", ""))
    return Section("From when a message is due to its answer", COLUMNS, rows)


def verdict(runs: list[Figures]) -> Verdict:
    """Whether the added latency at half load is under the limit."""
    added = median(added_ms(runs, LIMIT_LOAD, LIMIT_SHARE))
    return Verdict(
        added < LIMIT_MS,
        f"at {LIMIT_LOAD:.0%} of its capacity the gate adds {added:.3f} ms at p99 (limit: {LIMIT_MS:g} ms).",
    )


def picture(runs: list[Figures]) -> Figure:
    """Latency by the share of messages, both ways; the median of the rounds."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "smsgate", "font.size": 9})
    figure = Figure(figsize=(9, 4.5), facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    for colour, load in zip(COLOURS, sorted({run.load for run in runs}), strict=False):
        for way, style in ((GATE, "-"), (DIRECT, ":")):
            curves = [run.curve_ms for run in runs if (run.load, run.way) == (load, way)]
            name = f"{load:.0%}, {'through the gate' if way == GATE else 'straight to the SMSC'}"
            axes.plot(
                [1 / (1 - share) for share in DRAWN],
                list(map(median, zip(*curves, strict=True))),
                style,
                color=colour,
                label=name,
            )
    axes.set_xscale("log")
    axes.set_xlim(1, 1e4)
    axes.set_xticks([2, 10, 100, 1_000, 10_000], ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"])
    axes.set_xlabel("share of messages answered within")
    axes.set_yscale("log")
    axes.set_ylabel("ms from when the message was due")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside right upper", title="load, way")
    return figure


def run(arguments: argparse.Namespace, corpus: Corpus, console: Console) -> Report:
    """Measure both ways at every load."""
    try:
        capacity, runs, settings = uvloop.run(_rounds(corpus, arguments, console))
    except TooLate as error:
        raise SystemExit(f"no report, since the sender could not keep up: {error}") from error
    return Report(
        name="latency",
        title="Latency",
        command="python -m load_tests latency",
        about=" ".join((__doc__ or "").partition("\n\n")[2].split()),
        verdict=verdict(runs),
        sections=[section(runs)],
        figures={"capacity_per_s": capacity, "runs": [asdict(one) for one in runs], "shares_of_curves": DRAWN},
        settings={
            "arrivals": "Poisson",
            "sessions": SESSIONS,
            "capacity": f"{capacity:,.0f} messages/s at window {CAPACITY_WINDOW}",
            "seconds": arguments.seconds,
            "rounds": arguments.rounds,
            "different_messages": MESSAGES,
            "sender_may_be_late_at_p99": f"{MAX_LATENESS_S * 1e3:g} ms",
            **settings,
        },
        picture=picture(runs),
    )
