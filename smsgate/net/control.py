"""The Unix socket through which an operator speaks to a running gate; its file permissions say who may.

One JSON object a line: `{"do": "sessions"}` is answered `{"ok": ...}` or `{"error": "..."}`. `{"do": "trace", "client": ...}` is
answered by one line for each PDU until the asker closes.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from smsgate.net.trace import Emit

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 64 * 1024
"""A request is a name and a few words."""
MAX_TRACE_BACKLOG_BYTES = 256 * 1024
"""Trace lines that may wait for a slow reader; more are left out, and counted in the next line that goes through."""
MODE = 0o600
"""The socket is for the user that the gate runs as (and root)."""


class Operable(Protocol):
    """What takes an operator's requests: one worker, or all of them."""

    async def operate(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """Do what is asked. Raises ValueError when it makes no sense."""
        ...

    def trace(self, client: str, emit: Emit | None) -> None:
        """Begin, or with None end, to tell of the PDUs of a client."""
        ...


class ControlServer:
    """Serves at `path` until `close`."""

    def __init__(self, path: Path, operable: Operable) -> None:
        self._path = path
        self._operable = operable
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._traced: dict[str, list[Emit]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, *, takeover: bool) -> None:
        """Open the socket; one that nobody listens on, or with `takeover` anybody, is replaced. Raises OSError."""
        if not takeover and _alive(self._path):
            raise OSError(errno.EADDRINUSE, f"{self._path}: another gate listens there")
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            new.unlink(missing_ok=True)
            sock.bind(str(new))
            new.chmod(MODE)  # before it listens, so nobody can have connected
            sock.listen()
            self._inode = new.stat().st_ino
            new.rename(self._path)
        except OSError as error:
            sock.close()
            new.unlink(missing_ok=True)
            raise OSError(error.errno, f"{self._path}: {error.strerror or error}") from None
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=MAX_REQUEST_BYTES)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while line := await reader.readline():
                try:
                    request = json.loads(line)
                    what = request.pop("do")
                    if what == "trace":
                        await self._trace(str(request["client"]), reader, writer)
                        return
                    answer = {"ok": await self._operable.operate(what, request)}
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    answer = {"error": str(error) or type(error).__name__}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, asyncio.CancelledError):  # gone, too long a line, or the server closes
            return
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _trace(self, client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send a line for each PDU until the asker closes. Several may read along with one client."""
        left_out = 0

        def emit(record: dict[str, Any]) -> None:
            nonlocal left_out
            if writer.transport.get_write_buffer_size() > MAX_TRACE_BACKLOG_BYTES:
                left_out += 1
                return
            if left_out:
                record = {**record, "left_out": left_out}
                left_out = 0
            writer.write(json.dumps(record).encode() + b"\n")

        log.warning("trace begins: client %r", client)
        readers = self._traced.setdefault(client, [])
        readers.append(emit)
        if len(readers) == 1:
            self._operable.trace(client, partial(_to_all, readers))
        try:
            await reader.read()
        finally:
            readers.remove(emit)
            if not readers:
                del self._traced[client]
                self._operable.trace(client, None)
            log.warning("trace ends: client %r", client)

    def close(self) -> None:
        """Close, and remove the file unless a later generation has put its own there."""
        if self._server is not None:
            self._server.close()
            self._server = None
            for task in self._tasks:
                task.cancel()
            try:
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
            except FileNotFoundError:
                pass


def _to_all(readers: list[Emit], record: dict[str, Any]) -> None:
    for emit in readers:
        emit(record)


def _alive(path: Path) -> bool:
    """Whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True
