"""What was measured, as tables on the terminal, as Markdown and as JSON.

A report is made of sections, one table each, and of the figures that they were made of. The machines are noisy and differ:
where a figure can be compared with another one of the same run, a table shows the ratio.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

REPOSITORY: Final = Path(__file__).parent.parent
PACKAGES: Final = ("uvloop", "pyahocorasick", "publicsuffixlist")


def _output(*command: str) -> str:
    """What a command prints, or nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit() -> str:
    """The short name of the commit that is checked out."""
    return _output("git", "rev-parse", "--short", "HEAD") or "uncommitted"


def machine() -> dict[str, Any]:
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
        "commit": commit(),
        "changed_files": len(_output("git", "status", "--porcelain", "smsgate", "load_tests").splitlines()),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "haproxy": (_output("haproxy", "-v").splitlines() or ["not installed"])[0] if shutil.which("haproxy") else "",
    }


@dataclass(frozen=True, slots=True)
class Section:
    """A table, and what its reader must know. The first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether what must hold did, in a sentence with the figures and the limit."""

    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Report:
    """One run of one load test. `settings` are whatever the reader must know to repeat it, `figures` go into the JSON file.

    `name` is the last part of the file's name; the load table has none. `about` says how to read the tables.
    """

    title: str
    command: str
    about: str
    sections: list[Section]
    figures: dict[str, Any]
    settings: dict[str, Any]
    name: str = ""
    verdict: Verdict | None = None
    picture: Figure | None = None
    facts: dict[str, Any] = field(default_factory=machine)


def spread(values: Sequence[float], digits: int) -> str:
    """The median, with the lowest and the highest in brackets."""
    if not values:
        return ""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(values: Sequence[float], base: Sequence[float]) -> str:
    """Of the medians."""
    return f"{median(values) / median(base):.2f}" if values and base else ""


def show(report: Report, console: Console) -> None:
    """Print the tables and the verdict."""
    for section in report.sections:
        table = Table(title=section.title)
        for number, column in enumerate(section.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in section.rows:
            table.add_row(*row)
        console.print(table)
    if report.verdict is not None:
        console.print(_verdict(report.verdict))


def _verdict(verdict: Verdict) -> str:
    return f"{'Holds' if verdict.holds else 'DOES NOT HOLD'}: {verdict.sentence}"


def _markdown_table(section: Section) -> str:
    lines = [section.columns, ["---", *("---:" for _ in section.columns[1:])], *section.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _items(values: dict[str, Any]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {value}" for name, value in values.items() if value != "")


def _markdown(report: Report, picture: str) -> str:
    parts = [
        f"# {report.title}, {report.facts['date']}, commit {report.facts['commit']}",
        f"Written by `{report.command}`. {report.about}",
    ]
    if report.verdict is not None:
        parts.append(f"**{_verdict(report.verdict)}**")
    for section in report.sections:
        parts += [f"## {section.title}", _markdown_table(section), section.note]
    if report.picture is not None:
        parts.append(f"![{report.title}]({picture})")
    parts += ["## Settings", _items(report.settings), "## Machine", _items(report.facts)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(report: Report, directory: Path) -> Path:
    """Write the JSON, the picture and the Markdown file; returns the path of the latter."""
    directory.mkdir(parents=True, exist_ok=True)
    name = "-".join(filter(None, (report.facts["date"], report.facts["commit"], report.name)))
    data = {"settings": report.settings, **report.figures, "facts": report.facts}
    if report.verdict is not None:
        data["verdict"] = asdict(report.verdict)
    (directory / f"{name}.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    if report.picture is not None:
        report.picture.savefig(directory / f"{name}.svg", metadata={"Date": None})
    path = directory / f"{name}.md"
    path.write_text(_markdown(report, f"{name}.svg"))
    return path
