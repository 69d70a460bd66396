"""Several workers as one gate: the supervisor owns the listening sockets, and each client belongs to one worker.

    accept -> PROXY header, address lists, caps -> read the bind -> the worker that owns its system_id
                                                   TLS: to any worker, which hands the plain stream back

So rates, segments and SMSC of a client live in one process, exact and without locks. The supervisor relays no message. It
restarts workers that die, adds up their counts, and passes reloads, requests and the drain on to all.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any
from weakref import finalize
from zlib import crc32

from prometheus_client.core import Metric

from smsgate.by_hand.desk import Records
from smsgate.by_hand.desks import REQUESTS, Desks
from smsgate.config.rules import Loaded
from smsgate.hand import Hand
from smsgate.limits.admission import Admission
from smsgate.net.admin import AdminServer
from smsgate.net.control import ControlServer
from smsgate.net.doorway import NoBindError, first_bind_of
from smsgate.net.listener import Incoming, Listener
from smsgate.net.tls import Contexts
from smsgate.net.trace import Emit
from smsgate.reload.reloader import RELOADING, Reloader, told
from smsgate.reload.sealed import Sealed, anonymous_file, unseal
from smsgate.rules.engine import RuleSet
from smsgate.settings import Settings
from smsgate.telemetry import audit, families, processes
from smsgate.telemetry.metrics import Metrics
from smsgate.telemetry.onlooker import together
from smsgate.telemetry.rule_set import RuleSetState
from smsgate.worker import Doors, Inherited, client_labels, hits, new_limit_table, switch_monitor

log = logging.getLogger(__name__)

FIRST_BACK_OFF_S = 0.1
MAX_BACK_OFF_S = 30.0
"""Waits before a worker that died is started again: doubled each time, so that one that can't live does not burn a core."""
HEALTHY_S = 60.0
"""A worker that lived so long starts with the first wait again."""
START_S = 60.0
"""How long a worker may take until it is ready: compiling 100,000 keywords takes about one."""
SILENT_S = 30.0
"""A worker says something each second; one that doesn't for so long hangs, and is killed."""
DOWN_S = 10.0
"""A worker that has been down for so long makes the gate not ready: a restart takes about one."""
STOP_S = 5.0
"""Beyond `drain_timeout_s`, before a worker that does not end is killed."""


