"""An open-loop sender, free of coordinated omission, and the SMSC it reaches: one busy loop over plain sockets.

Every message has a time at which it is to be sent, drawn before the run, and it is sent then whatever has been answered. Its
latency counts from that time: one that waits in a buffer because the proxy stands still has waited, and so has every one
behind it. A sender with a window, as in `harness`, would send less just then and hardly notice.

Sender and SMSC take turns in one thread that never sleeps: timers have a resolution of 1 ms, and two processes on one core
would take it from each other for longer than that. What the loop itself takes is in every latency, with a proxy and
without. How late it sent is a figure of its own; a run in which it could not keep up is none (`TooLate`).
"""

from __future__ import annotations

import gc
import random
import select
import socket
from array import array
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final

from load_tests.harness import ANSWER_BYTES, CLIENTS, SMSC_ID, bind
from smsgate.smpp.constants import HEADER, RESPONSE, Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from load_tests.harness import Run

READ_BYTES: Final = 1 << 14
"""At once: 0.1 ms of work, so that a burst behind a stall does not make the sender late."""
MAX_LATENESS_S: Final = 0.25e-3
"""Of 99 in 100 messages: a quarter of what a gate may add. A loop that is later measures itself."""
ANSWERS_S: Final = 15.0
"""How long the last answers, and the ends of connections, may take."""
SUBMIT_SM: Final = Command.SUBMIT_SM.value


class TooLate(Exception):
    """The sender could not keep to its schedule: the figures would be its own."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each message is to be sent, in seconds from the start, and in which session."""

    times: array[float]
    sessions: array[int]

    @classmethod
    def poisson(cls, per_s: float, seconds: float, sessions: int, seed: int) -> Schedule:
        """Arrivals as of many senders who know nothing of each other; the same for the same seed."""
        chance = random.Random(seed)
        times, places = array("d"), array("i")
        at = chance.expovariate(per_s)
        while at < seconds:
            times.append(at)
            places.append(chance.randrange(sessions))
            at += chance.expovariate(per_s)
        return cls(times, places)


