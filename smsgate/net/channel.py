"""How the supervisor and its workers talk: words in one stream, descriptors in datagrams beside it.

Words are JSON objects, one a line. A descriptor travels with one JSON object that says what it is: a connection, with the
octets that were read from it already, or rules. Both are Unix socket pairs made before the worker starts.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from itertools import count
from typing import Any

from smsgate.net.listener import Incoming
from smsgate.settings import Address

MAX_WORD_BYTES = 64 * 1024 * 1024
"""The longest line: the counts of some hundred thousand rules."""
MAX_LETTER_BYTES = 128 * 1024
"""What goes beside a descriptor: an address, and what was read behind a bind (256 octets at a time)."""
LETTERS_PER_TURN = 64
"""Descriptors taken at once, before sessions have their turn again."""


class Words:
    """One end of the stream. Sending never waits: what is said is small, and a peer that doesn't read is dead soon. Whoever
    says much looks at `backlog_bytes` first."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Words:
        """Take over a socket."""
        return cls(*await asyncio.open_connection(sock=sock, limit=MAX_WORD_BYTES))

    def say(self, **word: Any) -> None:
        """Send one word."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(word, separators=(",", ":")).encode() + b"\n")

    def backlog_bytes(self) -> int:
        """What has been said and not sent yet."""
        return self._writer.transport.get_write_buffer_size()

    async def hear(self) -> dict[str, Any] | None:
        """The next word; None once the other end is gone."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):  # cut off by the end
            return None
        word: dict[str, Any] = json.loads(line)
        return word

    async def close(self) -> None:
        """Send what is queued and close."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return


class Questions:
    """What one worker has been asked and has not answered yet."""

    def __init__(self) -> None:
        self._open: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count(1)  # never used again: an answer may come after its time

    def put(self) -> int:
        """The number of a new question."""
        number = next(self._numbers)
        self._open[number] = asyncio.get_running_loop().create_future()
        return number

    async def answer(self, number: int, timeout_s: float) -> dict[str, Any]:
        """What is answered: `ok`, or `error` when no answer comes too."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._open[number]
        except TimeoutError:
            return {"error": f"no answer within {timeout_s:.0f} s"}
        finally:
            del self._open[number]

    def answered(self, number: int, value: dict[str, Any]) -> None:
        """An answer has come, in its time or not."""
        future = self._open.get(number)
        if future is not None and not future.done():
            future.set_result(value)

    def end(self) -> None:
        """No more will come."""
        for number in self._open:
            self.answered(number, {"error": "it has died"})


class Letters:
    """One end of the datagrams. `client` is the system_id of the bind among `received`, "" before one was read."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._turn = asyncio.Lock()

    async def send(self, incoming: Incoming, client: str) -> None:
        """Hand a connection over and close it here. Raises OSError when the other end is gone."""
        letter = {
            "address": [incoming.address.host, incoming.address.port],
            "listener": incoming.listener,
            "received": incoming.received.decode("latin-1"),
            "client": client,
        }
        await self._post(letter, incoming.connection.fileno())
        incoming.connection.close()

    async def send_rules(self, descriptor: int, question: int) -> None:
        """Hand rules over, which stay open here. What comes of them is the answer to the question."""
        await self._post({"rules": question}, descriptor)

    async def _post(self, letter: dict[str, Any], descriptor: int) -> None:
        async with self._turn:  # one writer callback at a time
            while True:
                try:
                    socket.send_fds(self._sock, [json.dumps(letter).encode()], [descriptor])
                except BlockingIOError:
                    await self._room()
                else:
                    return

    async def _room(self) -> None:
        """Wait until the other end has taken some."""
        loop = asyncio.get_running_loop()
        room = asyncio.Event()
        loop.add_writer(self._sock, room.set)
        try:
            await room.wait()
        finally:
            loop.remove_writer(self._sock)

    def listen(self, take: Callable[[Incoming, str], None], rules: Callable[[int, int], None] | None = None) -> None:
        """Give every connection that comes to `take`, and a descriptor of rules with its question to `rules`."""
        asyncio.get_running_loop().add_reader(self._sock, self._receive, take, rules)

    def _receive(self, take: Callable[[Incoming, str], None], rules: Callable[[int, int], None] | None) -> None:
        for _ in range(LETTERS_PER_TURN):
            try:
                data, descriptors, _, _ = socket.recv_fds(self._sock, MAX_LETTER_BYTES, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:  # the other end is gone
                asyncio.get_running_loop().remove_reader(self._sock)
                return
            letter = json.loads(data)
            for descriptor in descriptors:
                if "rules" in letter:
                    assert rules is not None
                    rules(descriptor, letter["rules"])
                    continue
                connection = socket.socket(fileno=descriptor)
                connection.setblocking(False)
                host, port = letter["address"]
                received = letter["received"].encode("latin-1")
                take(Incoming(connection, Address(host, port), letter["listener"], received), letter["client"])

    def close(self) -> None:
        """Listen no more."""
        asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
