"""Reload: how long an answer may have to wait while rules are changed under it.

A gate as it is run, with a big pack, is reloaded again and again. Meanwhile each session has one message under way, and sends
the next one a millisecond after the answer, so that every wait is seen and none queues behind another's. What counts is the
longest wait from asking for the reload to a little after its answer, beside the longest of some seconds without one: the machine
has hiccups of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import uvloop

from load_tests.corpus import Corpus
from load_tests.harness import Run, Smsc
from load_tests.proxies import HARNESS_CORE, pin
from load_tests.report import Report, Section, Verdict

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

KEYWORDS: Final = 50_000
DOMAINS: Final = (100, 1_000_000)
WORKERS: Final = (1, 2)
SECONDS: Final = 5.0
ROUNDS: Final = 5
LIMIT_MS: Final = 50.0
SESSIONS: Final = 8
MESSAGES: Final = 2048
PAUSE_S: Final = 0.001
START_S: Final = 120.0
CONFIGURATION: Final = """\
listeners: [{{bind: "127.0.0.1:0"}}]
upstreams: [{{address: "{smsc}"}}]
rules: [rules/]
control: gate.sock
watch: off
workers: {workers}
"""


@dataclass(slots=True)
class Case:
    """What was measured with so many workers and domains; seconds. `quiet` is the longest wait without a reload."""

    workers: int
    domains: int
    quiet: float = 0.0
    waits: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    messages: int = 0


class Sessions:
    """All sessions together. `longest` is the longest wait since it was set to 0; those still waiting count."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.longest = 0.0
        self.answered = 0
        self.stop = False

    async def play(self, address: tuple[str, int], number: int) -> None:
        """One session, until `stop`. Raises AssertionError when a message is misjudged."""
        reader, writer = await asyncio.open_connection(*address)
        try:
            client = b"load%d" % number  # spread over the workers
            body = client + b"\0secret\0\0\x34\0\0\0"
            writer.write((16 + len(body)).to_bytes(4, "big") + b"\0\0\0\x09\0\0\0\0\0\0\0\1" + body)
            await _pdu(reader)
            place = number * self.run.count // SESSIONS
            while not self.stop:
                place = (place + 1) % self.run.count
                writer.write(self.run.octets[self.run.offsets[place] : self.run.offsets[place + 1]])
                sent = time.perf_counter()
                answer = await _pdu(reader)
                self.longest = max(self.longest, time.perf_counter() - sent)
                assert (answer[8:12] != b"\0\0\0\0") == bool(self.run.refused(place, 1))
                self.answered += 1
                await asyncio.sleep(PAUSE_S)
        finally:
            writer.close()


async def _pdu(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "big") - 4)


@asynccontextmanager
async def _gate(folder: Path, smsc: str, workers: int) -> AsyncIterator[tuple[str, int]]:
    (folder / "smsgate.yaml").write_text(CONFIGURATION.format(smsc=smsc, workers=workers))
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # as it is run: what prepares rules may have a core of its own
    with (folder / "gate.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("smsgate"), "run", cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    pin(HARNESS_CORE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            host, port = (await process.stdout.readline()).decode().split()[-1].rsplit(":", 1)
            while await process.stdout.readline() != b"ready\n":
                pass
        yield host, int(port)
    finally:
        process.terminate()
        await process.wait()


async def _reload(folder: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(folder / "gate.sock"), limit=2**20)
    writer.write(b'{"do": "reload"}\n')
    answer = json.loads(await reader.readline())
    writer.close()
    assert answer["ok"]["rules"]["accepted"], answer


async def _case(case: Case, corpus: Corpus, run: Run, smsc: str, folder: Path, *, rounds: int, quiet_s: float) -> None:
    (folder / "rules").mkdir()
    corpus.write_pack(folder / "rules")
    async with _gate(folder, smsc, case.workers) as address:
        sessions = Sessions(run)
        playing = [asyncio.create_task(sessions.play(address, number)) for number in range(SESSIONS)]
        await asyncio.sleep(1.0)
        sessions.longest = 0.0
        await asyncio.sleep(quiet_s)
        case.quiet = sessions.longest
        pack = folder / "rules" / "load.yaml"
        for number in range(rounds):
            pack.write_text(pack.read_text().replace("owner: load-tests", f"owner: load-tests-{number}", 1))
            sessions.longest, began = 0.0, time.perf_counter()
            await _reload(folder)
            case.durations.append(time.perf_counter() - began)
            await asyncio.sleep(0.2)  # the old set is freed too
            case.waits.append(sessions.longest)
        sessions.stop = True
        await asyncio.gather(*playing)
        case.messages = sessions.answered


async def _cases(rounds: int, quiet_s: float, console: Console) -> list[Case]:
    corpus = Corpus(KEYWORDS, max(DOMAINS))
    domains = corpus.domains
    run = Run(corpus.messages(MESSAGES))
    server = await asyncio.get_running_loop().create_server(lambda: Smsc(run), "127.0.0.1", 0)
    smsc = "{}:{}".format(*server.sockets[0].getsockname()[:2])
    cases = []
    gc.collect()
    gc.disable()  # the harness must not pause where a gate is measured
    with closing(server):
        for workers in WORKERS:
            for count in DOMAINS:
                corpus.domains = domains[:count]
                run = Run(corpus.messages(MESSAGES))
                case = Case(workers, count)
                with tempfile.TemporaryDirectory() as folder:
                    await _case(case, corpus, run, smsc, Path(folder), rounds=rounds, quiet_s=quiet_s)
                cases.append(case)
                console.print(" | ".join(_row(case)))
    return cases


COLUMNS: Final = (
    "workers",
    "domains",
    "longest wait ms: each reload",
    "median",
    "without a reload",
    "a reload takes s",
    "messages",
)


def _row(case: Case) -> tuple[str, ...]:
    return (
        str(case.workers),
        f"{case.domains:,}",
        ", ".join(f"{wait * 1e3:.0f}" for wait in case.waits),
        f"{median(case.waits) * 1e3:.0f}",
        f"{case.quiet * 1e3:.0f}",
        f"{median(case.durations):.1f}",
        f"{case.messages:,}",
    )


def verdict(cases: Sequence[Case]) -> Verdict:
    """Whether the longest wait of the median reload is under the limit in all cases."""
    by_domains = {
        case.domains: max(median(one.waits) * 1e3 for one in cases if one.domains == case.domains) for case in cases
    }
    told = ", ".join(f"{wait:.0f} ms with {domains:,} domains" for domains, wait in by_domains.items())
    return Verdict(
        max(by_domains.values()) < LIMIT_MS,
        f"the longest wait of the median reload of {KEYWORDS:,} keywords is {told} (limit: {LIMIT_MS:g} ms).",
    )


def run(arguments: argparse.Namespace, corpus: Corpus, console: Console) -> Report:  # noqa: ARG001  # its pack is another
    """Measure all four cases."""
    cases = uvloop.run(_cases(arguments.rounds, arguments.seconds, console))
    return Report(
        name="reload",
        title="Reload",
        command="python -m load_tests reload",
        about=" ".join((__doc__ or "").partition("\n\n")[2].split()),
        verdict=verdict(cases),
        sections=[Section("The longest wait for an answer", COLUMNS, [_row(case) for case in cases])],
        figures={"cases": [asdict(case) for case in cases]},
        settings={
            "keywords": KEYWORDS,
            "sessions": SESSIONS,
            "reloads": arguments.rounds,
            "seconds": arguments.seconds,
        },
    )
