"""deploy/systemd/smsgate.service: its filter lets a gate make every system call that it makes, as strace sees them."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import pytest

from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address
from tests.gates import GENUINE, SCAM, TIMEOUT_S, Peer, bind, submit
from tests.programs import invoke, pack_in, program

UNIT = Path(__file__).parents[1] / "deploy" / "systemd" / "smsgate.service"


def calls_in(group: str) -> set[str]:
    """The system calls of a group such as @system-service, or the one that is named."""
    if not group.startswith("@"):
        return {group}
    told = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    words = [line.split("#")[0].strip() for line in told.stdout.splitlines()[1:]]
    return set[str]().union(*(calls_in(word) for word in words if word))


def let_through() -> set[str]:
    """What the unit's lines leave, one after the other (systemd.exec(5))."""
    calls = calls_in("@default")
    for deny, groups in re.findall(r"^SystemCallFilter=(~?)(.+)$", UNIT.read_text(), re.MULTILINE):
        named = set[str]().union(*map(calls_in, groups.split()))
        calls = calls - named if deny else calls | named
    return calls


async def life(folder: Path, trace: Path) -> None:
    """Of a gate that has all that it may write: messages, new rules, a block by hand, renewed certificates, the end."""
    pack_in(folder)
    assert invoke("audit", "key", "--write", folder / "audit.key").exit_code == 0
    smsc = await serve(SimulatorSettings())
    config = folder / "smsgate.yaml"
    config.write_text(
        f'listeners: [{{bind: "127.0.0.1:0"}}]\nupstreams: [{{address: "{Address(*smsc.address)}"}}]\n'
        'rules: [rules/]\nmetrics: {bind: "127.0.0.1:0"}\nworkers: 2\nstate: state/\ncontrol: s\n'
        "audit: {folder: audit/, key: audit.key}\n"
    )
    strace = ("strace", "--daemonize", "-f", "--summary-only", "--summary-columns=name,calls", "-o", trace)
    try:
        async with program("run", "--config", config, under=strace) as gate:
            address = await gate.address("listening on ")
            await gate.line("ready")
            esme = Peer(*await asyncio.open_connection(address.host, address.port))
            esme.send(bind() + submit(SCAM, 2) + submit(GENUINE, 3))
            for _ in range(3):
                await esme.pdu()
            for command in (("reload",), ("block", "host", "droits.example", "--for", "1h", "--reason", "a test")):
                done = await asyncio.to_thread(invoke, *command, "--config", config)
                assert done.exit_code == 0, done.output
            await esme.close()
            gate.process.send_signal(signal.SIGTERM)
            assert (await gate.ended())[0] == 0
    finally:
        await smsc.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace: apt-get install strace")
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze: apt-get install systemd")
def test_the_unit_lets_every_system_call_through_that_a_gate_makes() -> None:
    with TemporaryDirectory() as name:  # short enough for a socket in it
        trace = Path(name) / "calls"
        asyncio.run(life(Path(name), trace))
        end = monotonic() + TIMEOUT_S
        while not trace.stat().st_size and monotonic() < end:  # strace sums up once the gate has ended
            sleep(0.01)
        rows = [line.split() for line in trace.read_text().splitlines()]
    made = {row[0] for row in rows if len(row) == 2 and row[1].isdigit()} - {"total"}
    assert {"execve", "memfd_create", "sendmsg"} <= made
    assert made <= let_through()
