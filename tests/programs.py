"""What the tests of the commands share: a pack on disk, the commands in this process, and as processes with signals."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from smsgate.cli import app
from smsgate.settings import Address
from tests.gates import TIMEOUT_S

PACK = """\
pack: test
brands:
  cpf:
    names: [CPF]
    official: {domains: [moncompteformation.gouv.fr]}
keywords:
  pull: [expir*]
rules:
  - id: T-1
    title: The account that expires [sic]
    if: names(cpf) and pull and not official(cpf)
    action: block
    matches: ["Votre solde CPF expire, voir https://droits.example/x"]
    passes: ["Votre solde CPF expire, voir https://www.moncompteformation.gouv.fr"]
  - id: T-2
    title: A word from the pull set
    if: pull
    action: flag
    matches: ["Votre pass expire demain"]
    passes: ["Bonjour"]
  - id: T-3
    title: One client may write anything
    if: client in ["trusted"] and pull
    action: allow
    matches: [{text: "Votre solde CPF expire", client: trusted}]
    passes: ["Votre pass expire demain"]
"""
"""Blocks tests.gates.SCAM; the rules start at these lines."""
RULE_LINES = {"T-1": 9, "T-2": 15, "T-3": 21}


def pack_in(folder: Path, text: str = PACK) -> Path:
    """Write a pack into `folder`/rules."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "test.yaml").write_text(text, encoding="utf-8")
    return rules


def invoke(*arguments: str | Path) -> Result:
    """Run a command in this process, on a wide terminal. An exception that is none of its exits is raised here."""
    environment = {"COLUMNS": "200", "NO_COLOR": "1", "TERMINAL_WIDTH": "200"}
    result = CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextmanager
def file_size_limit(octets: int) -> Iterator[None]:
    """No file may grow larger, of this process and those that it starts."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


class Program:
    """A running `smsgate`."""

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self, pattern: str) -> re.Match[str]:
        """The next line of standard output that matches; the lines before it are skipped."""
        assert self.process.stdout is not None
        async with asyncio.timeout(2 * TIMEOUT_S):
            while raw := await self.process.stdout.readline():
                if match := re.fullmatch(pattern, raw.decode().rstrip("\n")):
                    return match
        raise AssertionError(f"no line like {pattern!r}; {(await self.ended())[1]}")

    async def address(self, pattern: str) -> Address:
        """The address in the next line that matches `pattern` followed by HOST:PORT."""
        match = await self.line(pattern + r"(?P<host>[0-9.]+):(?P<port>[0-9]+).*")
        return Address(match["host"], int(match["port"]))

    async def ended(self) -> tuple[int, str]:
        """Exit code and standard error, once it has ended by itself."""
        async with asyncio.timeout(2 * TIMEOUT_S):
            _, complaints = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, complaints.decode()


@asynccontextmanager
async def program(
    *arguments: str | Path, folder: Path | None = None, under: Sequence[str | Path] = ()
) -> AsyncIterator[Program]:
    """The installed `smsgate` as a process; killed if the test leaves it running. `under`: the command that runs it."""
    command = Path(sys.executable).with_name("smsgate")
    assert command.exists(), "install the project first: pip install -e ."
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        *map(str, (*under, command, *arguments)), stdout=PIPE, stderr=PIPE, cwd=folder, env=environment
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
