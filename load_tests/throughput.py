"""The load table: every proxy at every window, gates configured in several ways, and the filter alone.

Every figure is the median of its rounds with the lowest and the highest beside it. All proxies take their turn in each round:
noise then falls on all alike, and ratios of one run hold where figures of two runs can't be compared.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop

from load_tests import corpus as texts
from load_tests import filter_bench
from load_tests.harness import Load, Measured, Run, Smsc, measure
from load_tests.proxies import CORES, FIVE_LIMITS, GATE, RELAY, ROTATION, Variant, running
from load_tests.report import Report, Section, ratio, spread

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from load_tests.filter_bench import FilterFigures

SESSIONS: Final = 4
MESSAGES: Final = 8192
"""Different messages in the run that the senders repeat: more than two windows of all sessions."""
WARMUP_S: Final = 0.5
SECONDS: Final = 3.0
ROUNDS: Final = 5
WINDOWS: Final = (10, 100)
VARIANTS: Final = (
    Variant(),
    Variant("smsgate, all on", limits=ROTATION),
    Variant("smsgate, five limits", limits=FIVE_LIMITS),
    Variant("smsgate, 2 workers", {"workers": 2}, cores=frozenset(CORES)),
    Variant("smsgate, TLS", tls=True),
)
PROXY_COLUMNS: Final = (
    "proxy",
    "window",
    "1000 messages/s",
    "of bare relay",
    "of smsgate",
    "CPU µs/message",
    "times bare relay",
    "times smsgate",
    "memory MB",
)
TEXT_COLUMNS: Final = (
    "texts",
    "p50 µs",
    "p99 µs",
    "p50 in passes",
    "p99 in passes",
    "bare pass µs",
    "without blanks µs",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """All rounds of one proxy at one window."""

    proxy: str
    window: int
    rounds: list[Measured]

    @property
    def rates(self) -> list[float]:
        return [round_.messages_per_s for round_ in self.rounds]

    @property
    def cpu(self) -> list[float]:
        return [round_.cpu_us_per_message for round_ in self.rounds if round_.cpu_us_per_message is not None]

    @property
    def memory_mb(self) -> float:
        return max((round_.memory_mb or 0.0 for round_ in self.rounds), default=0.0)


async def _measure(corpus: texts.Corpus, arguments: argparse.Namespace, console: Console) -> list[Figures]:
    run = Run(corpus.messages(MESSAGES))
    server = await asyncio.get_running_loop().create_server(lambda: Smsc(run), "127.0.0.1", 0)
    figures: dict[tuple[str, int], list[Measured]] = {}
    smsc = server.sockets[0].getsockname()[:2]
    with closing(server), tempfile.TemporaryDirectory() as directory:
        async with running(smsc, Path(directory), corpus, VARIANTS, others=True) as proxies:
            for number in range(1, arguments.rounds + 1):
                for window in arguments.windows:
                    for proxy in proxies:
                        console.print(f"round {number}, window {window}, {proxy.name}")
                        load = Load(SESSIONS, window, WARMUP_S, arguments.seconds)
                        measured = await measure(
                            proxy.address, run, load, pid=proxy.pid, filtered=proxy.filtered, context=proxy.context
                        )
                        figures.setdefault((proxy.name, window), []).append(measured)
    return [Figures(name, window, rounds) for (name, window), rounds in figures.items()]


def proxy_section(all_figures: list[Figures]) -> Section:
    """The table of proxies, with ratios to the bare relay and to the gate with one worker and plain TCP."""
    rows: list[tuple[str, ...]] = []
    for figures in all_figures:
        relay, gate = (
            next(base for base in all_figures if base.proxy == name and base.window == figures.window)
            for name in (RELAY, GATE)
        )
        rows.append(
            (
                figures.proxy,
                str(figures.window),
                spread([rate / 1e3 for rate in figures.rates], 1),
                ratio(figures.rates, relay.rates),
                ratio(figures.rates, gate.rates),
                spread(figures.cpu, 2),
                ratio(figures.cpu, relay.cpu),
                ratio(figures.cpu, gate.cpu),
                f"{figures.memory_mb:.0f}" if figures.memory_mb else "",
            )
        )
    return Section("Proxies", PROXY_COLUMNS, rows, PROXY_NOTE)


PROXY_NOTE: Final = """\
CPU is user and system time of all the proxy's processes. "No proxy" is the ceiling of the harness itself. Each proxy has one
core, the harness another; two workers have both, and share the second with the harness. "All on" has the limits that the packs
have (distinct senders per host and per template of messages with a foreign link), the audit log and a log in JSON. "Five limits"
has besides one on messages per host, and two on every message: per client and sender, and per destination. TLS is on the side of
the senders, whose encryption is the harness's work."""
TEXT_NOTE: Final = """\
A pass is one run of a bare pyahocorasick automaton over the folded text, with the same keywords as the filter looks for
them, a blank at both ends; without the blanks it costs what the last column says."""


def text_section(all_figures: list[FilterFigures]) -> Section:
    """The table of the filter alone."""
    rows = [
        (
            figures.texts,
            f"{figures.p50_us:.2f}",
            f"{figures.p99_us:.2f}",
            f"{figures.p50_us / figures.pass_us:.1f}",
            f"{figures.p99_us / figures.pass_us:.1f}",
            f"{figures.pass_us:.2f}",
            f"{figures.plain_pass_us:.2f}",
        )
        for figures in all_figures
    ]
    return Section("The filter alone, per message", TEXT_COLUMNS, rows, TEXT_NOTE)


def run(arguments: argparse.Namespace, corpus: texts.Corpus, console: Console) -> Report:
    """Measure both."""
    proxies = uvloop.run(_measure(corpus, arguments, console))
    filtered = filter_bench.measure(corpus)
    return Report(
        title="Load tests",
        command="python -m load_tests",
        about="Medians, in brackets the lowest and highest round. The machine is noisy: read ratios.",
        sections=[proxy_section(proxies), text_section(filtered)],
        figures={"proxies": [asdict(one) for one in proxies], "texts": [asdict(one) for one in filtered]},
        settings={
            "keywords": texts.KEYWORDS,
            "domains": texts.DOMAINS,
            "sessions": SESSIONS,
            "seconds": arguments.seconds,
            "rounds": arguments.rounds,
            "different_messages": MESSAGES,
            "share_with_a_link": texts.LINK_SHARE,
            "share_refused": 1 / texts.SCAM_EVERY,
        },
    )
