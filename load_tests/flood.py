"""A flood that is never read: the gate's memory while senders of blocked messages leave all refusals unread.

Every message is refused, so every message costs the gate an answer that nobody takes. Once the way back is full, the gate must
stop reading: what it holds of a session is then one read of the socket and one write buffer, whatever the sender does.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import uvloop

from load_tests.fairness import Neighbour
from load_tests.harness import CLIENTS, TIMEOUT_S, Load, Run, Smsc, bind, finish, measure, memory_mb
from load_tests.proxies import running
from load_tests.report import Report, Section, Verdict

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from load_tests.corpus import Corpus

SECONDS: Final = 30.0
ROUNDS: Final = 1
FLOODS: Final = 2
MESSAGES: Final = 8192
SAMPLE_S: Final = 1.0
WARM: Final = Load(sessions=4, window=100, warmup_s=0.5, seconds=2.0)
"""Ordinary traffic before: the interpreter's own pools have their size when the first sample is taken."""
LIMIT_MB: Final = 4.0
"""Two per flood: a read of 256 KiB, a copy of it while PDUs are put together, the same again in the allocator's slack, and the
write buffer of 64 KiB. A gate that went on reading took 765 MB in 34 s."""
RECEIVE_BUFFER_BYTES: Final = 64 * 1024
"""Of a flooding sender: refusals are 16 octets, and with a larger one the kernels would have room for minutes."""
CHUNK: Final = 64 * 1024
COLUMNS: Final = ("seconds", "gate's memory MB", "flooded MB", "neighbour's answers")


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at one moment."""

    seconds: float
    memory_mb: float
    flooded_mb: float
    neighbour_answers: int


class Flood:
    """One session that sends what is refused, and reads nothing but the answer to its bind."""

    def __init__(self, octets: memoryview) -> None:
        self._octets = octets
        self.sent_bytes = 0
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.socket.setblocking(False)

    async def bound(self, address: tuple[str, int], client: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, address)
        await loop.sock_sendall(self.socket, bind(client))
        await loop.sock_recv(self.socket, 1024)

    async def send(self) -> None:
        """Until it is cancelled; most of the time it waits for the gate to read."""
        loop = asyncio.get_running_loop()
        while True:
            for start in range(0, len(self._octets), CHUNK):
                await loop.sock_sendall(self.socket, self._octets[start : start + CHUNK])
                self.sent_bytes += len(self._octets[start : start + CHUNK])


async def _flooded(corpus: Corpus, seconds: float, console: Console) -> list[Sample]:
    messages = corpus.messages(MESSAGES)
    run = Run(messages)
    refused = Run([message for message in messages if message.refused])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Smsc(run), "127.0.0.1", 0)
    samples: list[Sample] = []
    with closing(server), tempfile.TemporaryDirectory() as directory:
        async with running(server.sockets[0].getsockname()[:2], Path(directory), corpus) as (_, gate):
            assert gate.pid is not None
            await measure(gate.address, run, WARM, pid=gate.pid, filtered=True)
            _, neighbour = await loop.create_connection(lambda: Neighbour(run), *gate.address)
            floods = [Flood(refused.octets) for _ in range(FLOODS)]
            tasks: list[asyncio.Task[None]] = []
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await neighbour.ready
                    for flood, client in zip(floods, CLIENTS, strict=False):
                        await flood.bound(gate.address, client)
                neighbour.start()
                started = loop.time()
                while (now := loop.time() - started) < seconds:
                    flooded = sum(flood.sent_bytes for flood in floods) / 1e6
                    samples.append(Sample(now, memory_mb(gate.pid), flooded, neighbour.answered))
                    console.print(f"{now:.1f} s: {samples[-1].memory_mb:.1f} MB, {flooded:.1f} MB flooded")
                    tasks = tasks or [loop.create_task(flood.send()) for flood in floods]
                    await asyncio.sleep(SAMPLE_S)
                console.print(f"neighbour: {median(neighbour.round_trips_ms):.2f} ms (median)")
                neighbour.stop()
                await finish([neighbour], filtered=True)
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                for flood in floods:
                    flood.socket.close()
                neighbour.transport.close()
    return samples


def verdict(samples: list[Sample]) -> Verdict:
    """Whether the gate's memory stayed where it was before the flood, and others were served on."""
    before, highest = samples[0].memory_mb, max(sample.memory_mb for sample in samples)
    served = samples[-1].neighbour_answers > samples[len(samples) // 2].neighbour_answers
    return Verdict(
        highest - before <= LIMIT_MB and served,
        f"the gate's memory grew by {highest - before:.1f} MB at most, from {before:.1f} MB (limit: {LIMIT_MB:g} MB); "
        f"it and the kernel took {samples[-1].flooded_mb:.1f} MB of the floods in {samples[-1].seconds:.0f} s; "
        f"the neighbour {'is served on' if served else 'is no longer served'}.",
    )


def run(arguments: argparse.Namespace, corpus: Corpus, console: Console) -> Report:
    """Flood the gate for so many seconds."""
    samples = uvloop.run(_flooded(corpus, arguments.seconds, console))
    rows = [
        (f"{one.seconds:.1f}", f"{one.memory_mb:.1f}", f"{one.flooded_mb:.1f}", f"{one.neighbour_answers:,}")
        for one in samples
    ]
    return Report(
        name="flood",
        title="A blocked flood that is never read",
        command="python -m load_tests flood",
        about=" ".join((__doc__ or "").partition("\n\n")[2].split()),
        verdict=verdict(samples),
        sections=[Section("Memory while it lasts", COLUMNS, rows)],
        figures={"samples": [asdict(one) for one in samples]},
        settings={"floods": FLOODS, "seconds": arguments.seconds, "neighbour": "one sender with a window of 1"},
    )