class Supervisor(Doors):
    """A gate of several processes. Like `worker.Gate` to whoever starts, reloads and stops it."""

    def __init__(self, settings: Settings, loaded: Loaded, reloader: Reloader | None = None) -> None:
        super().__init__(settings)
        self.rule_set = RuleSetState.of(loaded.rules)
        # In force: what a worker starts with, at any time.
        self._sealed = Sealed.of(loaded) if reloader is None else reloader.in_force
        self._reloader = reloader
        self._own = Metrics(client_labels(settings))  # of connections before they are handed over
        self._over = Metrics(client_labels(settings))  # of workers that died
        self._restarts = 0
        self._admission = Admission(settings.caps)
        self._listener = Listener(settings, self._own, self._admission, self._take)
        self._workers = [Hand(index) for index in range(settings.workers)]
        self._lives: list[asyncio.Task[None]] = []
        self._traces: dict[str, Emit] = {}
        self._monitor_only: dict[str | None, str] = {}
        self._desks = Desks(settings.state, self._tell_orders)
        self._limits = anonymous_file("limits")
        finalize(self, os.close, self._limits)
        self._limit_table = new_limit_table(self._limits)
        self._next_tls = 0
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def start(self, inherited: Inherited | None = None) -> None:
        """Start all workers, then open the sockets. Raises OSError when that can't be done; nothing stays open then."""
        known = inherited or Inherited()
        try:
            self._desks.load()
            Contexts(self.settings).load()  # here, where a fault can be told
            if self.settings.audit is not None:
                audit.prepared(self.settings.audit)
            self._lives = [asyncio.create_task(self._live(worker)) for worker in self._workers]
            ready = asyncio.create_task(self._all_ready())
            await asyncio.wait([ready, *self._lives], timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                ready.cancel()
                raise OSError("a worker can't be started; its log lines say why")  # noqa: TRY301
            if self.settings.metrics is not None:
                self.admin = AdminServer(self.settings.metrics, self, self._is_ready, known.admin)
            self.addresses = self._listener.start(known.listeners)
            if self._reloader is not None:
                self._reloader.start(self)
            if self.settings.control is not None:  # last: the generation before needs its own if this one fails
                self.control = ControlServer(self.settings.control, self)
                await self.control.start(takeover=inherited is not None)
                self._desks.load()  # the generation before may have been asked meanwhile
        except OSError:
            await self.stop()
            raise

    async def _all_ready(self) -> None:
        for worker in self._workers:
            await worker.ready.wait()

    @property
    def listener(self) -> Listener:
        """The listening sockets."""
        return self._listener

    # connections

    async def _take(self, incoming: Incoming) -> None:
        """Find the worker of a connection that was let in, and hand it over."""
        connection = incoming.connection
        try:
            if self.settings.listeners[incoming.listener].tls is not None:
                self._next_tls = (self._next_tls + 1) % len(self._workers)
                await self._hand(self._workers[self._next_tls], incoming, "")
                return
            bind = await first_bind_of(connection, self.settings, self._own)
            await self._hand_to_owner(incoming._replace(received=bind.octets), bind.client)
        except (OSError, NoBindError, asyncio.CancelledError) as error:
            connection.close()
            self._admission.disconnect(incoming.address.host)
            log.info(
                "connection given up",
                extra={"address": str(incoming.address), "reason": str(error) or type(error).__name__},
            )

    async def _hand_to_owner(self, incoming: Incoming, client: str) -> None:
        """To the worker that owns the client, waiting while it is being restarted. Raises OSError."""
        await self._hand(self._workers[crc32(client.encode("latin-1")) % len(self._workers)], incoming, client)

    async def _hand(self, worker: Hand, incoming: Incoming, client: str) -> None:
        try:
            async with asyncio.timeout(self.settings.timers.session_init_s or None):
                await worker.ready.wait()
                assert worker.letters is not None
                await worker.letters.send(incoming, client)
        except TimeoutError:
            raise OSError(f"worker {worker.index} is down") from None
        worker.addresses[incoming.address.host] += 1

    def _handed_back(self, worker: Hand, incoming: Incoming, client: str) -> None:
        """A worker has taken TLS off a connection and read its bind."""
        worker.addresses[incoming.address.host] -= 1
        self._spawn(self._hand_back(incoming, client))

    async def _hand_back(self, incoming: Incoming, client: str) -> None:
        try:
            await self._hand_to_owner(incoming, client)
        except OSError as error:
            incoming.connection.close()
            self._admission.disconnect(incoming.address.host)
            log.info("connection given up", extra={"address": str(incoming.address), "reason": str(error)})

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._lives.append(task)
        task.add_done_callback(self._lives.remove)

    # workers

    async def _live(self, worker: Hand) -> None:
        """Keep one worker running until the supervisor stops."""
        loop = self._loop
        back_off_s = FIRST_BACK_OFF_S
        while not self._stopping.is_set():
            began = loop.time()
            was_ready = await self._run(worker)
            if self._stopping.is_set() or not (was_ready or self._listener.sockets):
                return  # one that fails at the very start has said why: the gate does not start
            self._restarts += 1
            if loop.time() - began > HEALTHY_S:
                back_off_s = FIRST_BACK_OFF_S
            log.error("a worker died", extra={"worker": worker.index, "restart_s": round(back_off_s, 1)})
            worker.down_since = loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(back_off_s):
                    await self._stopping.wait()
            back_off_s = min(back_off_s * 2, MAX_BACK_OFF_S)

    async def _run(self, worker: Hand) -> bool:
        """One life of a worker. True when it became ready."""
        words = await worker.begin(
            self.settings, self._sealed, self._limits, lambda *back: self._handed_back(worker, *back)
        )
        try:
            while (
                word := await asyncio.wait_for(words.hear(), SILENT_S if worker.ready.is_set() else START_S)
            ) is not None:
                self._heard(worker, word)
        except TimeoutError:
            log.error("a worker has been silent for too long, killed", extra={"worker": worker.index})  # noqa: TRY400
            worker.kill()
        was_ready = await worker.end()
        self._bury(worker)
        return was_ready

    def _heard(self, worker: Hand, word: dict[str, Any]) -> None:
        match word:
            case {"record": record}:
                worker.record = record
            case {"ended": host}:
                worker.addresses[host] -= 1
                self._admission.disconnect(host)
            case {"traced": client, "pdu": record}:
                if client in self._traces:
                    self._traces[client](record)
            case {"answer": question, "value": value}:
                worker.questions.answered(question, value)
            case {"ready": True}:
                if worker.sealed is self._sealed:
                    self._is_up(worker)
                else:
                    self._spawn(self._catch_up(worker))

    async def _catch_up(self, worker: Hand) -> None:
        """Give a worker the rules that came into force while it was starting."""
        while await worker.give(self._sealed):
            if worker.sealed is self._sealed:
                self._is_up(worker)
                return

    def _is_up(self, worker: Hand) -> None:
        """Tell a worker that has begun what is switched on, and let it have connections."""
        words = worker.words
        assert words is not None
        for name, reason in self._monitor_only.items():
            arguments = {"client": name, "reason": reason, "on": True}
            words.say(do="operate", question=0, what="monitor", arguments=arguments)
        for client in self._traces:
            words.say(do="trace", client=client, on=True)
        for noun, file, records in self._desks.orders():
            words.say(do="orders", noun=noun, file=file, records=records)
        worker.down_since = 0.0
        worker.ready.set()

    def _bury(self, worker: Hand) -> None:
        """Keep what a worker that is gone has counted; its sessions are over."""
        if worker.record is not None:
            self._over.add(worker.record, over=True)
            worker.record = None
        for host, sessions in worker.addresses.items():
            for _ in range(sessions):
                self._admission.disconnect(host)
        worker.addresses.clear()

    def _is_ready(self) -> bool:
        """Whether new sessions are taken. Called from the thread that serves HTTP."""
        now = self._loop.time()
        return not self._listener.draining and all(
            not worker.down_since or now - worker.down_since < DOWN_S for worker in self._workers
        )

    def _total(self) -> Metrics:
        """The counts of all processes together."""
        total = Metrics(self._own.client_labels)
        total.rule_set = self.rule_set
        total.monitor_only = len(self._monitor_only)
        total.add(self._own.record())
        total.add(self._over.record())
        for worker in self._workers:
            if worker.record is not None:
                total.add(worker.record)
        return total

    def collect(self) -> Iterator[Metric]:
        """What is counted. Called from the thread that serves HTTP."""
        yield from self._total().collect()
        yield families.READY.one(self._is_ready())
        yield families.ORDERS.of(self._desks.in_force())
        yield families.LIMIT_TABLE.one(self._limit_table.fill(perf_counter()))
        yield families.WORKERS.one(sum(worker.ready.is_set() for worker in self._workers))
        yield families.WORKER_RESTARTS.one(self._restarts)
        workers = {
            f"worker{worker.index}": worker.process.pid for worker in self._workers if worker.process is not None
        }
        yield from processes.families({"supervisor": os.getpid(), **workers})

    # what an operator asks

    async def operate(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """See `worker.Worker.operate`: asked of every worker that is up, the answers put together."""
        if what in RELOADING:
            return await told(what, arguments, self._reloader, self.operate)
        if what in REQUESTS:
            return await self._desks.operate(what, arguments, self._rules)
        if what == "hits":
            return hits(self._total())
        # remembered for workers that start later
        switches = switch_monitor(self._monitor_only, arguments) if what == "monitor" else {}
        asked = [worker for worker in self._workers if worker.ready.is_set()]
        answers = await asyncio.gather(*(worker.ask(what, arguments) for worker in asked))
        if what == "certificates":  # what keeps them back must not keep back rules too
            return "; ".join(
                dict.fromkeys(fault for one in answers if (fault := one.get("ok") or one.get("error", "")))
            )
        for worker, answer in zip(asked, answers, strict=True):
            if "error" in answer:
                raise ValueError(f"worker {worker.index}: {answer['error']}")
        match what:
            case "monitor":
                return switches
            case "sessions":
                return [
                    {**session, "worker": worker.index}
                    for worker, answer in zip(asked, answers, strict=True)
                    for session in answer["ok"]
                ]
            case "top":  # counters of workers that died are in the total
                return {**self._total().totals(), **together([answer["ok"] for answer in answers])}
            case "kick":
                return sum(answer["ok"] for answer in answers)
            case _:
                if not answers:
                    raise ValueError("no worker is up")
                return answers[0]["ok"]

    async def put(self, sealed: Sealed) -> None:
        """See `reload.reloader.Reloadable`: returns when every worker that is up has it, and none can start with another. One
        after the other, so that only one at a time has its processor do something else besides."""
        self._sealed = sealed
        self.rule_set.put(sealed.contents.version, sealed.contents.rules, sealed.contents.rotating)
        for worker in self._workers:
            if worker.ready.is_set() and worker.sealed is not sealed:
                await worker.give(sealed)

    async def _rules(self) -> RuleSet:
        return (await asyncio.to_thread(unseal, self._sealed.descriptor)).rules

    def _tell_orders(self, noun: str, file: str, records: Records) -> None:
        for worker in self._workers:
            if worker.words is not None:
                worker.words.say(do="orders", noun=noun, file=file, records=records)

    def trace(self, client: str, emit: Emit | None) -> None:
        """See `net.sessions.Sessions.trace`."""
        if emit is None:
            self._traces.pop(client, None)
        else:
            self._traces[client] = emit
        for worker in self._workers:
            if worker.words is not None:
                worker.words.say(do="trace", client=client, on=emit is not None)

    # ends

    def reload(self) -> None:
        """Have all workers take up what has changed on disk."""
        for worker in self._workers:
            if worker.words is not None:
                worker.words.say(do="reload")
        if self._reloader is not None:
            self._reloader.soon("SIGHUP")

    async def stop(self) -> None:
        """Drain the sessions of all workers, then end them."""
        if self._reloader is not None:
            await self._reloader.stop()
        await self._listener.drain(self.settings.drain_timeout_s / 2)
        self._stopping.set()
        for worker in self._workers:
            if worker.words is not None:
                worker.words.say(do="drain")
        if self._lives:
            _, alive = await asyncio.wait(self._lives, timeout=self.settings.drain_timeout_s + STOP_S)
            for worker in self._workers if alive else ():
                if worker.process is not None and worker.process.returncode is None:
                    log.error("a worker does not end, killed", extra={"worker": worker.index})
                    worker.kill()
            await asyncio.gather(*self._lives, return_exceptions=True)
        self.retire()
