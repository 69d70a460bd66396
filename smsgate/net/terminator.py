"""TLS taken off in a worker that need not own the client: the plain stream goes to the owner over a socket pair.

Costs two copies a read, not a message: at a window of 100 about one microsecond a message.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from smsgate.net.channel import Letters
from smsgate.net.doorway import NoBindError, first_bind
from smsgate.net.listener import HANDSHAKE_S, Incoming
from smsgate.net.tls import Contexts
from smsgate.net.upstream import tune
from smsgate.settings import Settings
from smsgate.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
"""Plain octets taken at once; also what either buffer of the pump holds before it waits."""


class Terminator:
    """The TLS connections that end in this process. `ended` is told the address of each that comes to nothing."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        contexts: Contexts,
        letters: Letters,
        ended: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._contexts = contexts
        self._letters = letters
        self._ended = ended
        self._pumps: set[asyncio.Task[None]] = set()

    async def take(self, incoming: Incoming) -> None:
        """Shake hands, read the bind, hand the plain stream over, and pump until it ends."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=READ_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                incoming.connection,
                ssl=self._contexts.listener(incoming.listener),
                ssl_handshake_timeout=HANDSHAKE_S,
            )
            tune(transport, self._settings.tcp)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        except OSError as error:
            incoming.connection.close()
            self._give_up(incoming, error)
            return

        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            bind = await first_bind(self._settings, self._metrics, reader.read, send)
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            plain = await asyncio.open_connection(sock=ours, limit=READ_BYTES)
            await self._letters.send(incoming._replace(connection=theirs, received=bind.octets), bind.client)
        except (OSError, NoBindError) as error:
            writer.close()
            self._give_up(incoming, error)
            return
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        await asyncio.gather(_pump(reader, plain[1]), _pump(plain[0], writer))
        plain[1].close()

    def _give_up(self, incoming: Incoming, error: Exception) -> None:
        self._ended(incoming.address.host)
        log.info(
            "connection given up",
            extra={"address": str(incoming.address), "reason": str(error) or type(error).__name__},
        )

    async def drain(self) -> None:
        """Until the owners have ended the sessions of all streams, for `drain_timeout_s` at most."""
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=self._settings.drain_timeout_s)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass octets on until they end; then say so, by closing where the stream has no half-close (TLS)."""
    try:
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            return
    except OSError:
        pass
    writer.close()
