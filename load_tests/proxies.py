"""Starting what is measured: each proxy in its own process, on its own core, before the same SMSC."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from load_tests.harness import SYSTEM_ID
from load_tests.report import RELAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from load_tests.corpus import Corpus

CORES: Final = sorted(os.sched_getaffinity(0))
PROXY_CORE, HARNESS_CORE = CORES[0], CORES[-1]
"""The proxy that works has a core to itself; on a machine with one core all share it."""
HAPROXY, GATE = "HAProxy", "smsgate"
STOP_TIMEOUT_S: Final = 15.0

HAPROXY_CONFIGURATION: Final = """\
global
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend esme
    bind fd@{descriptor}
    default_backend smsc
backend smsc
    server smsc {smsc}
"""
GATE_CONFIGURATION: Final = """\
listeners: [{{bind: "127.0.0.1:0"}}]
upstreams: [{{address: "{smsc}"}}]
rules: [rules/]
metrics: {{bind: "127.0.0.1:0"}}
clients: {{{client}: {{rate: 1000000/s, burst: 1000000}}}}
"""
"""A rate that nobody reaches: the limit is checked for every message and refuses none."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Something that takes sessions at `address`; without a process it is the SMSC itself."""

    name: str
    address: tuple[str, int]
    process: subprocess.Popen[str] | None = None
    filtered: bool = False


def pin(core: int) -> None:
    """Keep this process and those it starts from now on to one core."""
    os.sched_setaffinity(0, {core})


def _start(name: str, command: list[str], directory: Path, descriptors: tuple[int, ...] = ()) -> subprocess.Popen[str]:
    """Start a program on the core of the proxies; what it logs goes to a file, so that no terminal slows it down."""
    pin(PROXY_CORE)
    try:
        with _log(directory, name).open("w") as log:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, pass_fds=descriptors)
    finally:
        pin(HARNESS_CORE)


def _log(directory: Path, name: str) -> Path:
    return directory / f"{name}.log"


def _announced(process: subprocess.Popen[str], last_line: str, log: Path) -> tuple[str, int]:
    """The address that a process prints as `listening on HOST:PORT`, once it has printed `last_line` too."""
    assert process.stdout is not None
    address = ("", 0)
    for line in process.stdout:
        if line.startswith("listening on "):
            host, _, port = line.split()[-1].rpartition(":")
            address = (host, int(port))
        if line.startswith(last_line):
            return address
    raise RuntimeError(f"{process.args!r} ended with status {process.wait()} before it listened:\n{log.read_text()}")


def _relay(smsc: str, directory: Path) -> Proxy:
    process = _start(RELAY, [sys.executable, "-m", "load_tests.bare_relay", smsc], directory)
    return Proxy(RELAY, _announced(process, "listening on ", _log(directory, RELAY)), process)


def _haproxy(program: str, smsc: str, directory: Path) -> Proxy:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        configuration = directory / "haproxy.cfg"
        configuration.write_text(HAPROXY_CONFIGURATION.format(descriptor=listening.fileno(), smsc=smsc))
        command = [program, "-db", "-f", str(configuration)]
        process = _start(HAPROXY, command, directory, (listening.fileno(),))
        return Proxy(HAPROXY, listening.getsockname()[:2], process)


def _gate(smsc: str, directory: Path, corpus: Corpus) -> Proxy:
    rules = directory / "rules"
    rules.mkdir()
    corpus.write_pack(rules)
    configuration = directory / "smsgate.yaml"
    configuration.write_text(GATE_CONFIGURATION.format(smsc=smsc, client=str(SYSTEM_ID, "ascii")))
    program = Path(sys.executable).with_name("smsgate")
    process = _start(GATE, [str(program), "run", "--config", str(configuration)], directory)
    return Proxy(GATE, _announced(process, "ready", _log(directory, GATE)), process, filtered=True)


@asynccontextmanager
async def running(smsc: tuple[str, int], directory: Path, corpus: Corpus) -> AsyncIterator[list[Proxy]]:
    """All proxies, and first the SMSC by itself; the processes are ended at the end."""
    host, port = smsc
    address = f"{host}:{port}"
    proxies = [Proxy("no proxy", smsc)]
    try:
        proxies.append(_relay(address, directory))
        program = shutil.which("haproxy")
        if program is not None:
            proxies.append(_haproxy(program, address, directory))
        proxies.append(_gate(address, directory, corpus))
        yield proxies
    finally:
        for proxy in proxies:
            if proxy.process is not None:
                proxy.process.terminate()
                # In a thread: a proxy that ends its sessions waits for the SMSC, which lives in this loop.
                await asyncio.to_thread(proxy.process.communicate, timeout=STOP_TIMEOUT_S)
