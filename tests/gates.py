"""What the socket tests share: a gate on free ports in front of a scripted SMSC, and a raw ESME that speaks bytes.

`both_loops` runs a test body under uvloop and under plain asyncio; there are no sleeps and no fixed ports.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any, Generic, TypeVar

import pytest
import uvloop

from smsgate.config.rules import Loaded
from smsgate.net.tls import Contexts
from smsgate.net.upstream import Upstreams
from smsgate.rules.compile import compile_packs
from smsgate.rules.condition import parse
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action, Brand, HostTokens, KeywordSet, Official, Pack, Rule, Where
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.supervisor import Supervisor
from smsgate.worker import Gate

LOCAL = Address("127.0.0.1", 0)
TIMEOUT_S = 10.0
WHERE = Where("test.yaml", 1)
SCAM = "Votre solde CPF expire, voir https://cpf-droits.example/x"
GENUINE = "Votre rendez-vous du 12/03 est confirme a 14h30."


def pack(**changes: Any) -> Pack:
    """A pack that blocks SCAM and passes GENUINE."""
    cpf = Brand(
        "cpf",
        ("CPF", "mon compte formation"),
        WHERE,
        host=HostTokens(with_bait=("cpf",)),
        official=Official(domains=("moncompteformation.gouv.fr",)),
    )
    rule = Rule("T-1", "CPF", parse("names(cpf) and pull and not official(cpf)"), Action.BLOCK, WHERE)
    made = Pack(
        "test", "test.yaml", WHERE, brands=(cpf,), keywords=(KeywordSet("pull", ("expir*",), WHERE),), rules=(rule,)
    )
    return replace(made, **changes)


def rule_set(**changes: Any) -> RuleSet:
    """The rules of `pack`."""
    return compile_packs([pack(**changes)])


def pdu(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    """One PDU."""
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def bind(sequence: int = 1, system_id: str = "bank1", command: int = Command.BIND_TRANSCEIVER) -> bytes:
    """A bind."""
    return pdu(command, sequence, system_id.encode() + b"\0secret\0\0\x34\0\0\0")


def submit(text: str, sequence: int, tlvs: bytes = b"", sender: bytes = b"38100") -> bytes:
    """A submit_sm in GSM-7 (ASCII letters only here)."""
    body = text.encode("ascii")
    head = b"\0\5\0" + sender + b"\0\1\x0133639980001\0\0\0\0\0\0\1\0\0\0"
    return pdu(Command.SUBMIT_SM, sequence, head + bytes([len(body)]) + body + tlvs)


def split(stream: bytes) -> list[bytes]:
    """The PDUs of a byte string."""
    found = []
    while stream:
        length = int.from_bytes(stream[:4], "big")
        found.append(stream[:length])
        stream = stream[length:]
    return found


GateT = TypeVar("GateT", Gate, Supervisor)


class Peer:
    """One end of a connection that reads and writes bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def pdu(self) -> bytes:
        async with asyncio.timeout(TIMEOUT_S):
            head = await self.reader.readexactly(4)
            return head + await self.reader.readexactly(int.from_bytes(head, "big") - 4)

    async def pdus(self, count: int) -> list[bytes]:
        return [await self.pdu() for _ in range(count)]

    async def eof(self) -> bytes:
        """All that comes until the other end says that no more will."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


class FakeSmsc:
    """Accepts connections and hands them to the test; `bound` also answers the bind."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Peer] = asyncio.Queue()
        self.peers: list[Peer] = []
        self.context: ssl.SSLContext | None = None

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, limit=2**20, ssl=self.context)
        self.address = Address(*self.server.sockets[0].getsockname()[:2])

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        await self.connections.put(peer)

    async def connection(self) -> Peer:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.connections.get()

    async def close(self) -> None:
        self.server.close()
        for peer in self.peers:
            await peer.close()


def upstreams(settings: Settings) -> Upstreams:
    """The SMSCs of these settings."""
    contexts = Contexts(settings)
    contexts.load()
    return Upstreams(settings, contexts)


class Wire(Generic[GateT]):
    """A gate between a fake SMSC and raw ESMEs."""

    def __init__(self, gate: GateT, smsc: FakeSmsc) -> None:
        self.gate: GateT = gate
        self.smsc = smsc
        self.peers: list[Peer] = []

    async def esme(self) -> Peer:
        address = self.gate.addresses[0]
        peer = Peer(*await asyncio.open_connection(address.host, address.port, limit=2**20))
        self.peers.append(peer)
        return peer

    async def bound(self, system_id: str = "bank1", command: int = Command.BIND_TRANSCEIVER) -> tuple[Peer, Peer]:
        """An ESME whose bind the SMSC has accepted, and its upstream connection."""
        esme = await self.esme()
        request = bind(system_id=system_id, command=command)
        esme.send(request)
        upstream = await self.smsc.connection()
        assert await upstream.pdu() == request
        answer = pdu(command | RESPONSE, 1, b"smsc\0")
        upstream.send(answer)
        assert await esme.pdu() == answer
        return esme, upstream


@asynccontextmanager
async def wire(rules: RuleSet | None = None, **changes: Any) -> AsyncIterator[Wire[Gate]]:
    """A running gate."""
    smsc = FakeSmsc()
    await smsc.start()
    settings = Settings((ListenerSettings(LOCAL),), (UpstreamSettings("smsc", smsc.address),), (), drain_timeout_s=2.0)
    gate = Gate(replace(settings, **changes), rules or rule_set())
    await gate.start()
    running = Wire(gate, smsc)
    try:
        yield running
    finally:
        for peer in running.peers:
            await peer.close()
        await smsc.close()
        await gate.stop()


@asynccontextmanager
async def crew(packed: Pack | None = None, **changes: Any) -> AsyncIterator[Wire[Supervisor]]:
    """A running gate of two workers."""
    packs = (packed or pack(),)
    smsc = FakeSmsc()
    await smsc.start()
    settings = Settings((ListenerSettings(LOCAL),), (UpstreamSettings("smsc", smsc.address),), (), drain_timeout_s=2.0)
    gate = Supervisor(replace(settings, workers=2, **changes), Loaded(packs, date(2026, 1, 1), compile_packs(packs)))
    running = Wire(gate, smsc)
    try:
        await gate.start()
        yield running
    finally:
        for peer in running.peers:
            await peer.close()
        await smsc.close()
        await gate.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a condition of the gate's holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():  # noqa: ASYNC110  # the gate has no event for what tests wait for
            await asyncio.sleep(0)


def run_on(loop_name: str, body: Callable[[], Coroutine[Any, Any, None]] | Callable[[], Awaitable[None]]) -> None:
    """Run a test body on a loop of the named kind."""

    async def bounded() -> None:
        async with asyncio.timeout(3 * TIMEOUT_S):
            await body()

    factory = uvloop.new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(bounded())


both_loops = pytest.mark.parametrize("loop_name", ["uvloop", "asyncio"])
