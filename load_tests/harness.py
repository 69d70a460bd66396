"""The two ends of a measurement: senders with a fixed window, and an SMSC that accepts everything.

Both are made to cost almost nothing, so that the proxy between them is the bottleneck. All messages are laid out once
as one run of submit_sm PDUs, twice in a row; a sender that got n answers sends the next n messages as one slice of it.
A message's sequence_number is its place in the run: unique within the window, and never patched. Answers are counted
by their lengths alone, which also tell an accepted message from a refused one; the SMSC looks its answers up by
sequence_number. What must come back is known exactly, and a measurement that lost a message is no measurement.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Final, cast

from load_tests.corpus import gsm7
from smsgate.smpp.constants import HEADER, RESPONSE, Command

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Sequence

    from load_tests.corpus import Message

CLIENTS: Final = ("load-a", "load-d", "load-b", "load-e")
"""The system_ids of the sessions, in turn. A client belongs to one worker; these fall evenly on two workers, and on four."""
SMSC_ID: Final = b"smsc"
ANSWER_BYTES: Final = HEADER.size + 9
"""A submit_sm_resp with a message_id of eight digits. A refusal has no message_id, so it is shorter."""
TIMEOUT_S: Final = 15.0
"""For a bind, and for the last answers after a measurement; only a proxy that lost something takes so long."""
NO_LIMIT: Final = 2**63
_LENGTH: Final = Struct(">I")


def _pdu(command: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, 0, sequence) + body


def bind(client: str) -> bytes:
    """A bind_transceiver."""
    return _pdu(Command.BIND_TRANSCEIVER, 1, client.encode() + b"\0secret\0\0\x34\0\0\0")


def submit_sm(sequence: int, text: bytes, data_coding: int = 0, esm_class: int = 0) -> bytes:
    """A message from an alphanumeric sender to an invented number, as most A2P traffic is."""
    addresses = b"\x05\x00Transval\0" + b"\x01\x01336399%06d\0" % sequence
    fields = bytes((esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0, len(text)))  # from esm_class to sm_length
    return _pdu(Command.SUBMIT_SM, sequence, b"\0" + addresses + fields + text)


class Run:
    """The messages as bytes to send, and the answers to them."""

    def __init__(self, messages: Sequence[Message]) -> None:
        pdus = [submit_sm(number, gsm7(message.text)) for number, message in enumerate(messages)]
        self.count = len(pdus)
        self.octets = memoryview(b"".join(pdus) * 2)
        self.offsets = [0, *accumulate(len(pdu) for pdu in pdus * 2)]
        self.answers = [_pdu(Command.SUBMIT_SM | RESPONSE, n, b"%08x\0" % n) for n in range(self.count)]
        self._refused_before = [0, *accumulate(int(message.refused) for message in (*messages, *messages))]

    def refused(self, first: int, count: int) -> int:
        """How many of `count` messages from place `first` on are to be refused."""
        rounds, rest = divmod(count, self.count)
        return (
            rounds * self._refused_before[self.count] + self._refused_before[first + rest] - self._refused_before[first]
        )


class Smsc(asyncio.Protocol):
    """Accepts every bind and every message of a run."""

    def __init__(self, run: Run) -> None:
        self.answers = run.answers
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        answers, found, unpack = self.answers, [], HEADER.unpack_from
        position, end = 0, len(data)
        while position + HEADER.size <= end:
            length, command, _, sequence = unpack(data, position)
            if position + length > end:
                break
            if command == Command.SUBMIT_SM.value:
                found.append(answers[sequence])
            else:
                found.append(_pdu(command | RESPONSE, sequence, SMSC_ID + b"\0"))
            position += length
        self.rest = data[position:]
        self.transport.write(b"".join(found))


class Sender(asyncio.Protocol):
    """One session: once started, keeps `window` messages on their way until `limit` were sent."""

    def __init__(self, run: Run, first: int, window: int, limit: int, client: str = CLIENTS[0]) -> None:
        self.run, self.first, self.window, self.limit, self.client = run, first, window, limit, client
        self.sent = self.answered = self.refused = 0
        self.rest = b""
        self.bound = False
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.finished: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(bind(self.client))

    def connection_lost(self, exc: Exception | None) -> None:
        awaited = self.finished if self.bound else self.ready
        if not awaited.done():
            awaited.set_exception(exc or ConnectionError("the proxy ended a session"))

    def start(self) -> None:
        """Send the first window."""
        self._send(self.window)

    def stop(self) -> None:
        """Send no more; `finished` is set with the last answer."""
        self.limit = self.sent

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        unpack = _LENGTH.unpack_from
        position, end, answered, refused = 0, len(data), 0, 0
        while position + 4 <= end:
            (length,) = unpack(data, position)
            if position + length > end:
                break
            position += length
            answered += 1
            if length != ANSWER_BYTES:
                refused += 1
        self.rest = data[position:]
        if not self.bound:
            self.bound = True
            self.ready.set_result(None)
            return
        self.answered += answered
        self.refused += refused
        if answered and self.sent < self.limit:
            self._send(answered)
        elif self.answered == self.sent and not self.finished.done():
            self.finished.set_result(None)

    def _send(self, count: int) -> None:
        count = min(count, self.limit - self.sent)
        start = (self.first + self.sent) % self.run.count
        offsets = self.run.offsets
        self.transport.write(self.run.octets[offsets[start] : offsets[start + count]])
        self.sent += count


@dataclass(frozen=True, slots=True)
class Load:
    """What one measurement asks for."""

    sessions: int
    window: int
    warmup_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement found. CPU and memory are of the proxy's processes; None without a proxy."""

    messages_per_s: float
    cpu_us_per_message: float | None
    memory_mb: float | None


