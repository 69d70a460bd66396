"""A TCP relay that looks at nothing: what two sockets in Python under uvloop cost before any check.

`python -m load_tests.bare_relay HOST:PORT` listens on a free port, prints `listening on HOST:PORT`, and joins every
connection to one of its own to the given address.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One of the two connections of a session; what it receives is written to the other."""

    def __init__(self, other: Side | None = None) -> None:
        self.other = other
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self.other.transport.write(data)

    def pause_writing(self) -> None:
        assert self.other is not None
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        assert self.other is not None
        self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self.other is not None:
            self.other.transport.close()


class Downstream(Side):
    """The side that connected to us; what it says before the upstream side stands is one read at most."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__()
        self.upstream = upstream
        self.early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.connecting = asyncio.get_running_loop().create_task(self.connect())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early = data
            self.transport.pause_reading()
        else:
            self.other.transport.write(data)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, self.other = await loop.create_connection(lambda: Side(self), *self.upstream)
        except OSError:
            self.transport.close()
        else:
            self.other.transport.write(self.early)
            self.transport.resume_reading()


async def serve(upstream: tuple[str, int]) -> asyncio.Server:
    """Relay from a free port of the loopback address to `upstream`."""
    return await asyncio.get_running_loop().create_server(lambda: Downstream(upstream), "127.0.0.1", 0)


async def main(address: str) -> None:
    host, _, port = address.rpartition(":")
    server = await serve((host, int(port)))
    print("listening on {}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
