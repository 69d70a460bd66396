"""A list of a million domains: how long it takes to load, what it costs in memory, and what a look-up takes.

Two workers map the table that the first load has built. RSS counts shared pages in full in each of them, PSS divides
them by those who share them: the sum of PSS is what the machine gives. Beside it the same list as a set in each worker.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from load_tests import report
from smsgate.config.lists import read_list
from smsgate.rules.model import ListKind

if TYPE_CHECKING:
    from collections.abc import Container

    from rich.console import Console

DOMAINS: Final = 1_000_000
LOOK_UPS: Final = 200_000
ROUNDS: Final = 5
WORKERS: Final = 2

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


def _look_up_us(entries: Container[str], asked: list[str]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        started = perf_counter()
        for name in asked:
            name in entries  # noqa: B015  # what is measured
        rounds.append((perf_counter() - started) / len(asked) * 1e6)
    return median(rounds)


def measure() -> dict[str, Any]:
    """All figures, in a cache folder of its own."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_CACHE_HOME"] = directory
        file = Path(directory) / "domains.txt"
        domains = names()
        file.write_text("\n".join(domains) + "\n")
        started = perf_counter()
        first = read_list(file, ListKind.DOMAINS)
        built_s = perf_counter() - started
        assert first.table is not None
        again = []
        for _ in range(ROUNDS):
            started = perf_counter()
            read_list(file, ListKind.DOMAINS)
            again.append(perf_counter() - started)
        started = perf_counter()
        pickle.loads(pickle.dumps(first.table))
        mapped_s = perf_counter() - started
        step = len(domains) // LOOK_UPS
        asked = [name if number % 2 else f"x{name}" for number, name in enumerate(domains[::step])]
        entries = frozenset(domains)
        table_us, set_us = _look_up_us(first.table, asked), _look_up_us(entries, asked)
        idle = _workers(())
        return {
            "domains": DOMAINS,
            "source_mb": file.stat().st_size / 2**20,
            "table_mb": next(Path(directory).glob("smsgate/*.table")).stat().st_size / 2**20,
            "first_load_s": built_s,
            "load_s": median(again),
            "map_in_a_worker_s": mapped_s,
            "look_up_us": table_us,
            "look_up_in_a_set_us": set_us,
            "without_a_list": [[worker.rss_mb, worker.pss_mb, worker.private_mb] for worker in idle],
            "workers": [[worker.rss_mb, worker.pss_mb, worker.private_mb] for worker in _workers(first.table)],
            "workers_with_a_set": [
                [worker.rss_mb, worker.pss_mb, worker.private_mb] for worker in _workers(tuple(domains))
            ],
        }


def run(console: Console, output: Path) -> Path:
    """Measure, show, and write to `output`; the path of the Markdown file."""
    facts, figures = report.facts(), measure()
    rows = [
        ("source file, table", f"{figures['source_mb']:.0f} MB, {figures['table_mb']:.0f} MB"),
        ("first load: checked, table built and written", f"{figures['first_load_s']:.2f} s"),
        ("each load after it", f"{figures['load_s'] * 1e3:.0f} ms"),
        ("mapping it in a worker", f"{figures['map_in_a_worker_s'] * 1e3:.2f} ms"),
        ("look-up, half of them hits", f"{figures['look_up_us']:.2f} µs (a set: {figures['look_up_in_a_set_us']:.2f})"),
    ]
    for name, key in (
        ("no list", "without_a_list"),
        ("the table", "workers"),
        ("a set each", "workers_with_a_set"),
    ):
        told = "; ".join(f"{rss:.0f} / {pss:.0f} / {own:.0f}" for rss, pss, own in figures[key])
        rows.append((f"RSS / PSS / private MB of {WORKERS} workers, {name}", told))
    table = Table("", f"{figures['domains']:,} domains")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = [f"# A list of {figures['domains']:,} domains", "", *(f"{key}: {value}  " for key, value in facts.items())]
    lines += ["", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), ""]
    stem = output / f"{facts['date']}-{facts['commit']}-lists"
    stem.with_suffix(".json").write_text(json.dumps({"facts": facts, "figures": figures}, indent=1) + "\n")
    path = stem.with_suffix(".md")
    path.write_text("\n".join(lines))
    return path
