"""What was measured, as a table on the terminal, as Markdown and as JSON.

Every figure is the median of its rounds with the lowest and the highest beside it. The machines are noisy and differ, so
the columns to compare are the ratios: to the bare relay of the same run, and to one bare automaton pass.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from load_tests.filter_bench import FilterFigures
    from load_tests.harness import Measured

RELAY: Final = "bare relay"
REPOSITORY: Final = Path(__file__).parent.parent
PACKAGES: Final = ("uvloop", "pyahocorasick", "publicsuffixlist")


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


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the load tests. `settings` are whatever the reader must know to repeat it."""

    settings: dict[str, Any]
    proxies: list[Figures]
    texts: list[FilterFigures]
    facts: dict[str, Any]


def _output(*command: str) -> str:
    """What a command prints, or nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return done.stdout.strip() if done.returncode == 0 else ""


def facts() -> dict[str, Any]:
    """Date, commit and machine."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _output("git", "rev-parse", "--short", "HEAD") or "uncommitted",
        "changed_files": len(_output("git", "status", "--porcelain", "smsgate", "load_tests").splitlines()),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "haproxy": (_output("haproxy", "-v").splitlines() or ["not installed"])[0] if shutil.which("haproxy") else "",
    }


def _spread(values: Sequence[float], digits: int) -> str:
    if not values:
        return ""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def _ratio(values: Sequence[float], base: Sequence[float]) -> str:
    return f"{median(values) / median(base):.2f}" if values and base else ""


PROXY_COLUMNS: Final = (
    "proxy",
    "window",
    "1000 messages/s",
    "of bare relay",
    "CPU µs/message",
    "times bare relay",
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


def _proxy_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for figures in report.proxies:
        base = next(b for b in report.proxies if b.proxy == RELAY and b.window == figures.window)
        rows.append(
            (
                figures.proxy,
                str(figures.window),
                _spread([rate / 1e3 for rate in figures.rates], 1),
                _ratio(figures.rates, base.rates),
                _spread(figures.cpu, 2),
                _ratio(figures.cpu, base.cpu),
                f"{figures.memory_mb:.0f}" if figures.memory_mb else "",
            )
        )
    return rows


def _text_rows(report: Report) -> list[tuple[str, ...]]:
    return [
        (
            figures.texts,
            f"{figures.p50_us:.2f}",
            f"{figures.p99_us:.2f}",
            f"{figures.p50_us / figures.pass_us:.1f}",
            f"{figures.p99_us / figures.pass_us:.1f}",
            f"{figures.pass_us:.2f}",
            f"{figures.plain_pass_us:.2f}",
        )
        for figures in report.texts
    ]


def show(report: Report, console: Console) -> None:
    """Print both tables."""
    for title, columns, rows in (
        ("Proxies: median (lowest to highest) of the rounds", PROXY_COLUMNS, _proxy_rows(report)),
        ("The filter alone, per message", TEXT_COLUMNS, _text_rows(report)),
    ):
        table = Table(title=title)
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; numbers stand to the right."""
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown(report: Report) -> str:
    def items(values: dict[str, Any]) -> str:
        return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in values.items() if value != "")

    return f"""# Load tests, {report.facts["date"]}, commit {report.facts["commit"]}

Written by `python -m load_tests`. Medians, in brackets the lowest and highest round. The machine is noisy: read ratios.

## Proxies

{markdown_table(PROXY_COLUMNS, _proxy_rows(report))}

CPU is user and system time of all the proxy's processes. "No proxy" is the ceiling of the harness itself.

## The filter alone, per message

{markdown_table(TEXT_COLUMNS, _text_rows(report))}

A pass is one run of a bare pyahocorasick automaton over the folded text, with the same keywords as the filter looks for
them, a blank at both ends; without the blanks it costs what the last column says.

## Settings

{items(report.settings)}

## Machine

{items(report.facts)}
"""


def write(report: Report, directory: Path) -> Path:
    """Write the JSON and the Markdown file; returns the path of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{report.facts['date']}-{report.facts['commit']}"
    (directory / f"{name}.json").write_text(json.dumps(asdict(report), indent=1, ensure_ascii=False) + "\n")
    path = directory / f"{name}.md"
    path.write_text(_markdown(report))
    return path
