"""The composition root of one process: builds the gate out of settings and rules, runs it, ends it in order.

Only here are parts constructed and put together. `run` returns when the gate has drained after SIGTERM or SIGINT.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable

import uvloop

from smsgate.net.admin import AdminServer
from smsgate.net.listener import Listener
from smsgate.policy import Policy
from smsgate.rules.engine import RuleSet
from smsgate.settings import OTHER_CLIENT, Address, Settings
from smsgate.telemetry.metrics import Metrics


class Gate:
    """A running gate inside an event loop: what `run`, the demo and the tests share."""

    def __init__(self, settings: Settings, rules: RuleSet) -> None:
        self.settings = settings
        self.policy = Policy(rules, settings.clients, settings.canned)
        self.metrics = Metrics(tuple({*settings.clients, OTHER_CLIENT}))
        self.metrics.rules = lambda: self.policy.rules
        self.listener = Listener(settings, self.policy, self.metrics)
        self.admin: AdminServer | None = None
        self.addresses: list[Address] = []

    async def start(self) -> None:
        """Open all sockets. Raises OSError when one can't be; none stays open then."""
        try:
            self.addresses = await self.listener.start()
            if self.settings.metrics is not None:
                self.admin = AdminServer(self.settings.metrics, self.metrics, lambda: not self.listener.draining)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Drain every session, then close."""
        await self.listener.drain()
        if self.admin is not None:
            self.admin.close()


class ListenError(Exception):
    """An address can't be listened on."""


def run(settings: Settings, rules: RuleSet, started: Callable[[Gate], None]) -> None:
    """Run until a signal. `started` is called once all sockets are open. Raises ListenError when one can't be opened."""
    factory = uvloop.new_event_loop if settings.event_loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(settings, rules, started))


async def _serve(settings: Settings, rules: RuleSet, started: Callable[[Gate], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gate = Gate(settings, rules)
    try:
        await gate.start()
    except OSError as error:
        raise ListenError(str(error)) from error
    gc.collect()
    gc.freeze()  # rules and automaton live as long as the process: the collector need not look at them again
    started(gate)
    await stop.wait()
    await gate.stop()
