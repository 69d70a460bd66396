"""What the subcommands share: consoles, where rules are found, how faults are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.rules.model import Action, Limit, Rule
from smsgate.smpp.constants import Status

EXIT_DIAGNOSTICS = 2
"""Exit code when a configuration, a pack or an example is wrong."""

WHOLE_COLUMNS: Final = 1000
"""More than the widest table needs, and a line of a condition with all that it found."""
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

ACTION_STYLE = {
    Action.ALLOW: "green",
    Action.SHAPE: "cyan",
    Action.FLAG: "yellow",
    Action.THROTTLE: "magenta",
    Action.BLOCK: "bold red",
    Action.DROP: "bold red",
}


def default_rules() -> Path:
    """The folder of packs to use when none is named: `rules/` here, else the packs that came with the program."""
    here = Path("rules")
    if here.is_dir():
        return here
    installed = Path(str(files("smsgate"))) / "packs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "rules"


@contextmanager
def told_faults() -> Iterator[None]:
    """Print the diagnostics that end a command, all of them, and exit with EXIT_DIAGNOSTICS."""
    try:
        yield
    except DiagnosticsError as error:
        tell(error.diagnostics)
        raise typer.Exit(EXIT_DIAGNOSTICS) from None


def refuse(message: str) -> NoReturn:
    """End a command with 1, saying why."""
    err.print(f"smsgate: {message}", style="bold red", markup=False)
    raise typer.Exit(1) from None


def print_whole(shown: Table | Tree) -> None:
    """Print a table whose cells, or a tree whose lines, are never cut, also where the terminal is narrower, or there is none."""
    Console(soft_wrap=True, highlight=False, width=max(out.width, WHOLE_COLUMNS)).print(shown)


def tell(diagnostics: tuple[Diagnostic, ...]) -> None:
    """Print diagnostics to standard error, one a line."""
    for diagnostic in diagnostics:
        err.print(Text(str(diagnostic)))
    err.print(Text(f"{len(diagnostics)} fault{'s' if len(diagnostics) != 1 else ''} found", style="bold red"))


def seconds(text: str) -> int:
    """How long `30m`, `24h` or `7d` is."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"found {text!r}, expected a time such as 30m, 24h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


def status_name(status: int) -> str:
    """A command_status for people: `0x66 ESME_RX_R_APPN`."""
    known = Status(status).name if status in set(Status) else "vendor status"
    return f"0x{status:02X} {known}"


def rule_record(entry: Rule | Limit) -> dict[str, str | int]:
    """A rule as the commands' JSON has it."""
    record: dict[str, str | int] = {
        "id": entry.id,
        "file": entry.where.file,
        "line": entry.where.line,
        "action": str(entry.action),
    }
    if isinstance(entry, Rule) and entry.overridden:
        record["overridden"] = f"{entry.overridden.file}:{entry.overridden.line}"
    return record
