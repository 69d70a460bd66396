"""deploy/haproxy in front of two gates and one SMSC: clients stay, addresses arrive, and the death of a gate moves clients."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.worker import Gate
from tests.gates import LOCAL, SCAM, TIMEOUT_S, Peer, bind, pdu, rule_set, run_on, submit

FILE = Path(__file__).parents[1] / "deploy" / "haproxy" / "haproxy.cfg"
BOUND = pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1)[4:16]
RESP = Command.SUBMIT_SM | RESPONSE


@pytest.fixture
def haproxy() -> str:
    command = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if command is None:
        pytest.skip("no haproxy: apt-get install haproxy")
    return command


@dataclass
class Site:
    """HAProxy's address, and the gates behind it."""

    address: Address
    gates: list[Gate]
    peers: list[Peer]

    async def connected(self, source: str = "127.0.0.1") -> Peer:
        connecting = asyncio.open_connection(self.address.host, self.address.port, local_addr=(source, 0))
        peer = Peer(*await connecting)
        self.peers.append(peer)
        return peer

    async def bound(self, system_id: str, source: str = "127.0.0.1") -> Peer:
        peer = await self.connected(source)
        peer.send(bind(system_id=system_id))
        assert (await peer.pdu())[4:16] == BOUND
        return peer

    def homes(self) -> Counter[tuple[str, int]]:
        """Sessions by client and gate."""
        return Counter(
            (str(session["client"]), number)
            for number, gate in enumerate(self.gates)
            for session in gate.sessions.describe()
            if session["client"]
        )

    async def kill(self, number: int) -> None:
        """End a gate as a crash would: connections and listeners are gone at once."""
        gate = self.gates[number]
        await gate.listener.drain(0)
        gate.retire()
        for client in {str(session["client"]) for session in gate.sessions.describe()}:
            gate.sessions.kick(client, at_once=True)


def configuration(listening: int, gates: list[Gate], smsc: Address, *, backup: bool) -> str:
    """The shipped file for these addresses, with quicker checks."""
    text = FILE.read_text()
    changes: list[tuple[str, str]] = [("bind :2775", f"bind fd@{listening}"), ("inter 1s", "inter 100ms")]
    changes += [("check port 9464", "check"), ("maxconn 20000", "maxconn 200")]  # more than some test machines allow
    for number, gate in enumerate(gates, 1):
        assert gate.admin is not None
        changes.append((f"gate{number}:2775", f"{gate.addresses[0]} port {gate.admin.address.port}"))
    if backup:
        changes += [("#server smsc", "server smsc"), ("smsc:2775", str(smsc))]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@asynccontextmanager
async def site(command: str, folder: Path, *, backup: bool = False) -> AsyncIterator[Site]:
    smsc = await serve(SimulatorSettings())
    upstream = Address(*smsc.address)
    settings = Settings(
        (ListenerSettings(LOCAL, proxies=(ip_network("127.0.0.1"),)),),
        (UpstreamSettings("smsc", upstream),),
        (),
        metrics=LOCAL,
        drain_timeout_s=1.0,
    )
    gates = [Gate(replace(settings), rule_set()) for _ in range(2)]
    for gate in gates:
        await gate.start()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = Address(*listening.getsockname()[:2])
        file = folder / "haproxy.cfg"
        file.write_text(configuration(listening.fileno(), gates, upstream, backup=backup))
        process = await asyncio.create_subprocess_exec(
            command, "-db", "-f", file, pass_fds=[listening.fileno()], stdout=DEVNULL
        )
    running = Site(address, gates, [])
    try:
        yield running
    finally:
        for peer in running.peers:
            await peer.close()
        process.kill()
        await process.wait()
        for gate in gates:
            await gate.stop()
        await smsc.close()


def test_the_file_as_it_is_shipped_is_right(haproxy: str, tmp_path: Path) -> None:
    text = re.sub(r"\b(gate\d|smsc):2775", "127.0.0.1:2775", FILE.read_text()).replace("#server smsc", "server smsc")
    (tmp_path / "haproxy.cfg").write_text(text)
    done = subprocess.run([haproxy, "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_a_client_stays_on_one_gate_and_clients_are_spread(haproxy: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with site(haproxy, tmp_path) as running:
            names = [f"client{number}" for number in range(21)]  # an odd number: round robin would not do
            for name in names * 3:
                await running.bound(name)
            homes = running.homes()
            assert Counter(homes.values()) == {3: len(names)}
            assert {gate for _, gate in homes} == {0, 1}

    run_on("uvloop", body)


def test_a_bind_that_comes_in_pieces_or_with_more_behind_it_finds_the_same_gate(haproxy: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with site(haproxy, tmp_path) as running:
            names = [f"client{number}" for number in range(6)]
            for name in names:
                await running.bound(name)
                slow = await running.connected()
                octets = bind(system_id=name)
                for first in (0, 3, 16, 19, 30):
                    slow.send(octets[first : {0: 3, 3: 16, 16: 19, 19: 30}.get(first)])
                    await slow.writer.drain()
                    await asyncio.sleep(0.02)  # else the kernel would put the pieces together again
                assert (await slow.pdu())[4:16] == BOUND
                quick = await running.connected()
                quick.send(octets + submit(SCAM, 2))
                assert (await quick.pdu())[4:16] == BOUND
                assert await quick.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            assert Counter(running.homes().values()) == {3: len(names)}

    run_on("uvloop", body)


def test_the_gate_sees_the_address_of_the_sender(haproxy: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with site(haproxy, tmp_path) as running:
            await running.bound("bank1", "127.0.0.3")
            (session,) = [session for gate in running.gates for session in gate.sessions.describe()]
            assert str(session["address"]).startswith("127.0.0.3:")

    run_on("uvloop", body)


def test_when_a_gate_dies_its_clients_move_and_the_others_stay(haproxy: str, tmp_path: Path) -> None:
    async def body() -> None:
        async with site(haproxy, tmp_path) as running:
            names = [f"client{number}" for number in range(12)]
            peers = {name: await running.bound(name) for name in names}
            before = dict(list(running.homes()))
            assert set(before.values()) == {0, 1}
            await running.kill(0)
            for name in names:
                if before[name] == 0:
                    assert await peers[name].eof() == b""
                await running.bound(name)
            homes = running.homes()
            assert {name: homes[name, 1] for name in names} == {name: 1 if before[name] == 0 else 2 for name in names}

    run_on("uvloop", body)


@pytest.mark.parametrize("backup", [False, True])
def test_with_no_gate_left_the_smsc_is_reached_only_where_that_is_wanted(
    haproxy: str, tmp_path: Path, backup: bool
) -> None:
    async def body() -> None:
        async with site(haproxy, tmp_path, backup=backup) as running:
            first = await running.bound("bank1")
            first.send(submit(SCAM, 2))
            assert await first.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            for number in (0, 1):
                await running.kill(number)
            await eventually(lambda: answer(running), BOUND if backup else b"")

    async def answer(running: Site) -> bytes:
        peer = await running.connected()
        peer.send(bind() + submit(SCAM, 2))
        try:
            bound = (await peer.pdu())[4:16]
            assert (await peer.pdu())[8:12] == bytes(4)  # unfiltered
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        return bound

    run_on("uvloop", body)


async def eventually(attempt: Callable[[], Awaitable[bytes]], expected: bytes) -> None:
    """Until HAProxy has noticed."""
    async with asyncio.timeout(TIMEOUT_S):
        while await attempt() != expected:  # noqa: ASYNC110  # nobody says when
            await asyncio.sleep(0.05)
