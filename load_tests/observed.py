"""A gate that a Prometheus watches, with sample traffic through it: for the test of the dashboard and for its picture.

`smsgate run` with two workers and Prometheus are real processes on free ports; the simulated SMSC runs in
the caller's loop. Prometheus gets deploy/prometheus's own files, with another interval and target. Beside the shipped packs
the gate has one of its own, so that every action comes up; the operator's orders go through the control socket.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from smsgate.net.simulator import SimulatorSettings, Smsc, serve
from smsgate.settings import Address

ROOT: Final = Path(__file__).parents[1]
TIMEOUT_S: Final = 20.0
"""For a process to be ready, and for an answer."""
LINE_BYTES: Final = 1 << 16
"""The longest line that a process may print."""
CONFIG: Final = """\
listeners: [{{bind: "127.0.0.1:0"}}]
upstreams: [{{address: "{smsc}"}}]
rules: ["{rules}", site.yaml]
metrics: {{bind: "127.0.0.1:0"}}
workers: 2
control: gate.sock
state: state/
audit: {{folder: audit/, key: audit.key}}
segments: {{expire: 5s}}
timers: {{session_init: 1s}}
clients:
  bank1: {{rate: 100/s, burst: 100}}
  clinic: {{}}
  resale2: {{}}
  other: {{}}
"""
PASSWORDS: Final = dict.fromkeys(("bank1", "clinic", "resale2", "stranger"), "secret")
"""Who may bind: anybody else shows as a bind that the SMSC refused, and later as one that the gate did."""
PACK: Final = """pack: site
owner: operations
keywords:
  prize: [zorbling]
  training: [formation]
rules:
  - {id: SITE-001, title: a prize, if: prize, action: drop, matches: ["Zorbling"], passes: ["Bonjour"]}
  - {id: SITE-002, title: training, if: training, action: flag, matches: ["Une formation"], passes: ["Bonjour"]}
limits:
  - {id: SITE-L01, title: a trusted sender goes slower, if: 'client in [bank1]', per: client, over: 40 in 1s, action: shape}
  - {id: SITE-L02, title: one site too often, if: link, per: link_host, over: 30 in 10s}
"""


@dataclass
class Observed:
    """What runs. `gate` is the first generation's process, `folder` has its files."""

    folder: Path
    smsc: Smsc
    gate: Process
    address: Address
    prometheus: Address

    async def query(self, expression: str, **more: str) -> list[dict[str, Any]]:
        """What Prometheus answers; with `start`, `end` and `step` over time. Raises AssertionError."""
        kind = "query_range" if "start" in more else "query"
        url = f"http://{self.prometheus}/api/v1/{kind}?{urlencode({'query': expression, **more})}"
        answer = await asyncio.to_thread(_fetch, url)
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def ask(self, do: str, **arguments: Any) -> Any:
        """What an operator asks of the gate. Raises AssertionError when it refuses."""
        reader, writer = await asyncio.open_unix_connection(self.folder / "gate.sock")
        try:
            writer.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            answer = json.loads(await reader.readline())
        finally:
            writer.close()
        assert "ok" in answer, answer
        return answer["ok"]

    def write_rules(self, text: str = PACK) -> None:
        """Change the gate's own pack."""
        (self.folder / "site.yaml").write_text(text)


def _fetch(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=TIMEOUT_S) as page:
        answer: dict[str, Any] = json.load(page)
    return answer


@asynccontextmanager
async def observed(folder: Path, interval: str = "1s", **smsc: Any) -> AsyncIterator[Observed]:
    """Start all of it with its files in `folder`; `interval` is how often Prometheus scrapes and evaluates."""
    async with AsyncExitStack() as stack:
        server = await serve(SimulatorSettings(passwords=PASSWORDS, **smsc))
        stack.push_async_callback(server.close)
        config = folder / "smsgate.yaml"
        config.write_text(CONFIG.format(smsc=Address(*server.address), rules=ROOT / "rules"))
        (folder / "site.yaml").write_text(PACK)
        (folder / "audit.key").write_bytes(os.urandom(32))
        (folder / "audit.key").chmod(0o600)
        command = Path(sys.executable).with_name("smsgate")
        gate = await stack.enter_async_context(_process(command, "run", "--config", config, log=folder / "smsgate.log"))
        assert gate.stdout is not None
        address = await _address(gate.stdout, r"listening on ([0-9.]+):(\d+)")
        metrics = await _address(gate.stdout, r"metrics on http://([0-9.]+):(\d+)")
        _prometheus_files(folder, metrics, interval)
        watching = await stack.enter_async_context(
            _process(
                "prometheus",
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'series'}",
                "--web.listen-address=127.0.0.1:0",
                log=None,
            )
        )
        assert watching.stderr is not None
        prometheus = await _address(watching.stderr, r'msg="Listening on" address=([0-9.]+):(\d+)')
        await _line(watching.stderr, "Server is ready")
        yield Observed(folder, server, gate, address, prometheus)


def _prometheus_files(folder: Path, target: Address, interval: str) -> None:
    """The shipped ones, with this target and interval."""
    for file in (ROOT / "deploy" / "prometheus").glob("*.yaml"):
        shutil.copy(file, folder)
    config = yaml.safe_load((folder / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": interval, "evaluation_interval": interval, "scrape_timeout": interval}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [str(target)]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))


@asynccontextmanager
async def _process(*command: str | Path, log: Path | None) -> AsyncIterator[Process]:
    """A process, with what it started in its turn; all are ended in the end. Standard error goes to `log`, or to a pipe."""
    with open(log or os.devnull, "wb") as file:  # noqa: ASYNC230, PTH123  # at the start only
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=PIPE if log is None else file, start_new_session=True, limit=LINE_BYTES
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)
        await process.communicate()


async def _address(stream: asyncio.StreamReader, pattern: str) -> Address:
    """The address in the first line that holds the pattern."""
    match = await _line(stream, pattern)
    return Address(match[1], int(match[2]))


async def _line(stream: asyncio.StreamReader, pattern: str) -> re.Match[str]:
    """The first line that holds the pattern. Raises AssertionError when none does."""
    async with asyncio.timeout(TIMEOUT_S):
        while line := await stream.readline():
            if match := re.search(pattern, line.decode()):
                return match
    raise AssertionError(f"no line like {pattern!r}")
