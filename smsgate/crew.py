"""`python -m smsgate.crew WORDS LETTERS RULES LIMITS`: one worker of a supervisor, which it speaks to over two inherited sockets.

It relays what it is handed, and takes TLS off connections whose clients another worker may own: their plain stream goes, with
the bind read from it, back to the supervisor. When the supervisor is gone, it drains and ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import socket
import sys
from mmap import mmap
from typing import Any

import uvloop

from smsgate.limits.shared import TABLE_OCTETS, SharedTable
from smsgate.net.channel import Letters, Words
from smsgate.net.listener import Incoming
from smsgate.net.terminator import Terminator
from smsgate.net.trace import bounded
from smsgate.reload.sealed import unseal
from smsgate.rules.engine import RuleSet
from smsgate.settings import Settings
from smsgate.telemetry import logs
from smsgate.worker import Setup, Worker

RECORD_S = 0.25
"""How often the counts go to the supervisor: what a worker that is killed has counted since is lost."""
BEAT_S = 1.0
"""They go at least so often, changed or not: a silent worker is taken to hang."""


class Member:
    """One worker and its line to the supervisor."""

    def __init__(self, setup: Setup, rules: RuleSet, limit_table: SharedTable, words: Words, letters: Letters) -> None:
        self._words = words
        self._letters = letters
        self._worker = Worker(setup.settings, rules, self._ended, limit_table, setup.index)
        self._terminator = Terminator(setup.settings, self._worker.metrics, self._worker.contexts, letters, self._ended)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, Any] = {}
        self._told_at = 0.0

    async def serve(self) -> None:
        """Until the supervisor says to drain, or is gone."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        self._worker.start()
        self._letters.listen(self._take, lambda rules, question: self._spawn(self._put(rules, question)))
        loop.call_later(RECORD_S, self._tell_counts)
        self._words.say(ready=True)
        listening = loop.create_task(self._listen())
        stopped = loop.create_task(stop.wait())
        await asyncio.wait([listening, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (listening, stopped):
            task.cancel()
        await self._worker.stop()
        await self._terminator.drain()
        self._say_counts()
        await self._words.close()

    async def _listen(self) -> None:
        while (word := await self._words.hear()) is not None:
            match word:
                case {"do": "drain"}:
                    return
                case {"do": "reload"}:
                    self._worker.reload()
                case {"do": "orders", "noun": noun, "file": file, "records": records}:
                    self._worker.use_orders(noun, file, records)
                case {"do": "trace", "client": client, "on": on}:
                    self._trace(client, on=on)
                case {"do": "operate", "question": question, "what": what, "arguments": arguments}:
                    self._spawn(self._answer(question, what, arguments))

    def _trace(self, client: str, *, on: bool) -> None:
        if on:
            words = self._words
            self._worker.trace(
                client, bounded(lambda record: words.say(traced=client, pdu=record), words.backlog_bytes)
            )
        else:
            self._worker.trace(client, None)

    async def _answer(self, question: int, what: str, arguments: dict[str, Any]) -> None:
        try:
            value = {"ok": await self._worker.operate(what, arguments)}
        except (ValueError, KeyError, TypeError) as error:
            value = {"error": str(error) or type(error).__name__}
        self._words.say(answer=question, value=value)

    async def _put(self, rules: int, question: int) -> None:
        try:
            await self._worker.put(rules)
            value: dict[str, Any] = {"ok": True}
        except Exception as error:  # noqa: BLE001  # whatever it is: the supervisor has another worker do it
            value = {"error": str(error) or type(error).__name__}
        finally:
            os.close(rules)
        self._words.say(answer=question, value=value)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, incoming: Incoming, client: str) -> None:
        if client:
            self._spawn(self._worker.sessions.take(incoming, tls=False))
        else:
            self._spawn(self._terminator.take(incoming))

    def _ended(self, host: str) -> None:
        self._words.say(ended=host)

    def _tell_counts(self) -> None:
        self._say_counts()
        asyncio.get_running_loop().call_later(RECORD_S, self._tell_counts)

    def _say_counts(self) -> None:
        record = self._worker.metrics.record()
        now = asyncio.get_running_loop().time()
        if record != self._last or now - self._told_at >= BEAT_S:
            self._last = record
            self._told_at = now
            self._words.say(record=record)


async def _serve(
    setup: Setup, rules: RuleSet, limit_table: SharedTable, words: socket.socket, letters: socket.socket
) -> None:
    member = Member(setup, rules, limit_table, await Words.over(words), Letters(letters))
    gc.collect()
    gc.freeze()  # rules and automaton live as long as the process: the collector need not look at them again
    await member.serve()


def main() -> None:
    """Run one worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all: the supervisor says when to end
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    words, letters = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    sealed, limits = map(int, sys.argv[3:5])
    words.setblocking(False)
    setup: Setup = pickle.load(sys.stdin.buffer)  # noqa: S301  # of the supervisor
    settings: Settings = setup.settings
    logs.configure(settings.log, worker=setup.index)
    rules = unseal(sealed).rules
    limit_table = SharedTable(mmap(limits, TABLE_OCTETS), setup.index)
    os.close(sealed)
    os.close(limits)
    factory = uvloop.new_event_loop if settings.event_loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(setup, rules, limit_table, words, letters))


if __name__ == "__main__":
    main()
