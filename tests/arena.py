"""A gate between two faulty networks, the states that a fault may find a session in, and the account of what was said.

The session under test is that of `bank1`; a bystander, `bank2`, runs through the same proxies and must notice nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Final

from smsgate.net.relay import Relay
from smsgate.settings import Address, Caps, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.worker import Gate
from tests.faults import RESP, Esme, FaultProxy, Smsc
from tests.gates import GENUINE, LOCAL, SCAM, pdu, rule_set, until

BIND_RESP: Final = Command.BIND_TRANSCEIVER | RESPONSE
MIXED: Final = (GENUINE, GENUINE, SCAM, GENUINE, GENUINE, GENUINE, SCAM, GENUINE)
ANSWERED: Final = 3
"""Of the messages in flight, how many the SMSC answers before the fault."""
DRAIN_S: Final = 0.1
LONG_S: Final = 1e6
"""Later than any timer of a session."""
TURNS: Final = 30
"""Turns of the loop in which what can move has moved; nothing that is asserted depends on it."""


class Arena:
    """A gate with a faulty network on both sides, the parties of the session under test, and the bystander's."""

    def __init__(self, drain_s: float) -> None:
        self.drain_s = drain_s
        self.front, self.back = FaultProxy(), FaultProxy()
        self.smscs: list[Smsc] = []
        self.withholding = False
        self.stopping: asyncio.Task[None] | None = None
        self.bystander = Esme("bank2")
        self.esme = Esme("bank1")
        self.others: list[Esme] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        await self.front.start()
        await self.back.start()
        self._server = await loop.create_server(self._accept, LOCAL.host, 0)
        self.back.target = Address(*self._server.sockets[0].getsockname()[:2])
        upstreams = (UpstreamSettings("smsc", self.back.address),)
        caps = Caps(binds_per_client=1)  # a bind that is not given back shows at once
        self.gate = Gate(
            Settings((ListenerSettings(LOCAL),), upstreams, (), caps=caps, drain_timeout_s=self.drain_s), rule_set()
        )
        await self.gate.start()
        self.front.target = self.gate.addresses[0]
        await self.bound(self.bystander)

    def _accept(self) -> Smsc:
        self.smscs.append(Smsc(self.withholding))
        return self.smscs[-1]

    async def close(self) -> None:
        for esme in (self.bystander, self.esme, *self.others):
            if esme.connected:
                esme.transport.abort()
        for smsc in self.smscs:
            if smsc.connected:
                smsc.transport.abort()
        await self.front.close()
        await self.back.close()
        self._server.close()
        await self.gate.stop()
        if self.stopping is not None:
            await self.stopping

    # what parties do

    async def connected(self, esme: Esme) -> None:
        count = len(self.front.links)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: esme, self.front.address.host, self.front.address.port)
        await until(lambda: len(self.front.links) > count)

    async def bound(self, esme: Esme) -> None:
        await self.connected(esme)
        esme.bind()
        await until(lambda: len(esme.of(BIND_RESP)) == 1)

    @property
    def smsc(self) -> Smsc:
        """The SMSC's end of the session under test."""
        return self.smscs[1]

    @property
    def relay(self) -> Relay:
        (relay,) = (one for one in self.gate.sessions._relays if one.session.system_id == "bank1")
        return relay

    def links(self, side: str) -> FaultProxy:
        return self.front if side == "front" else self.back

    async def over(self, count: int) -> None:
        """Until the gate has no more than so many sessions."""
        await until(lambda: self.gate.metrics.sessions <= count)

    def let_timers_run_out(self) -> None:
        """The bystander is spared, as if it had sent something all the time."""
        for relay in list(self.gate.sessions._relays):
            if relay.session.system_id != self.bystander.system_id:
                relay.tick(perf_counter() + LONG_S)

    # what must hold

    def check(self) -> None:
        """The account of the session under test, whatever was done to it."""
        esme, metrics = self.esme, self.gate.metrics
        seen = [one for smsc in self.smscs[1:] for one in smsc.of(Command.SUBMIT_SM)]
        written = {one for smsc in self.smscs[1:] for one in smsc.written}
        genuine = [one for one in esme.sent.values() if GENUINE.encode() in one]
        forwarded = frozenset(seen)
        assert seen == [one for one in genuine if one in forwarded], "forwarded twice, altered, or out of order"
        judged = sum(metrics.messages["other"].values())
        assert judged == metrics.pdus_downstream[Command.SUBMIT_SM], "read and not judged, or judged twice"
        assert len(seen) <= judged
        for sequence, answer in esme.answers.items():
            if GENUINE.encode() in esme.sent[sequence]:
                assert answer in written, "an answer was invented"
            else:
                assert answer == pdu(RESP, sequence, status=Status.ESME_RX_R_APPN)
        for answer in esme.of(BIND_RESP):
            assert answer in written, "an answer to the bind was invented"

    def check_nothing_stuck(self) -> None:
        """What the gate has read of the SMSC's answers, it has handed on."""
        genuine = [one for one in self.esme.answers.values() if one[8:12] == bytes(4)]
        theirs = len(self.bystander.answers)
        assert len(genuine) + theirs == self.gate.metrics.pdus_upstream[RESP]

    async def check_bystander(self) -> None:
        """The other session, and then a new one of the client whose session was broken, work as if nothing had been."""
        self.withholding = False
        bystander = self.bystander
        bystander.submit(GENUINE, SCAM)
        await until(lambda: len(bystander.answers) == 2)
        assert bystander.answers[2] == self.smscs[0].written[-1]
        again = Esme("bank1")
        self.others.append(again)
        await self.bound(again)
        assert again.of(BIND_RESP)[0][8:12] == bytes(4)
        again.submit(GENUINE)
        await until(lambda: len(again.answers) == 1)
        standing = self.gate.sessions._upstreams._standing
        assert {client: standing[client].sessions for client in standing} == {"bank1": 1, "bank2": 1}

    def check_bystander_was_unbound(self) -> None:
        """What a drain does to a session that nothing ails."""
        assert len(self.bystander.of(Command.UNBIND)) == len(self.smscs[0].of(Command.UNBIND)) == 1


