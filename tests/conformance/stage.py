"""Runs a dialogue: an ESME and an SMSC that say what the file says, the real gate between them, and sockets.

Each side's octets are written as the step has them (`whole`) or in pieces that the gate reads one by one (`in_pieces`).
What a side receives is compared octet by octet. That nothing else came is shown at the end: the session answers once more,
as the file says that it should, and then all streams end without another octet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from smsgate.config.load import load_settings
from smsgate.rules.engine import RuleSet
from smsgate.worker import Gate
from tests.conformance.notation import Dialogue, line_octets, pdus
from tests.gates import TIMEOUT_S, Peer, Wire, rule_set, wire

Split = Callable[[bytes], Iterator[bytes]]

SMALL_OCTETS = 200
"""Writes up to this length go octet by octet; of longer ones, what is behind so many octets goes in pieces that grow."""

BIND, BIND_RESP = line_octets("bind_transceiver"), line_octets("bind_transceiver_resp")
PROBE, PROBE_RESP = line_octets("enquire_link seq=0x7ABBCCDD"), line_octets("enquire_link_resp seq=0x7ABBCCDD")
NOT_BOUND = line_octets("00000010 80000015 00000004 7ABBCCDD")


def whole(data: bytes) -> Iterator[bytes]:
    """All at once."""
    yield data


def in_pieces(data: bytes) -> Iterator[bytes]:
    """Octet by octet; the rest of long ones in pieces that double."""
    start, size = 0, 1
    while start < len(data):
        yield data[start : start + size]
        start += size
        if start > SMALL_OCTETS:
            size *= 2


class Party:
    """One end of a connection and what it has received."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.received = b""
        self.ended = False
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """By a task of its own: a reset behind the last octet must not take that octet away."""
        with suppress(ConnectionError):
            while data := await self.peer.reader.read(65_536):
                self.received += data
                self._news.set()
        self.ended = True
        self._news.set()

    async def write(self, pieces: Iterator[bytes]) -> None:
        """Each piece in a turn of the loop of its own, until the gate has closed."""
        for piece in pieces:
            if self.peer.writer.transport.is_closing():
                return
            self.peer.send(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # asyncio asks its sockets only after what is ready has been queued

    def end(self) -> None:
        """Say that no more will come."""
        with suppress(OSError):
            if not self.peer.writer.transport.is_closing():
                self.peer.writer.write_eof()

    async def take(self, count: int) -> bytes:
        """So many octets; fewer when the stream ends or nothing more comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                while len(self.received) < count and not self.ended:
                    self._news.clear()
                    await self._news.wait()
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    async def rest(self) -> bytes:
        """All that comes until the gate ends the stream."""
        async with asyncio.timeout(TIMEOUT_S):
            await self._reading
        return self.received


class Stage:
    """The parties of one dialogue, in order of their connections."""

    def __init__(self, running: Wire[Gate], split: Split) -> None:
        self.running = running
        self.split = split
        self.parties: dict[tuple[str, int], Party] = {}

    async def party(self, side: str, connection: int) -> Party:
        """Connects an ESME when it is first needed, and takes the gate's connection to the SMSC when that is."""
        key = (side, connection)
        if key not in self.parties:
            running = self.running
            self.parties[key] = Party(await (running.esme() if side == "esme" else running.smsc.connection()))
        return self.parties[key]

    async def expect(self, side: str, connection: int, octets: bytes, where: str) -> None:
        """The side receives just these octets next."""
        received = await (await self.party(side, connection)).take(len(octets))
        assert [pdu.hex() for pdu in pdus(received)] == [pdu.hex() for pdu in pdus(octets)], where

    async def pass_on(self, speaker: str, octets: bytes) -> None:
        """What one side of the first connection says reaches the other."""
        other = "smsc" if speaker == "esme" else "esme"
        await (await self.party(speaker, 0)).write(whole(octets))
        await self.expect(other, 0, octets, f"{octets.hex()} of the {speaker}")

    async def play(self, dialogue: Dialogue) -> None:
        """All steps, then that nothing else came."""
        if dialogue.headings["begins"] == "bound":
            await self.pass_on("esme", BIND)
            await self.pass_on("smsc", BIND_RESP)
        drain: asyncio.Task[None] | None = None
        for step in dialogue.steps:
            where = f"line {step.line}"
            if step.side == "gate":
                drain = asyncio.create_task(self.running.gate.stop())
                continue
            party = await self.party(step.side, step.connection)
            if step.octets is None and step.writes:
                party.end()
            elif step.octets is None:
                assert await party.rest() == b"", where
            elif step.writes:
                await party.write(self.split(step.octets))
            else:
                await self.expect(step.side, step.connection, step.octets, where)
        await self._nothing_else(dialogue)
        if drain is not None:
            await drain

    async def _nothing_else(self, dialogue: Dialogue) -> None:
        if dialogue.headings["ends"] == "bound":
            await self.pass_on("esme", PROBE)
            await self.pass_on("smsc", PROBE_RESP)
        elif dialogue.headings["ends"] == "open":
            await (await self.party("esme", 0)).write(whole(PROBE))
            await self.expect("esme", 0, NOT_BOUND, "an enquire_link where nothing is bound")
        for _, party in sorted(self.parties.items()):  # ESMEs first, as a session ends
            party.end()
        for (side, connection), party in self.parties.items():
            assert await party.rest() == b"", f"{side} {connection} got more than the dialogue says"
        assert self.running.smsc.connections.empty(), "the gate connected to the SMSC, and no step says so"


@cache
def rules() -> RuleSet:
    """Whatever names CPF and says that something expires is refused."""
    return rule_set()


async def perform(dialogue: Dialogue, split: Split, folder: Path) -> None:
    """Run one dialogue against a gate of its own. `folder` is for its configuration file."""
    file = folder / "smsgate.yaml"
    file.write_text("listeners: [{bind: '127.0.0.1:0'}]\nupstreams: [{address: '127.0.0.1:2775'}]\nrules: []\n")
    with file.open("a") as more:
        more.write(dialogue.settings)
    settings = load_settings(file)
    async with wire(rules(), clients=settings.clients, caps=settings.caps) as running:
        await Stage(running, split).play(dialogue)