def process_tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """User and system time that a process and its descendants have used, in seconds (proc(5), fields 14 and 15)."""
    ticks = 0
    for process in process_tree(pid):
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, in MB (pages shared between them counted each time)."""
    pages = sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in process_tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def sessions(
    address: tuple[str, int], run: Run, load: Load, limit: int, context: ssl.SSLContext | None = None
) -> AsyncIterator[list[Sender]]:
    """Sessions that are bound and have sent nothing; each begins at another place of the run. With a context, over TLS."""
    loop = asyncio.get_running_loop()
    senders: list[Sender] = []
    try:
        for number in range(load.sessions):
            client = CLIENTS[number % len(CLIENTS)]
            make = partial(Sender, run, number * run.count // load.sessions, load.window, limit, client)
            _, sender = await loop.create_connection(make, *address, ssl=context)
            senders.append(sender)
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*(sender.ready for sender in senders))
        yield senders
    finally:
        for sender in senders:
            sender.transport.close()


async def finish(senders: Sequence[Sender], filtered: bool) -> None:
    """Wait for the last answers and check the counts. Raises AssertionError if a message was lost or misjudged."""
    async with asyncio.timeout(TIMEOUT_S):
        await asyncio.gather(*(sender.finished for sender in senders))
    for sender in senders:
        assert sender.answered == sender.sent
        expected = sender.run.refused(sender.first, sender.sent) if filtered else 0
        assert sender.refused == expected, f"{sender.refused} messages refused, expected {expected}"


async def measure(
    address: tuple[str, int],
    run: Run,
    load: Load,
    *,
    pid: int | None,
    filtered: bool,
    context: ssl.SSLContext | None = None,
) -> Measured:
    """Load the proxy at `address` (its process: `pid`) and count for `load.seconds` after a warm-up."""
    async with sessions(address, run, load, NO_LIMIT, context) as senders:
        for sender in senders:
            sender.start()
        await asyncio.sleep(load.warmup_s)
        messages, cpu, started = sum(s.answered for s in senders), cpu_s(pid) if pid else 0.0, time.perf_counter()
        await asyncio.sleep(load.seconds)
        messages = sum(s.answered for s in senders) - messages
        elapsed, cpu = time.perf_counter() - started, (cpu_s(pid) if pid else 0.0) - cpu
        for sender in senders:
            sender.stop()
        await finish(senders, filtered)
    return Measured(messages / elapsed, cpu / messages * 1e6 if pid else None, memory_mb(pid) if pid else None)
