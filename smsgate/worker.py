"""The composition root of one process: builds the parts out of settings and rules, and ends them in order.

`Worker` is what every process that relays has; `Gate` is a whole gate in one process. Several processes are put together in
`supervisor`; signals and restarts are `service`'s.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from mmap import mmap
from secrets import randbits
from time import perf_counter
from typing import Any

from prometheus_client.core import Metric

from smsgate.by_hand.allows import allowances_of
from smsgate.by_hand.blocks import blocks_of
from smsgate.by_hand.desk import Records, ends_at
from smsgate.by_hand.desks import REQUESTS, Desks
from smsgate.limits.admission import Admission
from smsgate.limits.shared import TABLE_OCTETS, SharedTable
from smsgate.net.admin import AdminServer
from smsgate.net.control import ControlServer
from smsgate.net.listener import Listener
from smsgate.net.sessions import Sessions
from smsgate.net.tls import Contexts
from smsgate.net.trace import Emit
from smsgate.policy import Policy
from smsgate.reload.reloader import RELOADING, Reloader, told
from smsgate.reload.sealed import BREATH_S, Sealed, filling, taken_up
from smsgate.rules.engine import RuleSet
from smsgate.settings import OTHER_CLIENT, Address, Settings
from smsgate.telemetry import families, processes
from smsgate.telemetry.audit import Journal
from smsgate.telemetry.digests import Digests
from smsgate.telemetry.metrics import Metrics
from smsgate.telemetry.onlooker import Onlooker
from smsgate.telemetry.rule_set import RuleSetState

log = logging.getLogger(__name__)

MAX_SWITCHES = 100
"""Clients in monitor-only, each by its own switch."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """Listening sockets that an earlier generation opened: those for ESMEs by the address as configured, and HTTP's."""

    listeners: Mapping[str, Sequence[socket.socket]] = field(default_factory=dict)
    admin: socket.socket | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker process is started with, pickled to its standard input. Its rules are a descriptor beside this."""

    index: int
    settings: Settings


class Worker:
    """What relays and judges in one process, the one with this `index`. `ended` is told the address of each session that is
    over."""

    def __init__(
        self,
        settings: Settings,
        rules: RuleSet,
        ended: Callable[[str], None],
        limit_table: SharedTable,
        index: int = 0,
    ) -> None:
        self._settings = settings
        self._onlooker: Onlooker
        self.policy = Policy(
            rules, settings.clients, settings.canned, settings.segments, settings.secret, shared=limit_table
        )
        self.metrics = Metrics(client_labels(settings))
        self.contexts = Contexts(settings)
        self._journal = Journal(settings.audit, index) if settings.audit is not None else None
        if self._journal is not None:
            self.metrics.audit_lost = self._journal.lost
        self.sessions = Sessions(settings, self.policy, self.metrics, self.contexts, ended, journal=self._journal)
        self._allows_end: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin. Raises OSError when a certificate can't be read, or the audit log not be written."""
        self.contexts.load()
        digests = Digests(self._settings.secret)  # the gate's own, which all its workers have
        if self._journal is not None:
            digests = self._journal.start()
        self._onlooker = Onlooker(self.policy, digests)
        self.policy.utc_offset_s = _utc_offset_s()
        self.sessions.start()

    async def stop(self) -> None:
        """Drain every session; then all that is to be written has been."""
        await self.sessions.drain()
        if self._journal is not None:
            await asyncio.to_thread(self._journal.stop)

    def reload(self) -> str:
        """Take up renewed certificates; on a fault those in force stay. Returns the fault, "" for none."""
        try:
            self.contexts.load()
        except OSError as error:
            fault = f"certificates not reloaded, the old ones stay in force: {error}"
            log.error("certificates not reloaded", extra={"reason": str(error)})  # noqa: TRY400  # where it came from says nothing
            return fault
        log.info("certificates reloaded")
        return ""

    async def put(self, descriptor: int) -> None:
        """Put the rules of a sealed file in force, between two messages. Raises OSError when they can't be taken up."""
        rules = await taken_up(descriptor)
        self.policy.utc_offset_s = _utc_offset_s()  # the clock may have been set since the start
        old = self.policy.rules
        self.policy.use(rules)
        for _ in old.forget():
            await asyncio.sleep(BREATH_S)

    async def operate(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """Do what an operator asks through the control socket; the answer is plain data. Raises ValueError when it makes no
        sense."""
        match what:
            case "sessions":
                return self.sessions.describe()
            case "kick":
                return self.sessions.kick(arguments["client"], at_once=bool(arguments.get("at_once")))
            case "top":
                return {**self.metrics.totals(), **self._onlooker.look(perf_counter())}
            case "monitor":
                switches = switch_monitor(self.policy.monitor_only, arguments)
                self.metrics.monitor_only = len(switches)
                return switches
            case "certificates":
                return self.reload()
            case "hits":
                return hits(self.metrics)
            case _:
                raise ValueError(f"unknown request {what!r}")

    def use_orders(self, noun: str, file: str, records: Records) -> None:
        """Put in force what an operator has ordered at one desk, and nothing else; `file` is where it is kept."""
        if noun == "allow":
            self._use_allows(records)
        else:
            self.policy.blocks.use(blocks_of(file, records, -_utc_offset_s()))

    def _use_allows(self, records: Records) -> None:
        """As `use_orders`; and once more when the first of them is over."""
        if self._allows_end is not None:
            self._allows_end.cancel()
            self._allows_end = None
        now = datetime.now(UTC).timestamp()
        standing = [record for record in records if ends_at(record) > now]
        self.policy.allow(allowances_of(standing))
        if standing:
            left_s = min(map(ends_at, standing)) - now
            self._allows_end = asyncio.get_running_loop().call_later(left_s, self._use_allows, standing)

    def trace(self, client: str, emit: Emit | None) -> None:
        """See `Sessions.trace`."""
        self.sessions.trace(client, emit)


class Doors:
    """What a gate has open to the outside beside its listeners' sockets, be it of one process or of several."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admin: AdminServer | None = None
        self.control: ControlServer | None = None
        self.addresses: list[Address] = []

    def retire(self) -> None:
        """A later generation has taken over HTTP and the control socket."""
        if self.admin is not None:
            self.admin.close()
            self.admin = None
        if self.control is not None:
            self.control.close()
            self.control = None


class Gate(Doors):
    """A whole gate inside one event loop: what `run` with one worker, the demo and the tests share. Without a reloader its
    rules stay what they are."""

    def __init__(self, settings: Settings, rules: RuleSet, reloader: Reloader | None = None) -> None:
        super().__init__(settings)
        self.admission = Admission(settings.caps)
        self.limit_table = new_limit_table()
        self.worker = Worker(settings, rules, self.admission.disconnect, self.limit_table)
        self.policy = self.worker.policy
        self.metrics = self.worker.metrics
        self.rule_set = self.metrics.rule_set = RuleSetState.of(rules)
        self._reloader = reloader
        self.sessions = self.worker.sessions
        self.listener = Listener(settings, self.metrics, self.admission, self.sessions.take)
        self._desks = Desks(settings.state, self.worker.use_orders)

    async def start(self, inherited: Inherited | None = None) -> None:
        """Open all sockets. Raises OSError when one can't be; none stays open then."""
        known = inherited or Inherited()
        try:
            self._desks.load()
            self.worker.start()
            self.addresses = self.listener.start(known.listeners)
            if self.settings.metrics is not None:
                self.admin = AdminServer(self.settings.metrics, self, self._is_ready, known.admin)
            if self._reloader is not None:
                self._reloader.start(self)
            if self.settings.control is not None:
                self.control = ControlServer(self.settings.control, self)
                await self.control.start(takeover=inherited is not None)
                self._desks.load()  # the generation before may have been asked meanwhile
        except OSError:
            await self.stop()
            raise

    def _is_ready(self) -> bool:
        """Whether new sessions are taken. Called from the thread that serves HTTP."""
        return not self.listener.draining

    def collect(self) -> Iterator[Metric]:
        """What is counted. Called from the thread that serves HTTP."""
        yield from self.metrics.collect()
        yield families.READY.one(self._is_ready())
        yield families.ORDERS.of(self._desks.in_force())
        yield families.LIMIT_TABLE.one(self.limit_table.fill(perf_counter()))
        yield from processes.families({"gate": os.getpid()})

    def reload(self) -> None:
        """Take up what has changed on disk."""
        self.worker.reload()
        if self._reloader is not None:
            self._reloader.soon("SIGHUP")

    async def put(self, sealed: Sealed) -> None:
        """See `reload.reloader.Reloadable`."""
        await self.worker.put(sealed.descriptor)
        self.rule_set.put(sealed.contents.version, sealed.contents.rules, sealed.contents.rotating)

    async def operate(self, what: str, arguments: Mapping[str, Any]) -> Any:
        """See `Worker.operate`; and what is the whole gate's."""
        if what in RELOADING:
            return await told(what, arguments, self._reloader, self.worker.operate)
        if what in REQUESTS:
            return await self._desks.operate(what, arguments, self._rules)
        return await self.worker.operate(what, arguments)

    async def _rules(self) -> RuleSet:
        return self.policy.rules

    def trace(self, client: str, emit: Emit | None) -> None:
        """See `Sessions.trace`."""
        self.worker.trace(client, emit)

    async def stop(self) -> None:
        """Drain every session, then close."""
        if self._reloader is not None:
            await self._reloader.stop()
        await self.listener.drain(self.settings.drain_timeout_s / 2)
        await self.worker.stop()
        self.retire()


def _utc_offset_s() -> float:
    """What makes seconds since 1970 of the running loop's time."""
    return datetime.now(UTC).timestamp() - asyncio.get_running_loop().time()


def new_limit_table(descriptor: int = -1) -> SharedTable:
    """A table for limits across clients in memory of this process, or in that of an empty anonymous file. Raises OSError."""
    if descriptor >= 0:
        with filling(f"the table of limits ({TABLE_OCTETS >> 20} MB)"):
            os.truncate(descriptor, TABLE_OCTETS)
    return SharedTable.new(mmap(descriptor, TABLE_OCTETS), randbits(64))


def switch_monitor(switches: dict[str | None, str], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Put a client (without one: all) into monitor-only for a reason, or take it out; without `on` neither. Answers what is
    switched on now, with "*" for all. Raises ValueError."""
    client, reason = arguments.get("client"), arguments.get("reason")
    about = {"client": client or "*"}
    match arguments.get("on"):
        case True:
            if not reason:
                raise ValueError("monitor-only needs a reason")
            if client not in switches and len(switches) >= MAX_SWITCHES:
                raise ValueError(f"{MAX_SWITCHES} clients are in monitor-only: switch it on for all")
            switches[client] = reason
            log.warning("monitor-only begins: nothing is refused", extra=about | {"reason": reason})
        case False:
            switches.pop(client, None)
            log.warning("monitor-only ends", extra=about)
    return {name or "*": text for name, text in switches.items()}


def hits(metrics: Metrics) -> dict[str, dict[str, int]]:
    """How often each rule and limit has hit, by whether it acted (`enforce`) or would have (`monitor`)."""
    found: dict[str, dict[str, int]] = {}
    for (_, rule, _, mode), count in metrics.rule_hits.items():
        by_mode = found.setdefault(rule, {})
        by_mode[mode] = by_mode.get(mode, 0) + count
    return found


def client_labels(settings: Settings) -> tuple[str, ...]:
    """The metric labels of clients: those that are configured, and one for all others."""
    return tuple({*settings.clients, OTHER_CLIENT})
