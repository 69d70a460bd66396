"""One connection of a relay: what depends on the socket. The relay decides."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, cast

from smsgate.net.trace import Tap

if TYPE_CHECKING:
    from smsgate.net.relay import Relay
    from smsgate.smpp.session import Run

WRITE_BUFFER_BYTES = 64 * 1024
"""Where a transport says that its peer reads too slowly."""
CLOSE_S = 10.0
"""How long a closed connection may take to send what is queued, before it is cut."""


class Side(asyncio.Protocol):
    """One connection of a relay. Holds what depends on the socket; the relay decides."""

    transport: asyncio.Transport

    def __init__(self, relay: Relay, name: str) -> None:
        self.relay = relay
        self.name = name
        self.framer = relay.session.downstream if name == "downstream" else relay.session.upstream
        self.connected = False
        self.reading = True
        self.full = False  # its write buffer
        self.turn_queued = False
        self.added = relay.metrics.added_downstream if name == "downstream" else relay.metrics.added_upstream
        self.arrived = 0.0  # when the first octet that has not been handled came; 0.0: there is none
        self.pdu_begun = 0.0  # since when a PDU waits for its rest; 0.0: none does, or the peer is not read
        self.at_eof = False  # the peer sends no more
        self.eof_taken = False  # and the session knows
        self.eof_written = False  # and has been told so itself
        self.tap: Tap | None = None
        self.cutting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.connected = True
        self.relay.made(self)

    def data_received(self, data: bytes) -> None:
        """Octets of the peer."""
        if self.relay.ended:
            return
        if self.tap is not None:
            self.tap.said(data)
        self.framer.feed(data)
        if not self.arrived:
            self.arrived = perf_counter()
        if not self.turn_queued:
            self.relay.turn(self)

    def eof_received(self) -> bool:
        """The peer will send no more, and still reads: keep the connection."""
        self.at_eof = True
        if not self.turn_queued:
            self.relay.turn(self)
        # TLS has no half-close: its transport closes. So does one that has only been waiting for this.
        return self.transport.can_write_eof() and not self.relay.ended

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.connected = False
        if self.cutting is not None:
            self.cutting.cancel()
        self.relay.lost(self, exc)

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self.full = True
        self.relay.flow()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self.full = False
        self.relay.flow()

    def write(self, queue: list[Run]) -> None:
        """Write and clear what is queued; it stays queued until there is a connection."""
        if not self.connected:
            return
        if self.tap is not None:
            self.tap.told(queue)
        if self.eof_written:  # nobody is left to be told
            pass
        elif len(queue) == 1:
            self.transport.write(queue[0])
        else:
            self.transport.writelines(queue)
        queue.clear()

    @property
    def buffered_bytes(self) -> int:
        """Octets that wait here: of the peer, to be handled, and for it, to be sent."""
        return self.framer.pending + (self.transport.get_write_buffer_size() if self.connected else 0)

    def read(self, wanted: bool) -> None:
        """Start or stop reading."""
        if wanted is not self.reading and self.connected and not self.at_eof and not self.transport.is_closing():
            self.reading = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def end(self) -> None:
        """Say that no more will come; what the peer sends is still read."""
        if (
            self.connected
            and not self.eof_written
            and not self.transport.is_closing()
            and self.transport.can_write_eof()
        ):
            self.eof_written = True
            with suppress(OSError):  # the peer has reset the connection, and nobody has read that yet
                self.transport.write_eof()

    def close(self, loop: asyncio.AbstractEventLoop, peer_may_send: bool = False) -> None:
        """Send what is queued, then close; cut off after CLOSE_S a peer that doesn't read.

        Closing a socket with octets unread resets it, and the kernel drops what is still to be sent (RFC 1122, 4.2.2.13).
        So that no answer is lost, a peer that may be sending is told the end and read, to no use, until its own.
        """
        if self.connected and not self.transport.is_closing():
            if peer_may_send and not self.at_eof and self.transport.can_write_eof():
                self.end()
                self.read(True)
            else:
                self.transport.close()
            self.cutting = loop.call_later(CLOSE_S, self.transport.abort)
