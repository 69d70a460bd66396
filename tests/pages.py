"""Pages of the documentation whose console blocks are run: `python -m tests.pages` writes them anew.

In a block, `cat FILE` makes the file that it shows; everything else is a command, followed by what it prints. The commands of
IN_PROCESS are smsgate's alone, and run in this process. Those of WITH_GATE go through a shell, as processes of their own, in a
folder with a copy of the shipped packs: there a command that ends with `&` stays until the page ends, and one that fails must be
followed by `echo $?`. What differs from run to run is masked, see `_MASKS` and `_Gate.shown`.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Final

from tests.programs import invoke

ROOT: Final = Path(__file__).parents[1]
IN_PROCESS: Final = ROOT / "docs" / "tools.md"
WITH_GATE: Final = ROOT / "docs" / "tutorial.md"
RUN: Final = (IN_PROCESS, WITH_GATE)

COMMAND_S: Final = 60.0
READY: Final = re.compile(r"^(ready|simulated SMSC listening on .*)$", re.MULTILINE)
"""What a command that stays prints last before it serves."""
_PORTS: Final = ("127.0.0.1:2775", "127.0.0.1:2776")
"""In the page; the run has others, that are free."""
_MASKS: Final = (
    (re.compile(r"in [0-9.]+ s: [0-9,]+ messages/s"), lambda _: "in ... s: ... messages/s"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"), lambda time: re.sub(r"\d", ".", time[0])),
    # The shipped packs change often.
    (re.compile(r"\d+(?= (?:rules(?!/)|limits|examples)\b)"), lambda _: "..."),
    (re.compile(r"(?<=\w{12}  )\d+(?= +accepted)"), lambda _: "..."),
    (re.compile(r"(?<=\(rules/fr/)([\w-]+\.yaml):\d+:\d+"), lambda place: f"{place[1]}:..."),
)
_VERSION: Final = re.compile(r"\b[0-9a-f]{12}\b")


def written(path: Path, folder: Path) -> str:
    """The page with what its commands print in `folder`, one after the other."""
    page = path.read_text(encoding="utf-8")
    with chdir(folder):
        if path == IN_PROCESS:
            return _with_blocks(page, _printed, str)
        with _gate(folder) as gate:
            return _with_blocks(page, gate.printed, gate.real)


def _with_blocks(page: str, printed: Callable[[str], str], real: Callable[[str], str]) -> str:
    return re.sub(r"(?<=```console\n).*?(?=```)", lambda block: _run(block[0], printed, real), page, flags=re.DOTALL)


def _run(block: str, printed: Callable[[str], str], real: Callable[[str], str]) -> str:
    entries = []
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = entry.partition("\n")
        if command.startswith("cat "):
            file = Path(command.removeprefix("cat "))
            file.parent.mkdir(exist_ok=True)
            file.write_text(real(shown), encoding="utf-8")
        else:
            shown = printed(command)
        entries.append(f"$ {command}\n{shown}")
    return "".join(entries)


def _printed(command: str) -> str:
    """What a command of smsgate prints."""
    result = invoke(*shlex.split(command)[1:])
    assert result.exit_code == 0, result.stderr
    return _masked(result.stdout)


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


class _Gate:
    """A shell in which a gate may run."""

    def __init__(self, folder: Path) -> None:
        self.staying: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        self._failed: int | None = None
        self._said = ""
        self._versions: dict[str, str] = {}
        # An address of its own within 127/8: no other process listens there.
        host = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
        self._ports = {port: f"{host}:{_free_port(host)}" for port in _PORTS}
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SUDO_USER": "marie",
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }

    def printed(self, command: str) -> str:
        """What a command prints, errors too."""
        if command == "echo $?":
            assert self._failed is not None, "the command before has not failed"
            code, self._failed = self._failed, None
            return f"{code}\n"
        assert self._failed is None, f"exit code {self._failed} before {command!r}: {self._said}"
        command = self.real(command)
        if command.endswith("&"):
            return self.shown(self._stay(command.removesuffix("&")))
        result = subprocess.run(
            ["/bin/sh", "-c", command],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        self._failed, self._said = result.returncode or None, result.stdout
        return self.shown(result.stdout)

    def real(self, text: str) -> str:
        """A command or file of the page, with the ports of this run."""
        for port, real in self._ports.items():
            text = text.replace(port, real)
        return text

    def shown(self, text: str) -> str:
        """What the page shows of an output: its ports, and versions in the order in which they were met."""
        for port, real in self._ports.items():
            text = text.replace(real, port)
        return _masked(_VERSION.sub(self._version, text))

    def _version(self, found: re.Match[str]) -> str:
        return self._versions.setdefault(found[0], 12 * chr(ord("a") + len(self._versions)))

    def _stay(self, command: str) -> str:
        """Start it, and return what it prints until it is ready."""
        output = self._folder / f".output{len(self.staying)}"
        with output.open("wb") as stream:
            self.staying.append(
                subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], env=self._environment, stdout=stream)
            )
        until = time.monotonic() + COMMAND_S
        while not READY.search(output.read_text(encoding="utf-8")):
            assert self.staying[-1].poll() is None, f"{command} has ended"
            assert time.monotonic() < until, f"{command} does not get ready"
            time.sleep(0.05)
        return output.read_text(encoding="utf-8")


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def _gate(folder: Path) -> Iterator[_Gate]:
    shutil.copytree(ROOT / "rules", folder / "rules")
    gate = _Gate(folder)
    try:
        yield gate
    finally:
        for process in reversed(gate.staying):
            process.terminate()
        for process in gate.staying:
            try:
                assert process.wait(COMMAND_S) == 0
            finally:
                process.kill()


if __name__ == "__main__":
    for path in RUN:
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(written(path, Path(folder)), encoding="utf-8")
