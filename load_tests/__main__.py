"""`python -m load_tests`: measure, print the tables, write them to load_tests/results/."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console

from load_tests import corpus as texts
from load_tests import filter_bench, proxies, reload, report
from load_tests.harness import Load, Measured, Run, Smsc, measure

SESSIONS: Final = 4
MESSAGES: Final = 8192
"""Different messages in the run that the senders repeat: more than two windows of all sessions."""
WARMUP_S: Final = 0.5
LOG_COLUMNS: Final = 150
"""Room for the widest table where the output is a file and has no width of its own."""


async def measure_proxies(
    corpus: texts.Corpus, arguments: argparse.Namespace, console: Console
) -> list[report.Figures]:
    """Every proxy at every window, in turn, as often as there are rounds: noise then falls on all alike."""
    run = Run(corpus.messages(MESSAGES))
    server = await asyncio.get_running_loop().create_server(lambda: Smsc(run), "127.0.0.1", 0)
    figures: dict[tuple[str, int], list[Measured]] = {}
    smsc = server.sockets[0].getsockname()[:2]
    with closing(server), tempfile.TemporaryDirectory() as directory:
        async with proxies.running(smsc, Path(directory), corpus) as running:
            for number in range(1, arguments.rounds + 1):
                for window in arguments.windows:
                    for proxy in running:
                        console.print(f"round {number}, window {window}, {proxy.name}")
                        load = Load(SESSIONS, window, WARMUP_S, arguments.seconds)
                        pid = proxy.process.pid if proxy.process is not None else None
                        measured = await measure(proxy.address, run, load, pid, proxy.filtered)
                        figures.setdefault((proxy.name, window), []).append(measured)
    return [report.Figures(name, window, rounds) for (name, window), rounds in figures.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m load_tests", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("load", "reload"), default="load", help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each case (%(default)s)")
    parser.add_argument("--windows", type=int, nargs="+", default=[10, 100], help="messages under way in a session")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results", help="directory (%(default)s)"
    )
    arguments = parser.parse_args()
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    if arguments.what == "reload":
        reload.main(arguments.output, console)
        return
    proxies.pin(proxies.HARNESS_CORE)
    corpus = texts.Corpus()
    result = report.Report(
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
        proxies=uvloop.run(measure_proxies(corpus, arguments, console)),
        texts=filter_bench.measure(corpus),
        facts=report.facts(),
    )
    report.show(result, console)
    console.print(f"written to {report.write(result, arguments.output)}")


if __name__ == "__main__":
    main()
