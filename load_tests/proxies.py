"""Starting what is measured: each proxy in its own process, on its own core, before the same SMSC.

A gate's configuration is a dict; a `Variant` is what of it is different, merged in by key.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trustme
import yaml

from load_tests.harness import CLIENTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from load_tests.corpus import Corpus

CORES: Final = sorted(os.sched_getaffinity(0))
PROXY_CORE, HARNESS_CORE = CORES[0], CORES[-1]
"""The proxy that works has a core to itself; on a machine with one core all share it."""
HAPROXY, GATE, RELAY, NONE = "HAProxy", "smsgate", "bare relay", "no proxy"
STOP_TIMEOUT_S: Final = 15.0
LOG_LINES: Final = 10
HOST: Final = "127.0.0.1"

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
UNREACHED: Final = {"rate": "1000000/s", "burst": "1000000"}
"""A rate that nobody reaches: the limit is checked for every message and refuses none."""
LIMITS_PACK: Final = "pack: limits\nowner: load-tests\nlimits:\n"
ROTATION: Final = """\
  - {id: L-1, title: one site, if: foreign_link, count: distinct senders, per: link_host, over: 20 in 10m, action: flag}
  - {id: L-2, title: one text, if: foreign_link, count: distinct senders, per: template, over: 20 in 10m, action: flag}
"""
"""As the pack `limits` has them. Nobody reaches these, nor the following."""
FIVE_LIMITS: Final = f"""\
{ROTATION}
  - {{id: L-3, title: a host, if: foreign_link, per: link_host, over: 100000000 in 1h, action: throttle}}
  - {{id: L-4, title: a sender of a client, per: [client, sender], over: 100000000 in 1h, action: throttle}}
  - {{id: L-5, title: a destination, per: destination, over: 100000000 in 1h, action: throttle}}
"""
"""Two of them on every message."""
AUDIT_KEY: Final = bytes(range(32))


@dataclass(frozen=True, slots=True)
class Variant:
    """A gate that is configured otherwise. One with several workers needs several cores: the harness's too, if need be.
    `limits`: with these, the audit log and a log in JSON."""

    name: str = GATE
    settings: dict[str, Any] = field(default_factory=dict)
    cores: frozenset[int] = frozenset({PROXY_CORE})
    tls: bool = False
    limits: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Something that takes sessions at `address`, over TLS if there is a context; without a process it is the SMSC itself."""

    name: str
    address: tuple[str, int]
    process: subprocess.Popen[str] | None = None
    filtered: bool = False
    context: ssl.SSLContext | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None


def pin(*cores: int) -> None:
    """Keep this process and those it starts from now on to these cores."""
    os.sched_setaffinity(0, cores)


def keep_core(pid: int) -> bool:
    """Let no ordinary process run in place of this one, and say whether that may be done: real-time priority for all its threads.
    Not for one that is busy all the time: Linux takes a twentieth of each second from such."""
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    return True


def _start(
    name: str,
    command: list[str],
    directory: Path,
    descriptors: tuple[int, ...] = (),
    cores: frozenset[int] = frozenset({PROXY_CORE}),
) -> subprocess.Popen[str]:
    """Start a program on the core of the proxies; what it logs goes to a file, so that no terminal slows it down."""
    pin(*cores)
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
    with socket.create_server((HOST, 0)) as listening:
        configuration = directory / "haproxy.cfg"
        configuration.write_text(HAPROXY_CONFIGURATION.format(descriptor=listening.fileno(), smsc=smsc))
        command = [program, "-db", "-f", str(configuration)]
        process = _start(HAPROXY, command, directory, (listening.fileno(),))
        return Proxy(HAPROXY, listening.getsockname()[:2], process)


def _certificate(directory: Path) -> tuple[dict[str, str], ssl.SSLContext]:
    """A throw-away certificate as a listener's `tls`, and the context of a sender that trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    certificate, key = directory / "gate.pem", directory / "gate.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return {"certificate": str(certificate), "key": str(key)}, context


def _gate(smsc: str, directory: Path, variant: Variant) -> Proxy:
    listener: dict[str, Any] = {"bind": f"{HOST}:0"}
    context = None
    if variant.tls:
        listener["tls"], context = _certificate(directory)
    settings: dict[str, Any] = {
        "listeners": [listener],
        "upstreams": [{"address": smsc}],
        "rules": ["rules/"],
        "metrics": {"bind": f"{HOST}:0"},
        "clients": dict.fromkeys(CLIENTS, UNREACHED),
    }
    if variant.limits:
        limits, key = directory / f"{variant.name}-limits.yaml", directory / "audit.key"
        limits.write_text(LIMITS_PACK + variant.limits)
        key.touch(0o600)
        key.write_bytes(AUDIT_KEY)
        settings["rules"].append(limits.name)
        settings |= {"audit": {"folder": f"{variant.name}-audit/", "key": key.name}, "log": {"format": "json"}}
    settings |= variant.settings
    configuration = directory / f"{variant.name}.yaml"
    configuration.write_text(yaml.safe_dump(settings))
    program = Path(sys.executable).with_name("smsgate")
    command = [str(program), "run", "--config", str(configuration)]
    process = _start(variant.name, command, directory, cores=variant.cores)
    address = _announced(process, "ready", _log(directory, variant.name))
    return Proxy(variant.name, address, process, filtered=True, context=context)


async def _stop(proxy: Proxy, directory: Path) -> None:
    """End a proxy. Raises RuntimeError if it has ended by itself."""
    if proxy.process is None:
        return
    status = proxy.process.poll()
    proxy.process.terminate()
    # In a thread: a proxy that ends its sessions waits for the SMSC, which lives in this loop.
    await asyncio.to_thread(proxy.process.communicate, timeout=STOP_TIMEOUT_S)
    if status is not None:
        last_lines = "\n".join(_log(directory, proxy.name).read_text().splitlines()[-LOG_LINES:])
        raise RuntimeError(f"{proxy.name} ended with status {status}:\n{last_lines}")


@asynccontextmanager
async def running(
    smsc: tuple[str, int],
    directory: Path,
    corpus: Corpus,
    variants: Sequence[Variant] = (Variant(),),
    others: bool = False,
) -> AsyncIterator[list[Proxy]]:
    """First the SMSC by itself, then with `others` the proxies to compare with, then the gates; all are ended at the end."""
    host, port = smsc
    address = f"{host}:{port}"
    rules = directory / "rules"
    rules.mkdir()
    corpus.write_pack(rules)
    proxies = [Proxy(NONE, smsc)]
    try:
        if others:
            proxies.append(_relay(address, directory))
            program = shutil.which("haproxy")
            if program is not None:
                proxies.append(_haproxy(program, address, directory))
        for variant in variants:
            proxies.append(_gate(address, directory, variant))  # noqa: PERF401  # each is to be ended if the next fails
        yield proxies
    finally:
        for proxy in proxies:
            await _stop(proxy, directory)
