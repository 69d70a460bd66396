"""Sockets round a `smpp.Session`: one connection of an ESME, one to the SMSC, and nothing that waits in between.

    data_received -> Framer.feed -> turn: advance one direction -> one write upstream, one write downstream

No await, no task and no lock lie between a read and its writes; only opening the upstream connection is a coroutine.
A turn handles `session.TURN_BYTES` at most; if more is there, reading pauses and the next turn is queued behind the other
sessions'. A full upstream buffer stops reading downstream; a full downstream buffer stops reading on both sides, because
refusals go there too. So a session holds one read and two write buffers of WRITE_BUFFER_BYTES, whatever its peers do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, cast

from smsgate.policy import Client, Policy
from smsgate.rules.engine import PASS
from smsgate.rules.model import Action
from smsgate.settings import Settings
from smsgate.smpp.constants import Status
from smsgate.smpp.session import OWN_ANSWER_S, READS_ESME, Session, State
from smsgate.telemetry.logs import without_message
from smsgate.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from smsgate.net.upstream import Connect

WRITE_BUFFER_BYTES = 64 * 1024
"""Where a transport says that its peer reads too slowly."""
CLOSE_S = 10.0
"""How long a closed connection may take to send what is queued, before it is cut."""
HALF_CLOSED_S = {"downstream": 60.0, "upstream": 5.0}
"""How long a session may last after that side said that it will send no more. The SMSC's answers in flight still arrive;
a session whose SMSC says nothing any more is over, and is kept only for its last words to be read."""

log = logging.getLogger(__name__)


class Side(asyncio.Protocol):
    """One connection of a relay. Holds what depends on the socket; the relay decides."""

    transport: asyncio.Transport

    def __init__(self, relay: Relay, name: str) -> None:
        self.relay = relay
        self.name = name
        self.framer = relay.session.downstream if name == "downstream" else relay.session.upstream
        self.connected = False
        self.reading = True
        self.full = False  # its write buffer
        self.turn_queued = False
        self.at_eof = False
        self.eof_passed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self.connected = True
        self.relay.made(self)

    def data_received(self, data: bytes) -> None:
        """Octets of the peer."""
        self.framer.feed(data)
        if not self.turn_queued:
            self.relay.turn(self)

    def eof_received(self) -> bool:
        """The peer will send no more, and still reads: keep the connection."""
        self.at_eof = True
        if not self.turn_queued:
            self.relay.turn(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self.connected = False
        self.relay.lost(self, exc)

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self.full = True
        self.relay.flow()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self.full = False
        self.relay.flow()

    def read(self, wanted: bool) -> None:
        """Start or stop reading."""
        if wanted is not self.reading and self.connected and not self.at_eof:
            self.reading = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send what is queued, then end; cut off after CLOSE_S a peer that doesn't read."""
        if self.connected and not self.transport.is_closing():
            self.transport.close()
            loop.call_later(CLOSE_S, self.transport.abort)


