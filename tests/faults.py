"""A TCP proxy that does to connections what networks do, and two parties that keep account of what they said and heard.

`FaultProxy` stands between an ESME and the gate, or between the gate and its SMSC. Each connection through it is a `Link`
of two `Pipe`s; a pipe can be held, cut into small writes, gathered into bursts or ended, a link closed or reset. Everything
runs in the loop of the test; faults are method calls, so nothing has to be waited for.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from smsgate.settings import Address
from smsgate.smpp.constants import BINDS, RESPONSE, Command
from tests.gates import LOCAL, bind, pdu, submit

LINGER_0 = struct.pack("ii", 1, 0)
"""l_onoff, l_linger: a close then sends RST instead of FIN (socket(7))."""
RESP = Command.SUBMIT_SM | RESPONSE


class Pipe:
    """One direction of a link: what came in at `source` and may go out at `sink`."""

    def __init__(self, source: End, sink: End) -> None:
        self.source = source
        self.sink = sink
        self.queue = bytearray()
        self.passed = 0  # octets handed to the sink
        self.piece_bytes = 0  # of each write; 0: as it comes
        self.burst_bytes = 0  # nothing passes until so much is there
        self.held = False
        self.at_eof = False  # the source has ended
        self.ended = False  # the sink has been told so, rightly or not
        self._pumping = False

    def feed(self, data: bytes) -> None:
        if not self.ended:
            self.queue += data
            self.pump()

    def hold(self) -> None:
        """Let nothing pass, and read nothing either."""
        self.held = True
        if not self.source.transport.is_closing():
            self.source.transport.pause_reading()

    def release(self) -> None:
        """Let all pass, from now on too."""
        self.held = False
        self.burst_bytes = 0
        if not self.at_eof and not self.source.transport.is_closing():
            self.source.transport.resume_reading()
        self.pump()

    def end(self) -> None:
        """Half-close: the sink hears the end of the stream; what the source goes on to say is lost."""
        if not self.ended:
            self.ended = True
            self.queue.clear()
            if self.sink.connected and not self.sink.transport.is_closing():
                self.sink.transport.write_eof()

    def pump(self) -> None:
        """Pass what may pass: all at once, or a piece now and the next in another turn of the loop."""
        if self._pumping or self.held or len(self.queue) < self.burst_bytes:
            return
        if not self.sink.connected or self.sink.transport.is_closing():
            return
        if self.queue:
            size = self.piece_bytes or len(self.queue)
            self.passed += min(size, len(self.queue))
            self.sink.transport.write(bytes(self.queue[:size]))
            del self.queue[:size]
        if self.queue:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._go_on)
        elif self.at_eof:
            self.end()

    def _go_on(self) -> None:
        self._pumping = False
        self.pump()


class End(asyncio.Protocol):
    """One of the two sockets of a link."""

    transport: asyncio.Transport

    def __init__(self, link: Link) -> None:
        self.link = link
        self.connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connected = True
        self.link.made(self)

    def data_received(self, data: bytes) -> None:
        self.link.pipe_from(self).feed(data)

    def eof_received(self) -> bool:
        pipe = self.link.pipe_from(self)
        pipe.at_eof = True
        pipe.pump()
        self.link.close_if_over()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected = False
        if exc is not None:
            self.link.reset()


class Link:
    """One connection through the proxy. `up` leads to the side that was connected to, `down` to the one that connected."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self.near = End(self)
        self.far = End(self)
        self.up = Pipe(self.near, self.far)
        self.down = Pipe(self.far, self.near)
        self._connecting: asyncio.Task[object] | None = None

    def pipe_from(self, end: End) -> Pipe:
        return self.up if end is self.near else self.down

    def made(self, end: End) -> None:
        if end is self.near:
            loop = asyncio.get_running_loop()
            address = self._proxy.target
            self._connecting = loop.create_task(loop.create_connection(lambda: self.far, address.host, address.port))
        else:
            self._proxy.links.append(self)
            self._proxy.on_link(self)
            self.up.pump()

    def close_if_over(self) -> None:
        if self.up.ended and self.down.ended:
            self.drop()

    def drop(self) -> None:
        """Close both connections in order: what was passed still arrives."""
        for pipe in (self.up, self.down):
            pipe.end()
        for end in (self.near, self.far):
            if end.connected:
                end.transport.close()

    def reset(self) -> None:
        """Send RST both ways."""
        for end in (self.near, self.far):
            if end.connected and not end.transport.is_closing():
                sock = end.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
                end.transport.abort()

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        for end in (self.near, self.far):
            if end.connected:
                end.transport.abort()


