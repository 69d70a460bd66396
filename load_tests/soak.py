"""Soak: a million messages over sessions that come and go, and the gate's memory all the while.

Clean, blocked and link-bearing messages, many of them with hosts never met before; limits by destination and by host that are
only counted, so that their tables fill. Each session ends after some hundred messages, every other one without a word. Every
answer is counted: a message lost or misjudged ends the test.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import uvloop

from load_tests.corpus import Message
from load_tests.harness import CLIENTS, TIMEOUT_S, Run, Sender, Smsc, finish, memory_mb
from load_tests.proxies import Proxy, Variant, running
from load_tests.report import Report, Section, Verdict

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from load_tests.corpus import Corpus

MESSAGES: Final = 1_000_000
SECONDS: Final = 0.0  # it takes as long as it takes
ROUNDS: Final = 1
DIFFERENT: Final = 50_000
NEW_HOST_EVERY: Final = 10
SENDERS: Final = 8
WINDOW: Final = 50
PER_SESSION: Final = 500
SAMPLE_S: Final = 2.0
ROWS: Final = 25
"""Of the table; the JSON file has all samples."""
WARM_SHARE, END_SHARE = 0.2, 0.8
"""Memory is compared between the second fifth of the messages and the last one: by then caches and tables are full."""
LIMIT_MB: Final = 4.0
"""Between the two lie 600,000 messages and 1,200 sessions at least: whatever was kept of each message would take 34 MB at 56
octets, whatever of each session 12 MB at 10 KB. Less is the allocator's: it takes memory in steps of 1 MB."""
LIMITS_PACK: Final = """\
pack: soak
owner: load-tests
limits:
  - {id: SOAK-1, title: a destination, count: messages, per: destination, over: 1000 in 1h, action: throttle, mode: monitor}
  - {id: SOAK-2, title: a host, count: messages, per: link_host, over: 1000 in 1h, action: throttle, mode: monitor}
"""
COLUMNS: Final = ("messages", "seconds", "sessions so far", "gate's memory MB")


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at one moment."""

    messages: int
    seconds: float
    sessions: int
    memory_mb: float


class Soak:
    """The senders, and how far they are."""

    def __init__(self, run: Run, proxy: Proxy, messages: int) -> None:
        self._run = run
        self._proxy = proxy
        self._unsent = messages
        self.messages = 0
        self.sessions = 0

    async def send(self, number: int) -> None:
        """One session after the other until all messages are sent."""
        loop = asyncio.get_running_loop()
        client = CLIENTS[number % len(CLIENTS)]
        first = number * self._run.count // SENDERS
        while self._unsent:
            count = min(PER_SESSION, self._unsent)
            self._unsent -= count
            make = partial(Sender, self._run, first, WINDOW, count, client)
            _, sender = await loop.create_connection(make, *self._proxy.address)
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await sender.ready
                sender.start()
                await finish([sender], filtered=True)
            finally:
                self.sessions += 1
                (sender.transport.close if self.sessions % 2 else sender.transport.abort)()
            first = (first + count) % self._run.count
            self.messages += count


def soak_messages(corpus: Corpus, count: int) -> list[Message]:
    """The usual messages; every tenth is one that links to a host of its own."""
    messages = corpus.messages(count)
    fresh = iter(corpus.texts_with_new_hosts(count // NEW_HOST_EVERY))
    for place, message in enumerate(messages):
        if place % NEW_HOST_EVERY == NEW_HOST_EVERY - 1 and not message.refused:
            messages[place] = Message(next(fresh))
    return messages


async def _soaked(corpus: Corpus, messages: int, console: Console) -> list[Sample]:
    run = Run(soak_messages(corpus, DIFFERENT))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Smsc(run), "127.0.0.1", 0)
    samples: list[Sample] = []
    with closing(server), tempfile.TemporaryDirectory() as directory:
        limits = Path(directory) / "limits.yaml"
        limits.write_text(LIMITS_PACK)
        variant = Variant(settings={"rules": ["rules/", str(limits)]})
        async with running(server.sockets[0].getsockname()[:2], Path(directory), corpus, [variant]) as (_, gate):
            assert gate.pid is not None
            soak = Soak(run, gate, messages)
            started = loop.time()
            sending = asyncio.gather(*(soak.send(number) for number in range(SENDERS)))
            while not sending.done():
                await asyncio.wait([sending], timeout=SAMPLE_S)
                elapsed = loop.time() - started
                samples.append(Sample(soak.messages, elapsed, soak.sessions, memory_mb(gate.pid)))
                console.print(f"{soak.messages:,} messages, {elapsed:.0f} s, {samples[-1].memory_mb:.1f} MB")
            await sending
    return samples


def verdict(samples: list[Sample]) -> Verdict:
    """Whether the memory of the end is that of the time after the warm-up."""
    total = samples[-1].messages
    warm = median(one.memory_mb for one in samples if WARM_SHARE <= one.messages / total < 2 * WARM_SHARE)
    end = median(one.memory_mb for one in samples if one.messages / total >= END_SHARE)
    return Verdict(
        end - warm <= LIMIT_MB,
        f"{total:,} messages over {samples[-1].sessions:,} sessions; the gate's memory was {warm:.1f} MB after the warm-up and "
        f"{end:.1f} MB at the end, {end - warm:+.1f} MB (limit: {LIMIT_MB:g} MB).",
    )


def run(arguments: argparse.Namespace, corpus: Corpus, console: Console) -> Report:
    """Send all messages and watch."""
    samples = uvloop.run(_soaked(corpus, arguments.messages, console))
    step = max(1, len(samples) // ROWS)
    rows = [
        (f"{one.messages:,}", f"{one.seconds:.0f}", f"{one.sessions:,}", f"{one.memory_mb:.1f}")
        for one in [*samples[:-1:step], samples[-1]]
    ]
    return Report(
        name="soak",
        title="Soak",
        command="python -m load_tests soak",
        about=" ".join((__doc__ or "").partition("\n\n")[2].split()),
        verdict=verdict(samples),
        sections=[Section("Memory of the gate", COLUMNS, rows)],
        figures={"samples": [asdict(one) for one in samples]},
        settings={
            "messages": arguments.messages,
            "different_messages": DIFFERENT,
            "with_a_host_of_its_own": f"1 in {NEW_HOST_EVERY}",
            "senders": SENDERS,
            "window": WINDOW,
            "messages_per_session": PER_SESSION,
        },
    )
