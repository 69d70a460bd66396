"""The sessions of one process: relays made for connections that were let in, watched once a second, drained at the end.

Also what an operator may ask of them: who is there, end this one, read along with that one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from time import perf_counter
from typing import Any

from smsgate.limits.admission import Admission
from smsgate.limits.overload import SAMPLE_S, Overload
from smsgate.net.listener import HANDSHAKE_S, Incoming
from smsgate.net.receipts import Receipts
from smsgate.net.relay import Relay
from smsgate.net.tls import Contexts
from smsgate.net.trace import Emit
from smsgate.net.upstream import Upstreams
from smsgate.policy import Policy
from smsgate.settings import Address, Settings
from smsgate.telemetry.audit import Journal
from smsgate.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

TICK_S = 1.0
"""How often the sessions' timers are looked at, and what is in flight and buffered is added up (0.5 µs a session)."""


class Sessions:
    """`ended` is told the address of each session that is over."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        metrics: Metrics,
        contexts: Contexts,
        ended: Callable[[str], None],
        *,
        journal: Journal | None = None,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._metrics = metrics
        self._contexts = contexts
        self._upstreams = Upstreams(settings, contexts)
        self._admission = Admission(settings.caps)
        self._journal = journal
        self._receipts = Receipts(settings.secret, metrics)
        self._on_end = ended
        self._numbers = count(1)
        self._relays: set[Relay] = set()
        self._traces: dict[str, Emit] = {}
        self._drained = asyncio.Event()
        self._draining = False
        self.overload = Overload(settings.overload_lag_s)

    def start(self) -> None:
        """Begin to watch the sessions and the loop."""
        loop = asyncio.get_running_loop()
        loop.call_later(TICK_S, self._tick)
        loop.call_later(SAMPLE_S, self._sample, loop.time() + SAMPLE_S)

    async def take(self, incoming: Incoming, *, tls: bool = True) -> None:
        """Make a session of a connection, over TLS where its listener says so (`tls` False: that has been done)."""
        relay = self._relay(incoming.address)
        context = self._contexts.listener(incoming.listener) if tls else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: relay.downstream,
                incoming.connection,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_S if context else None,
            )
        except (OSError, asyncio.CancelledError) as error:  # ssl.SSLError and TimeoutError are OSErrors
            incoming.connection.close()
            self._ended(relay)
            log.info(
                "connection given up",
                extra={"address": str(incoming.address), "reason": str(error) or type(error).__name__},
            )
            return
        if incoming.received:
            relay.downstream.data_received(incoming.received)
        if self._draining:
            relay.drain()

    def _relay(self, address: Address) -> Relay:
        relay = Relay(
            number=next(self._numbers),
            settings=self._settings,
            policy=self._policy,
            metrics=self._metrics,
            upstreams=self._upstreams,
            admission=self._admission,
            receipts=self._receipts,
            journal=self._journal,
            overload=self.overload,
            address=address,
            on_bind=self._binds,
            on_end=self._ended,
        )
        self._relays.add(relay)
        self._metrics.sessions_total += 1
        self._metrics.sessions = len(self._relays)
        return relay

    def _binds(self, relay: Relay) -> None:
        emit = self._traces.get(relay.session.system_id)
        if emit is not None:
            relay.trace(emit)

    def _ended(self, relay: Relay) -> None:
        if relay not in self._relays:
            return
        self._relays.discard(relay)
        self._on_end(relay.address.host)
        self._metrics.sessions = len(self._relays)
        if self._draining and not self._relays:
            self._drained.set()

    def _tick(self) -> None:
        now = perf_counter()
        for relay in list(self._relays):
            relay.tick(now)
        self._metrics.in_flight_mt = sum(len(relay.session.awaited_smsc) for relay in self._relays)
        self._metrics.in_flight_mo = sum(len(relay.session.awaited_esme) for relay in self._relays)
        self._metrics.buffered_bytes = sum(relay.buffered_bytes for relay in self._relays)
        segments = self._policy.segments
        self._metrics.segment_sets = len(segments)
        self._metrics.segments_refused = segments.poisoned
        self._metrics.segments_incomplete = segments.expired
        self._metrics.segments_no_room = segments.overflowed
        self._metrics.limit_keys_evicted = self._policy.limits.evicted
        if not self._draining or self._relays:
            asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _sample(self, due: float) -> None:
        """Measure how late the loop is, and say so when that begins or ends an overload."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self.lag(max(0.0, now - due))
        if not self._draining:
            loop.call_later(SAMPLE_S, self._sample, now + SAMPLE_S)

    def lag(self, seconds: float) -> None:
        """Take one sample of the loop's lag."""
        self._metrics.loop_lag.observe(seconds)
        if self.overload.note(seconds):
            active = self.overload.active
            self._metrics.overloaded = int(active)
            self._metrics.overloads += active
            log.warning("overload begins" if active else "overload ends", extra={"lag_ms": round(seconds * 1000)})

    async def drain(self) -> None:
        """End every session in order; after `drain_timeout_s` what is left is cut."""
        self._draining = True
        for relay in list(self._relays):
            relay.drain()
        if self._relays:
            try:
                async with asyncio.timeout(self._settings.drain_timeout_s):
                    await self._drained.wait()
            except TimeoutError:
                log.warning("sessions not drained in time", extra={"sessions": len(self._relays)})
        for relay in list(self._relays):
            relay.end("not drained in time")

    # what an operator asks

    def describe(self) -> list[dict[str, Any]]:
        """All sessions, the oldest first."""
        now = perf_counter()
        return [_described(relay, now) for relay in sorted(self._relays, key=lambda relay: relay.number)]

    def kick(self, client: str, *, at_once: bool = False) -> int:
        """End all sessions of a client, unbinding both sides, or without a word; how many they are."""
        kicked = [relay for relay in self._relays if relay.session.system_id == client and not relay.ended]
        log.warning("kicked by the operator", extra={"client": client, "sessions": len(kicked)})
        for relay in kicked:
            if at_once:
                relay.end("kicked")
            else:
                relay.drain()
                asyncio.get_running_loop().call_later(self._settings.drain_timeout_s, relay.end, "kicked")
        return len(kicked)

    def trace(self, client: str, emit: Emit | None) -> None:
        """Tell `emit` of every PDU of a client's sessions, those to come included; None: no more."""
        if emit is None:
            self._traces.pop(client, None)
        else:
            self._traces[client] = emit
        for relay in self._relays:
            if relay.session.system_id == client:
                relay.trace(emit)


def _described(relay: Relay, now: float) -> dict[str, str | int | float]:
    """What an operator sees of a session; `now` in seconds of perf_counter."""
    session = relay.session
    return {
        "session": relay.number,
        "client": session.system_id,
        "address": str(relay.address),
        "state": session.state.name.lower(),
        "upstream": relay.upstream_name,
        "age_s": round(now - relay.timers.opened, 1),
        "idle_s": round(now - relay.timers.active, 1),
        "in_flight": len(session.awaited_smsc),
        "in_flight_mo": len(session.awaited_esme),
        "judged": relay.inspection.judged,
        "rate_per_s": relay.inspection.rate,
        "buffered_bytes": relay.buffered_bytes,
    }