@dataclass(frozen=True, slots=True)
class Measured:
    """Latencies of one run, from the scheduled time to the answer, and how late messages were sent; in seconds, sorted."""

    latencies: Sequence[float]
    lateness: Sequence[float]
    refused: int


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Connection:
    """A socket that never blocks, with what it has not taken yet and the beginning of a PDU."""

    def __init__(self, opened: socket.socket) -> None:
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = opened
        self.unsent = bytearray()
        self.rest = b""

    def send(self, data: bytes | memoryview) -> None:
        """Hand over what the socket takes; the rest waits for `flush`."""
        if not self.unsent:
            with suppress(BlockingIOError):
                data = data[self.socket.send(data) :]
        self.unsent += data

    def flush(self) -> None:
        """Try again with what waits."""
        with suppress(BlockingIOError):
            del self.unsent[: self.socket.send(self.unsent)]

    def read(self) -> bytes | None:
        """What has come, with the rest of last time before it; None at the end."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        return self.rest + data if data else None


class _Session(_Connection):
    """An ESME: what it has sent, and when each message was due."""

    def __init__(self, opened: socket.socket, run: Run, first: int, client: str) -> None:
        super().__init__(opened)
        self.run, self.first = run, first
        self.due: dict[int, float] = {}  # by place in the run, which is the sequence_number
        self.sent = self.refused = 0
        self.bound = False
        self.send(bind(client))

    def submit(self, due: float) -> memoryview:
        """The next message, noted as under way."""
        place = (self.first + self.sent) % self.run.count
        if place in self.due:
            raise RuntimeError(
                f"{len(self.due)} messages of one session wait for an answer: the run is too short for that"
            )
        self.due[place] = due
        self.sent += 1
        return self.run.octets[self.run.offsets[place] : self.run.offsets[place + 1]]

    def answered(self, data: bytes, now: float, counted_from: float, latencies: array[float]) -> None:
        """Take answers off the due messages; add the latencies of those that were due in time to count."""
        position, size, unpack = 0, len(data), HEADER.unpack_from
        while position + HEADER.size <= size:
            length, _, _, sequence = unpack(data, position)
            if position + length > size:
                break
            position += length
            if self.bound:
                due = self.due.pop(sequence)
                if due >= counted_from:
                    latencies.append(now - due)
                self.refused += length != ANSWER_BYTES
            self.bound = True
        self.rest = data[position:]


class _Smsc(_Connection):
    """One connection of the SMSC: accepts every bind and every message of a run."""

    def __init__(self, opened: socket.socket, run: Run) -> None:
        super().__init__(opened)
        self.answers = run.answers

    def answer(self, data: bytes) -> None:
        """Answer whole requests."""
        found = []
        position, size, unpack = 0, len(data), HEADER.unpack_from
        while position + HEADER.size <= size:
            length, command, _, sequence = unpack(data, position)
            if position + length > size:
                break
            position += length
            if command == SUBMIT_SM:
                found.append(self.answers[sequence])
            elif not command & RESPONSE:
                body = SMSC_ID + b"\0"
                found.append(HEADER.pack(HEADER.size + len(body), command | RESPONSE, 0, sequence) + body)
        self.rest = data[position:]
        if found:
            self.send(b"".join(found))


class OpenLoop:
    """The loop. `listener` is the SMSC's: what connects there is answered."""

    def __init__(self, listener: socket.socket, run: Run) -> None:
        self._listener = listener
        self._run = run
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._latencies = array("d")
        self._counted_from = 0.0

    def measure(self, address: tuple[str, int], schedule: Schedule, sessions: int, warmup_s: float) -> Measured:
        """Send a schedule to `address`. What is due in the first `warmup_s` seconds is sent and not counted. Raises TooLate, and
        AssertionError if a message was lost."""
        self._latencies = array("d")
        with self._bound(address, sessions) as esmes:
            lateness = self._send(esmes, schedule, warmup_s)
            self._until(lambda: not any(esme.due for esme in esmes))
        late = sorted(lateness)
        assert len(self._latencies) == len(late)
        if percentile(late, 0.99) > MAX_LATENESS_S:
            raise TooLate(f"one message in 100 was sent {percentile(late, 0.99) * 1e3:.2f} ms late or more")
        return Measured(sorted(self._latencies), late, sum(esme.refused for esme in esmes))

    @contextmanager
    def _bound(self, address: tuple[str, int], sessions: int) -> Iterator[list[_Session]]:
        """Sessions, until the end of which no garbage is collected."""
        esmes: list[_Session] = []
        self._listener.setblocking(False)
        self._epoll.register(self._listener, select.EPOLLIN)
        gc.disable()
        try:
            esmes += [self._connect(address, number, sessions) for number in range(sessions)]
            self._until(lambda: all(esme.bound for esme in esmes))
            yield esmes
        finally:
            self._close(esmes)
            gc.enable()
            self._epoll.unregister(self._listener)

    def _connect(self, address: tuple[str, int], number: int, sessions: int) -> _Session:
        first = number * self._run.count // sessions
        esme = _Session(socket.create_connection(address), self._run, first, CLIENTS[number % len(CLIENTS)])
        self._add(esme)
        return esme

    def _add(self, connection: _Connection) -> None:
        self._connections[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket, select.EPOLLIN)

    def _send(self, esmes: Sequence[_Session], schedule: Schedule, warmup_s: float) -> array[float]:
        """Send everything when it is due; how late each message was that counts."""
        lateness = array("d")
        start = perf_counter()
        self._counted_from = start + warmup_s
        pending: list[list[memoryview]] = [[] for _ in esmes]
        times, places, total, place = schedule.times, schedule.sessions, len(schedule.times), 0
        while place < total:
            now = perf_counter() - start
            while place < total and times[place] <= now:
                session, due = places[place], start + times[place]
                pending[session].append(esmes[session].submit(due))
                if due >= self._counted_from:
                    lateness.append(start + now - due)
                place += 1
            for esme, messages in zip(esmes, pending, strict=True):
                if messages:
                    esme.send(b"".join(messages))
                    messages.clear()
            self._turn()
        return lateness

    def _until(self, done: Callable[[], bool]) -> None:
        deadline = perf_counter() + ANSWERS_S
        while not done():
            assert perf_counter() < deadline, "an answer never came"
            self._turn()

    def _turn(self) -> None:
        """Take and answer what has come, without waiting."""
        for descriptor, _ in self._epoll.poll(0):
            connection = self._connections.get(descriptor)
            if connection is None:
                self._add(_Smsc(self._listener.accept()[0], self._run))
                continue
            data = connection.read()
            if data is None:
                self._drop(connection)
            elif isinstance(connection, _Session):
                connection.answered(data, perf_counter(), self._counted_from, self._latencies)
            elif isinstance(connection, _Smsc):
                connection.answer(data)
        for connection in self._connections.values():
            if connection.unsent:
                connection.flush()

    def _drop(self, connection: _Connection) -> None:
        assert not (isinstance(connection, _Session) and connection.due), "the proxy ended a session"
        self._epoll.unregister(connection.socket)
        del self._connections[connection.socket.fileno()]
        connection.socket.close()

    def _close(self, esmes: Sequence[_Session]) -> None:
        """End the sessions, and wait until the proxy has ended its own."""
        for esme in esmes:
            if esme.socket.fileno() in self._connections:
                esme.due.clear()
                self._drop(esme)
        self._until(lambda: not self._connections)