@asynccontextmanager
async def arena(drain_s: float = DRAIN_S) -> AsyncIterator[Arena]:
    running = Arena(drain_s)
    await running.start()
    try:
        yield running
    finally:
        await running.close()


async def turns() -> None:
    """Let go on what can."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


# the states a session is in when the fault comes


async def nothing_sent(a: Arena) -> None:
    """The ESME has connected."""
    await a.connected(a.esme)


async def binding(a: Arena) -> None:
    """The bind has arrived, messages wait behind it, and the SMSC says nothing."""
    a.withholding = True
    await a.connected(a.esme)
    a.esme.bind()
    a.esme.submit(*MIXED)
    await until(lambda: len(a.smscs) == 2 and len(a.smsc.received) == 1)


async def idle(a: Arena) -> None:
    """Bound, and nothing under way."""
    await a.bound(a.esme)


async def in_flight(a: Arena) -> None:
    """The SMSC has all messages and has answered some."""
    await a.bound(a.esme)
    a.smsc.withholding = True
    a.esme.submit(*MIXED)
    await until(lambda: len(a.smsc.of(Command.SUBMIT_SM)) == MIXED.count(GENUINE))
    a.smsc.answer(ANSWERED)


async def half_closed(a: Arena) -> None:
    """The ESME has ended its stream and waits for answers."""
    await in_flight(a)
    a.esme.end()
    await until(lambda: a.smsc.at_eof)


async def settling(a: Arena) -> None:
    """The gate drains, and lets the answers in flight arrive first."""
    await in_flight(a)
    a.stopping = asyncio.create_task(a.gate.stop())
    await until(lambda: a.relay.settling)


async def unbinding_esme(a: Arena) -> None:
    """The gate drains, and the ESME has not answered its unbind."""
    a.esme.silent = True
    await idle(a)
    a.stopping = asyncio.create_task(a.gate.stop())
    await until(lambda: bool(a.esme.unbind))


async def unbinding_smsc(a: Arena) -> None:
    """The gate drains, and the SMSC has not answered its unbind."""
    await idle(a)
    a.smsc.withholding = True
    a.stopping = asyncio.create_task(a.gate.stop())
    await until(lambda: len(a.smsc.of(Command.UNBIND)) == 1)


STATES: Final = (nothing_sent, binding, idle, in_flight, half_closed, settling, unbinding_esme, unbinding_smsc)
