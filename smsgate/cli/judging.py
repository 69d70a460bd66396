"""Many messages through the rules, on all cores: what `smsgate backtest` counts.

Chunks of a file go round the worker processes, one at a time to each, and their tallies come back in the same order, so that
the outcome does not depend on how many there are. Workers are forked: they share the loaded rules, which can't be pickled. No
more than a chunk per worker is in memory.
"""

from __future__ import annotations

import json
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

from smsgate.config.diagnostics import Diagnostic, DiagnosticsError
from smsgate.config.messages import Chunk, Message
from smsgate.rules.engine import RuleSet
from smsgate.rules.verdict import Verdict

UNLABELLED: Final = "unlabelled"
NEWLY_BLOCKED, NEWLY_PASSED, OTHER_VERDICT, OTHER_RULE = "newly_blocked", "newly_passed", "other_verdict", "other_rule"
CHANGES: Final = {
    NEWLY_BLOCKED: "newly blocked",
    NEWLY_PASSED: "newly passed",
    OTHER_VERDICT: "another verdict",
    OTHER_RULE: "another rule or status",
}
"""What a change of rules may do to a message: it is refused and was not, or the reverse; its action differs otherwise; or
only the rule that decides, or the status that is answered."""


class Sample(NamedTuple):
    """One message that another rule set judges otherwise. Personal data."""

    file: str
    line: int
    label: str
    before: str
    after: str
    text: str


@dataclass(slots=True)
class Tally:
    """What became of some messages. Mappings go from label, kind of change or rule id; `hits` holds rules in monitor mode too.
    `lines`: the verdicts as JSON. `octets`: how much of the file was read. `faults` end the count."""

    by_label: dict[str, Counter[str]] = field(default_factory=dict)
    hits: dict[str, Counter[str]] = field(default_factory=dict)
    changes: dict[str, Counter[str]] = field(default_factory=dict)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    octets: int = 0
    faults: tuple[Diagnostic, ...] = ()

    @property
    def messages(self) -> int:
        """How many were judged."""
        return sum(map(Counter.total, self.by_label.values()))

    def add(self, more: Tally, samples: int) -> None:
        """Count in what came of the messages that follow; of each kind of change the first `samples` are kept."""
        for mine, theirs in (
            (self.by_label, more.by_label),
            (self.hits, more.hits),
            (self.changes, more.changes),
        ):
            for key, counts in theirs.items():
                mine.setdefault(key, Counter()).update(counts)
        self.gained.update(more.gained)
        self.lost.update(more.lost)
        for kind, found in more.samples.items():
            kept = self.samples.setdefault(kind, [])
            kept += found[: samples - len(kept)]


@dataclass(frozen=True, slots=True)
class Task:
    """How messages are judged: with which rules, compared to those in `against`; whether each verdict is wanted as a line; how
    many samples of each kind of change."""

    rules: RuleSet
    against: RuleSet | None = None
    lines: bool = False
    samples: int = 0

    def tally(self, chunk: Chunk) -> Tally:
        """Judge the messages of a chunk."""
        tally = Tally(octets=chunk.octets)
        try:
            for message in chunk.messages():
                self._count(tally, message, chunk.file)
        except DiagnosticsError as error:
            tally.faults = error.diagnostics
        return tally

    def _count(self, tally: Tally, message: Message, file: str) -> None:
        verdict = message.judge(self.rules)
        label = message.label or UNLABELLED
        tally.by_label.setdefault(label, Counter())[str(verdict.action)] += 1
        for rule in _hits(verdict):
            tally.hits.setdefault(rule, Counter())[label] += 1
        if self.lines:
            acted, monitored = [rule.id for rule in verdict.rules], [rule.id for rule in verdict.monitored]
            line = {**message.fields, "verdict": str(verdict.action), "rules": acted, "monitored": monitored}
            tally.lines.append(json.dumps(line, ensure_ascii=False))
        if self.against is None:
            return
        before = message.judge(self.against)
        hit_before, hit_now = set(_hits(before)), set(_hits(verdict))
        tally.gained.update(hit_now - hit_before)
        tally.lost.update(hit_before - hit_now)
        kind = _change(before, verdict)
        if kind:
            tally.changes.setdefault(kind, Counter())[label] += 1
            kept = tally.samples.setdefault(kind, [])
            if len(kept) < self.samples:
                kept.append(Sample(file, message.line, label, _named(before), _named(verdict), message.text))


def tallies(task: Task, chunks: Iterable[Chunk], processes: int) -> Iterator[Tally]:
    """The tally of each chunk, in order. Raises DiagnosticsError at the first message that can't be read."""
    chunks = iter(chunks)
    first = list(islice(chunks, 2))
    if processes < 2 or len(first) < 2:  # not worth a process
        for chunk in (*first, *chunks):
            yield _sound(task.tally(chunk))
        return
    with _workers(task.tally, processes) as workers:
        idle, busy = deque(workers), deque[Connection]()
        for chunk in chain(first, chunks):
            if idle:
                worker, done = idle.popleft(), None
            else:
                worker = busy.popleft()
                done = worker.recv()
            worker.send(chunk)
            busy.append(worker)
            if done is not None:
                yield _sound(done)
        for worker in busy:
            yield _sound(worker.recv())


@contextmanager
def _workers(judge: Callable[[Chunk], Tally], count: int) -> Iterator[list[Connection]]:
    """Pipes to processes that send back what `judge` makes of each chunk they are sent."""
    fork = get_context("fork")
    processes = []
    pipes = []
    try:
        for _ in range(count):
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_work, args=(judge, theirs), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for process in processes:
            process.kill()  # they hold nothing, and may have inherited a handler for milder signals
            process.join()
        for pipe in pipes:
            pipe.close()


def _work(judge: Callable[[Chunk], Tally], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    while True:
        pipe.send(judge(pipe.recv()))


def _sound(tally: Tally) -> Tally:
    if tally.faults:
        raise DiagnosticsError(tally.faults)
    return tally


def _hits(verdict: Verdict) -> list[str]:
    """The rules that hit, those in monitor mode too."""
    return [rule.id for rule in verdict.rules + verdict.monitored]


def _named(verdict: Verdict) -> str:
    """A verdict as a sample shows it: "block FR-CPF-004"."""
    return f"{verdict.action} {verdict.rules[0].id}" if verdict.rules else str(verdict.action)


def _change(before: Verdict, now: Verdict) -> str:
    """The kind of change; "" when there is none."""
    if now.refused is not before.refused:
        return NEWLY_BLOCKED if now.refused else NEWLY_PASSED
    if now.action is not before.action:
        return OTHER_VERDICT
    return OTHER_RULE if (_named(now), now.status) != (_named(before), before.status) else ""
