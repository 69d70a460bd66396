"""A list of a million domains: how long it takes to load, what it costs in memory, and what a look-up takes.

Two workers map the table that the first load has built; beside it the same list as a set in each worker.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

from load_tests.report import Report, Section, spread
from smsgate.config.lists import read_list
from smsgate.rules.model import ListKind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Container

    from rich.console import Console

    from load_tests.corpus import Corpus

T = TypeVar("T")

DOMAINS: Final = 1_000_000
LOOK_UPS: Final = 200_000
ROUNDS: Final = 5
SECONDS: Final = 0.0
"""A round is so many look-ups, not so many seconds."""
WORKERS: Final = 2
MEMORY: Final = (
    "RSS counts shared pages in full in each process. PSS divides them by those who share them, so the sum of PSS is what the "
    "machine gives. A worker here is the interpreter with the list, and nothing else of the gate."
)

_WORKER: Final = """\
import pickle, sys
from smsgate.config import lists
entries = pickle.load(sys.stdin.buffer)
if isinstance(entries, tuple):
    entries = frozenset(entries)
for number in range(0, {domains} if entries else 0, 7):
    assert f"shop{{number}}.example{{number % 977}}.com" in entries
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
"""
"""A worker as far as the list goes: it takes what it is handed as the supervisor's workers do, and touches every page."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one worker, in MB; `private_mb` is its own alone."""

    rss_mb: float
    pss_mb: float
    private_mb: float


def names() -> list[str]:
    """The domains, the same on every run."""
    return [f"shop{number}.example{number % 977}.com" for number in range(DOMAINS)]


def _memory(pid: int) -> Memory:
    fields: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value, *_ = line.split()
        fields[key] = int(value)
    private = fields["Private_Clean:"] + fields["Private_Dirty:"]
    return Memory(fields["Rss:"] / 1024, fields["Pss:"] / 1024, private / 1024)


def _workers(handed: object) -> list[Memory]:
    """What each of WORKERS processes that hold the list has in memory while all of them do."""
    program = _WORKER.format(domains=DOMAINS)
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(WORKERS)
    ]
    try:
        for process in running:
            assert process.stdin is not None
            process.stdin.write(pickle.dumps(handed))
            process.stdin.flush()
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        return [_memory(process.pid) for process in running]
    finally:
        for process in running:
            process.communicate(b"\n", timeout=60)


def _timed(call: Callable[[], T]) -> tuple[T, float]:
    started = perf_counter()
    result = call()
    return result, perf_counter() - started


def _look_up_us(entries: Container[str], asked: list[str]) -> float:
    started = perf_counter()
    for name in asked:
        name in entries  # noqa: B015  # what is measured
    return (perf_counter() - started) / len(asked) * 1e6


def run(arguments: argparse.Namespace, _corpus: Corpus, console: Console) -> Report:
    """Measure in a cache folder of its own."""
    rounds = arguments.rounds
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_CACHE_HOME"] = directory
        file = Path(directory) / "domains.txt"
        domains = names()
        file.write_text("\n".join(domains) + "\n")
        console.print("loading")
        first, first_s = _timed(lambda: read_list(file, ListKind.DOMAINS))
        table = first.table
        assert table is not None
        (built,) = Path(directory).glob("smsgate/*.table")
        later_s = [_timed(lambda: read_list(file, ListKind.DOMAINS))[1] for _ in range(rounds)]
        handed = pickle.dumps(table)
        mapped_s = [_timed(lambda: pickle.loads(handed))[1] for _ in range(rounds)]
        step = len(domains) // LOOK_UPS
        asked = [name if number % 2 else f"x{name}" for number, name in enumerate(domains[::step])]
        entries = frozenset(domains)
        console.print("looking up")
        table_us = [_look_up_us(table, asked) for _ in range(rounds)]
        set_us = [_look_up_us(entries, asked) for _ in range(rounds)]
        console.print("workers")
        memory = {
            "without a list": _workers(()),
            "with the table": _workers(table),
            "with a set each": _workers(tuple(domains)),
        }
        sizes = {"source_mb": file.stat().st_size / 1e6, "table_mb": built.stat().st_size / 1e6}
    times = [
        ("first load: lines checked, table built and written", f"{first_s * 1e3:,.0f}"),
        ("each load after it: source hashed, table mapped", spread([each * 1e3 for each in later_s], 0)),
        ("mapping in a worker", spread([each * 1e3 for each in mapped_s], 2)),
    ]
    look_ups = [("table", spread(table_us, 2)), ("set", spread(set_us, 2))]
    workers = [
        (f"{name}, worker {number}", *(f"{value:.0f}" for value in (each.rss_mb, each.pss_mb, each.private_mb)))
        for name, measured in memory.items()
        for number, each in enumerate(measured)
    ]
    return Report(
        title=f"A list of {DOMAINS:,} domains",
        command="python -m load_tests lists",
        about="Medians of the rounds, the lowest and the highest in brackets.",
        sections=[
            Section("Loading", ("", "ms"), times),
            Section("Looking up, half of them hits", ("", "µs"), look_ups),
            Section(
                "Memory of two workers that hold the list", ("", "RSS MB", "PSS MB", "private MB"), workers, MEMORY
            ),
        ],
        figures={
            **sizes,
            "first_load_s": first_s,
            "load_s": later_s,
            "map_s": mapped_s,
            "look_up_us": table_us,
            "look_up_in_a_set_us": set_us,
            "memory": {name: [asdict(each) for each in measured] for name, measured in memory.items()},
        },
        settings={
            "domains": DOMAINS,
            "look_ups": LOOK_UPS,
            "rounds": rounds,
            **{k: round(v) for k, v in sizes.items()},
        },
        name="lists",
    )