class Relay:
    """One session with its two connections."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        metrics: Metrics,
        connect: Connect,
        on_end: Callable[[Relay], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.policy = policy
        self.metrics = metrics
        self.session = Session(
            settings.max_pdu_bytes,
            self.judge,
            metrics.response_time.observe,
            metrics.pdus_downstream,
            metrics.pdus_upstream,
        )
        self.downstream = Side(self, "downstream")
        self.upstream = Side(self, "upstream")
        self.address = ""
        self.client: Client | None = None
        self.verdicts: dict[Action, int] = {}
        self.connecting: asyncio.Task[None] | None = None
        self.connect = connect
        self.on_end = on_end
        self.settle_s = settings.drain_timeout_s / 2
        self.settling = False  # drain: reading downstream has stopped, answers in flight arrive
        self.ended = False

    # the data path

    def judge(self, command: int, data: bytes, start: int, end: int, now: float) -> int:
        """The status to refuse a message with, or 0; counted and timed."""
        client = self.client
        assert client is not None
        began = perf_counter()
        try:
            verdict = self.policy.decide_pdu(command, data, start, end, client, now)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end the session: the sender may try again
            self.metrics.filter_errors += 1
            log.error("filter failed on a message of client %r: %s", client.name, without_message(error))  # noqa: TRY400
            return Status.ESME_RSYSERR
        self.metrics.filter_time.observe(perf_counter() - began)
        self.verdicts[verdict.action] += 1
        if verdict is not PASS:
            self.metrics.count_rules(client.label, verdict)
        return verdict.status

    def turn(self, side: Side) -> None:
        """Handle a portion of what one side sent, and write what comes of it."""
        side.turn_queued = False
        if self.ended or not self._may_take(side):
            return
        session = self.session
        state = session.state
        now = perf_counter()
        more = session.advance_downstream(now) if side is self.downstream else session.advance_upstream(now)
        if session.state is not state:
            self._moved(state)
        self._write()
        if more:
            side.read(False)
            side.turn_queued = True
            self.loop.call_soon(self.turn, side)
        else:
            self._settle(side)

    def _write(self) -> None:
        for side, queue in ((self.upstream, self.session.to_upstream), (self.downstream, self.session.to_downstream)):
            if queue and side.connected:
                if len(queue) == 1:
                    side.transport.write(queue[0])
                else:
                    side.transport.writelines(queue)
                queue.clear()

    def _may_take(self, side: Side) -> bool:
        return not self.downstream.full and (side is self.upstream or not self.upstream.full)

    def _settle(self, side: Side) -> None:
        """What follows a turn after which nothing more could be handled at once."""
        session = self.session
        if session.state is State.CLOSED:
            self.end("closed")
            return
        if self.settling and not session.awaited_smsc:
            self._unbind()
        wanted = self._may_take(side)
        if side is self.downstream:
            wanted = wanted and not self.settling and not session.holding
        side.read(wanted)
        other = self.upstream if side is self.downstream else self.downstream
        if side.at_eof and not side.eof_passed and other.connected and wanted and session.state is not State.BINDING:
            side.eof_passed = True
            if other.eof_passed:
                self.end("both sides closed")
            else:
                other.transport.write_eof()
                self.loop.call_later(HALF_CLOSED_S[side.name], self.end, f"{side.name} half-closed")
        elif side.at_eof and side is self.downstream and session.state is State.OPEN:
            self.end("closed before a bind")

    def flow(self) -> None:
        """A write buffer has filled or emptied: stop or go on reading, and take what had to wait."""
        for side in (self.downstream, self.upstream):
            if not self._may_take(side):
                side.read(False)
            elif not side.turn_queued:
                side.turn_queued = True
                self.loop.call_soon(self.turn, side)

    def _moved(self, before: State) -> None:
        """The session has changed its state: what that means for sockets, names and counts."""
        session = self.session
        if session.state is State.BINDING:
            if self.upstream.connected:
                return
            self.connecting = self.loop.create_task(self._connect())
        elif session.state is State.BOUND:
            self.client = self.policy.client(session.system_id)
            self.verdicts = self.metrics.messages[self.client.label]
            log.info("bound: client %r from %s", self.client.name, self.address)
        elif before is State.BINDING and session.state is State.OPEN:
            self.metrics.binds_refused += 1
            log.info("bind refused by the SMSC: client %r from %s", session.system_id, self.address)
        if before is State.BINDING or session.state in READS_ESME:
            self._queue_turn(self.downstream)

    def _queue_turn(self, side: Side) -> None:
        if not side.turn_queued:
            side.turn_queued = True
            self.loop.call_soon(self.turn, side)

    # connections

    async def _connect(self) -> None:
        reached = await self.connect(lambda: self.upstream)
        self.connecting = None
        if not reached:
            self.metrics.upstream_failures += 1
            log.warning("no upstream for client %r from %s", self.session.system_id, self.address)
            if self.session.state is State.BINDING:
                self.session.refuse_pending_bind(Status.ESME_RSYSERR)
                self._write()
            self.end("no upstream")

    def made(self, side: Side) -> None:
        """A connection stands."""
        if side is self.downstream:
            host, port = side.transport.get_extra_info("peername")[:2]
            self.address = f"{host}:{port}"
        elif self.ended:
            side.transport.abort()
        else:
            self._write()

    def lost(self, side: Side, exc: Exception | None) -> None:
        """A connection is gone: the session ends as the peer would have ended it; nothing is answered on its behalf."""
        if self.ended:
            self._ended_if_alone()
            return
        self.end(f"{side.name} {'lost' if exc else 'closed'}")

    def end(self, reason: str) -> None:
        """End the session: both connections send what is queued and close."""
        if self.ended:
            return
        self.ended = True
        self._write()
        if self.connecting is not None:
            self.connecting.cancel()
        self.downstream.close(self.loop)
        self.upstream.close(self.loop)
        if self.client is not None:
            log.info("ended: client %r from %s: %s", self.client.name, self.address, reason)
        self._ended_if_alone()

    def _ended_if_alone(self) -> None:
        if not self.downstream.connected and not self.upstream.connected:
            self.on_end(self)

    # drain

    def drain(self) -> None:
        """Begin to end the session: let answers in flight arrive, unbind the ESME, then upstream."""
        if self.session.state is not State.BOUND:
            self.end("draining")
            return
        self.settling = True
        self.loop.call_later(self.settle_s, self._unbind)
        self._settle(self.downstream)

    def _unbind(self) -> None:
        if not self.settling or self.ended:
            return
        self.settling = False
        self.session.drain(perf_counter())
        self._write()
        self._queue_turn(self.downstream)
        # The SMSC's requests that bear the number of our unbind wait for its answer, but no longer than this.
        self.loop.call_later(OWN_ANSWER_S, self._queue_turn, self.upstream)
