"""The Unix socket through which an operator speaks to a running gate; its file permissions say who may.

One JSON object a line: `{"do": "sessions"}` is answered `{"ok": ...}` or `{"error": "..."}`. `{"do": "trace", "client": ...}` is
answered `{"ok": ...}` too, then by one line for each PDU until the asker ends its stream.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
import stat
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from smsgate.net.trace import Emit, bounded

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 64 * 1024
"""A request is a name and a few words."""
MAX_TEXT_CHARS = 200
"""Of a client's name or a reason: one line of the log."""
MAX_ASKERS = 32
"""At once: some people with a trace each, and a script. Each may have a trace's backlog in memory."""
ASKER_S = 10.0
"""How long an asker may take to send a request, or to take its answer."""
TRACE_READ_BYTES = 4096
"""What an asker says during a trace is thrown away in such pieces."""
MODE = 0o600
"""The socket is for the user that the gate runs as (and root)."""

_FIELDS: Final = {
    "client": str,
    "reason": str,
    "at_once": bool,
    "on": bool,
    "kind": str,
    "value": str,
    "for_s": int,
    "force": bool,
    "version": str,
    "by": str,
}
_FORMS: Final = {bool: "true or false", int: "a whole number", str: f"1 to {MAX_TEXT_CHARS} characters"}


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
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _see_that_it_is_free(self._path, takeover=takeover)
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
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all is sent
        try:
            if len(self._tasks) > MAX_ASKERS:
                await _say(writer, {"error": f"{MAX_ASKERS} others are asking already"})
                return
            await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):  # gone, too slow (TimeoutError is an OSError), or the server closes
            return
        finally:
            self._tasks.discard(task)
            writer.transport.abort()  # what could be sent has been: see _say

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(ASKER_S):
                    line = await reader.readline()
            except ValueError:
                await _say(writer, {"error": f"a request of more than {MAX_REQUEST_BYTES} octets"})
                return
            if not line:
                return
            try:
                what, arguments = _request(line)
                if what == "trace":
                    await self._trace(arguments["client"], reader, writer)
                    return
                answer = {"ok": await self._operable.operate(what, arguments)}
            except ValueError as error:
                answer = {"error": str(error)}
            await _say(writer, answer)

    async def _trace(self, client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send a line for each PDU until the asker closes. Several may read along with one client."""

        def send(record: dict[str, Any]) -> None:
            writer.write(json.dumps(record).encode() + b"\n")

        emit = bounded(send, writer.transport.get_write_buffer_size)
        log.warning("trace begins", extra={"client": client})
        await _say(writer, {"ok": f"trace of {client}"})
        readers = self._traced.setdefault(client, [])
        readers.append(emit)
        if len(readers) == 1:
            self._operable.trace(client, partial(_to_all, readers))
        try:
            while await reader.read(TRACE_READ_BYTES):
                pass
        finally:
            readers.remove(emit)
            if not readers:
                del self._traced[client]
                self._operable.trace(client, None)
            log.warning("trace ends", extra={"client": client})

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
            except OSError as error:
                log.info("control socket not removed", extra={"reason": str(error)})


async def _say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    """Send an answer to the last octet. Raises TimeoutError when the asker doesn't take it."""
    writer.write(json.dumps(answer).encode() + b"\n")
    async with asyncio.timeout(ASKER_S):
        await writer.drain()


def _request(line: bytes) -> tuple[str, dict[str, Any]]:
    """What is asked, and its arguments, each of its type. Raises ValueError."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("found no JSON, expected one object a line") from None
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise ValueError('expected an object such as {"do": "sessions"}')  # noqa: TRY004  # one kind for all faults
    what = request.pop("do")
    for key, value in request.items():
        kind = _FIELDS.get(key)
        if kind is None:
            raise ValueError(f"found the key {key[:MAX_TEXT_CHARS]!r}, expected {', '.join(_FIELDS)}")
        if type(value) is not kind or (isinstance(value, str) and not 0 < len(value) <= MAX_TEXT_CHARS):
            raise ValueError(f"{key}: expected {_FORMS[kind]}")
    if what in {"kick", "trace"} and "client" not in request:
        raise ValueError(f"{what} needs a client")
    return what, request


def _to_all(readers: list[Emit], record: dict[str, Any]) -> None:
    for emit in readers:
        emit(record)


def _see_that_it_is_free(path: Path, *, takeover: bool) -> None:
    """Raises OSError for what must not be replaced: a file that is no socket, one that another gate listens on."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise FileExistsError(errno.EEXIST, "a file that is no socket is there")
    except FileNotFoundError:
        return
    if takeover:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)  # a full backlog says that somebody listens, and must not be waited for
        try:
            sock.connect(str(path))
        except ConnectionRefusedError:
            return
        except BlockingIOError:
            pass
    raise OSError(errno.EADDRINUSE, "another gate listens there")