class FaultProxy:
    """Listens on a free port and joins each connection to one of its own to `target`. `links` are in order of age."""

    def __init__(self) -> None:
        self.address = self.target = LOCAL
        self.links: list[Link] = []
        self.on_link: Callable[[Link], None] = lambda _: None
        """Called with each new link before an octet has passed it."""
        self._accepted: list[Link] = []

    async def start(self) -> None:
        """Listen; where it did before, if it did."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, self.address.host, self.address.port)
        self.address = Address(*self._server.sockets[0].getsockname()[:2])

    def _accept(self) -> End:
        self._accepted.append(Link(self))
        return self._accepted[-1].near

    def refuse(self) -> None:
        """Refuse connections; those that stand go on."""
        self._server.close()

    async def close(self) -> None:
        self._server.close()
        for link in self._accepted:
            await link.close()


class Party(asyncio.Protocol):
    """An end that cuts what it reads into PDUs and remembers them. It ends its stream when the other end does."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.at_eof = False
        self.has_ended = False
        self.connected = False
        self.gone = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connected = True

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 4 and len(self._rest) >= (length := int.from_bytes(self._rest[:4], "big")):
            one, self._rest = self._rest[:length], self._rest[length:]
            self.received.append(one)
            self.took(int.from_bytes(one[4:8], "big"), int.from_bytes(one[12:16], "big"), one)

    def took(self, command: int, sequence: int, one: bytes) -> None:
        raise NotImplementedError

    def eof_received(self) -> bool:
        self.at_eof = True
        self.ended()
        return True

    def ended(self) -> None:
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected = False
        self.gone = True

    def say(self, data: bytes) -> None:
        if self.connected and not self.has_ended and not self.transport.is_closing():
            self.transport.write(data)

    def end(self) -> None:
        """Half-close: what comes is still read."""
        self.has_ended = True
        self.transport.write_eof()

    def of(self, command: int) -> list[bytes]:
        """What was received of this command."""
        return [one for one in self.received if int.from_bytes(one[4:8], "big") == command]


class Esme(Party):
    """A sender. `silent`: it does not answer an unbind."""

    def __init__(self, system_id: str) -> None:
        super().__init__()
        self.system_id = system_id
        self.silent = False
        self.sent: dict[int, bytes] = {}
        self.unbind: bytes = b""

    def bind(self) -> None:
        self.say(bind(1, self.system_id))

    def submit(self, *texts: str) -> None:
        """One submit_sm for each text, in one write, numbered on from 2."""
        first = len(self.sent) + 2
        new = {first + place: submit(text, first + place) for place, text in enumerate(texts)}
        self.sent |= new
        self.say(b"".join(new.values()))

    def took(self, command: int, sequence: int, one: bytes) -> None:
        if command == Command.UNBIND:
            self.unbind = pdu(Command.UNBIND | RESPONSE, sequence)
            if not self.silent:
                self.say(self.unbind)
        elif command == Command.DELIVER_SM:
            self.say(pdu(Command.DELIVER_SM | RESPONSE, sequence, b"\0"))

    @property
    def answers(self) -> dict[int, bytes]:
        """The answers to its submit_sm by number. Raises AssertionError when one came twice."""
        found: dict[int, bytes] = {}
        for one in self.of(RESP):
            sequence = int.from_bytes(one[12:16], "big")
            assert sequence not in found, f"{sequence} was answered twice"
            found[sequence] = one
        return found


class Smsc(Party):
    """The SMSC's end of one session. While `withholding`, answers wait in `due`; `written` are those that were sent."""

    def __init__(self, withholding: bool) -> None:
        super().__init__()
        self.withholding = withholding
        self.due: list[bytes] = []
        self.written: list[bytes] = []

    def took(self, command: int, sequence: int, one: bytes) -> None:
        if command in BINDS:
            self._owe(pdu(command | RESPONSE, sequence, b"smsc\0"))
        elif command == Command.SUBMIT_SM:
            self._owe(pdu(command | RESPONSE, sequence, b"%08x\0" % sequence))
        elif not command & RESPONSE:
            self._owe(pdu(command | RESPONSE, sequence))

    def _owe(self, answer: bytes) -> None:
        self.due.append(answer)
        if not self.withholding:
            self.answer(1)

    def answer(self, count: int) -> None:
        """Send so many of the answers that are due."""
        now, self.due = self.due[:count], self.due[count:]
        self.written += now
        self.say(b"".join(now))

    def settle(self) -> None:
        """Answer all, from now on at once."""
        self.withholding = False
        self.answer(len(self.due))
        if self.at_eof:
            self.transport.close()

    def ended(self) -> None:
        if not self.withholding:
            self.settle()
