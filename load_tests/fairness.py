"""Fairness: what four senders with a window of 3,000 cost a neighbour that waits for each answer before it sends the next.

The neighbour's round trip is measured four ways: with and without the gate, alone and beside the floods. Its added latency
is the median round trip through the gate beside the floods, less the median without a gate and alone. That is the strictest
way to count: the time that the harness itself needs for the floods is held against the gate too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import uvloop

from load_tests.harness import CLIENTS, NO_LIMIT, TIMEOUT_S, Load, Run, Sender, Smsc, finish, sessions
from load_tests.proxies import GATE, NONE, Proxy, running
from load_tests.report import Report, Section, Verdict, spread

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from load_tests.corpus import Corpus

SECONDS: Final = 5.0
ROUNDS: Final = 3
FLOODS: Final = 4
WINDOW: Final = 3_000
MESSAGES: Final = 8192
WARMUP_S: Final = 1.0
LIMIT_MS: Final = 10.0
ALONE, BESIDE = "alone", "beside the floods"
COLUMNS: Final = ("neighbour", "p50 ms", "p99 ms", "highest ms", "its messages/s", "the floods' 1000 messages/s")


class Neighbour(Sender):
    """A sender with a window of 1 that notes how long each answer took."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, first=0, window=1, limit=NO_LIMIT, client="neighbour")
        self.round_trips_ms: list[float] = []
        self._sent_at = 0.0

    def data_received(self, data: bytes) -> None:
        if self._sent_at:
            self.round_trips_ms.append((time.perf_counter() - self._sent_at) * 1e3)
        super().data_received(data)

    def _send(self, count: int) -> None:
        self._sent_at = time.perf_counter()
        super()._send(count)


@dataclass(frozen=True, slots=True)
class Figures:
    """The neighbour in one round of one case; round trips in ms."""

    case: str
    p50_ms: float
    p99_ms: float
    highest_ms: float
    messages_per_s: float
    floods_per_s: float


async def _measure(proxy: Proxy, run: Run, floods: int, seconds: float) -> Figures:
    async with sessions(proxy.address, run, Load(floods, WINDOW, 0, 0), NO_LIMIT) as flooding:
        for sender in flooding:
            sender.start()
        loop = asyncio.get_running_loop()
        _, neighbour = await loop.create_connection(lambda: Neighbour(run), *proxy.address)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await neighbour.ready
            neighbour.start()
            await asyncio.sleep(WARMUP_S)
            neighbour.round_trips_ms.clear()
            flooded, started = sum(sender.answered for sender in flooding), time.perf_counter()
            await asyncio.sleep(seconds)
            elapsed = time.perf_counter() - started
            flooded = sum(sender.answered for sender in flooding) - flooded
            times = neighbour.round_trips_ms[:]
            for sender in (neighbour, *flooding):
                sender.stop()
            await finish((neighbour, *flooding), proxy.filtered)
        finally:
            neighbour.transport.close()
    case = f"{'no gate' if proxy.name == NONE else proxy.name}, {BESIDE if floods else ALONE}"
    p99 = quantiles(times, n=100)[98]
    return Figures(case, median(times), p99, max(times), len(times) / elapsed, flooded / elapsed)


async def _rounds(corpus: Corpus, arguments: argparse.Namespace, console: Console) -> dict[str, list[Figures]]:
    run = Run(corpus.messages(MESSAGES))
    server = await asyncio.get_running_loop().create_server(lambda: Smsc(run), "127.0.0.1", 0)
    found: dict[str, list[Figures]] = {}
    with closing(server), tempfile.TemporaryDirectory() as directory:
        async with running(server.sockets[0].getsockname()[:2], Path(directory), corpus) as proxies:
            for number in range(1, arguments.rounds + 1):
                for floods in (0, FLOODS):
                    for proxy in proxies:
                        figures = await _measure(proxy, run, floods, arguments.seconds)
                        console.print(f"round {number}, {figures.case}: {figures.p50_ms:.2f} ms")
                        found.setdefault(figures.case, []).append(figures)
    return found


def verdict(found: dict[str, list[Figures]]) -> Verdict:
    """Whether the added latency is under the limit."""
    beside = median(one.p50_ms for one in found[f"{GATE}, {BESIDE}"])
    added = beside - median(one.p50_ms for one in found[f"no gate, {ALONE}"])
    net = beside - median(one.p50_ms for one in found[f"no gate, {BESIDE}"])
    own = beside - median(one.p50_ms for one in found[f"{GATE}, {ALONE}"])
    return Verdict(
        added < LIMIT_MS,
        f"gate and floods add {added:.2f} ms to the neighbour's median round trip (limit: {LIMIT_MS:g} ms). "
        f"Against no gate beside the same floods it is {net:.2f} ms, against the gate without floods {own:.2f} ms.",
    )


def run(arguments: argparse.Namespace, corpus: Corpus, console: Console) -> Report:
    """Measure all four cases."""
    found = uvloop.run(_rounds(corpus, arguments, console))
    rows = [
        (
            case,
            spread([one.p50_ms for one in rounds], 2),
            spread([one.p99_ms for one in rounds], 2),
            f"{max(one.highest_ms for one in rounds):.2f}",
            f"{median(one.messages_per_s for one in rounds):,.0f}",
            f"{median(one.floods_per_s for one in rounds) / 1e3:.1f}",
        )
        for case, rounds in found.items()
    ]
    return Report(
        name="fairness",
        title="Fairness",
        command="python -m load_tests fairness",
        about=" ".join((__doc__ or "").partition("\n\n")[2].split()),
        verdict=verdict(found),
        sections=[Section("Round trips of a sender with a window of 1", COLUMNS, rows)],
        figures={"cases": [asdict(one) for rounds in found.values() for one in rounds]},
        settings={
            "floods": FLOODS,
            "window_of_each": WINDOW,
            "clients": f"neighbour; {', '.join(CLIENTS[:FLOODS])}",
            "seconds": arguments.seconds,
            "rounds": arguments.rounds,
            "different_messages": MESSAGES,
        },
    )
