"""Sockets round a `smpp.Session`: one connection of an ESME, one to the SMSC, and nothing that waits in between.

    data_received -> Framer.feed -> turn: advance one direction -> one write upstream, one write downstream

No await, no task and no lock lie between a read and its writes; only opening the upstream connection is a coroutine.
A turn handles `session.TURN_BYTES` at most; if more is there, reading pauses and the next turn is queued behind the other
sessions'. A full upstream buffer stops reading downstream; a full downstream buffer stops reading on both sides, because
refusals go there too. So a session holds per direction one read of the transport (uvloop: 256 KiB) and one write buffer
(`side.WRITE_BUFFER_BYTES` and what a turn adds), whatever its peers do; behind a pending bind, `session.MAX_HELD_BYTES` more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from time import perf_counter
from typing import Final

from smsgate.limits.admission import Admission, Refusal
from smsgate.limits.overload import Overload
from smsgate.net.inspection import Inspection
from smsgate.net.receipts import Receipts
from smsgate.net.side import Side
from smsgate.net.trace import Emit, Tap
from smsgate.net.upstream import Upstreams, tune
from smsgate.policy import Policy
from smsgate.settings import Address, Settings, UnknownCommands
from smsgate.smpp.constants import Status
from smsgate.smpp.own import OWN_ANSWER_S
from smsgate.smpp.session import Session
from smsgate.smpp.states import READS_ESME, State
from smsgate.smpp.timers import Timers
from smsgate.telemetry.audit import Journal
from smsgate.telemetry.metrics import Metrics

ESME_ENDED_S = 60.0
"""How long a session may last after the ESME said that it will send no more: the answers in flight arrive in this time."""
SMSC_ENDED_S = 5.0
"""The same after the SMSC said so: such a session is over, and kept only for the last words to be read."""

BOUND: Final = State.BOUND
"""Asked for every turn: a name of its own, since Python 3.11 looks members of an enumeration up in 0.07 µs."""

log = logging.getLogger(__name__)


class Relay:
    """One session with its two connections. `number` tells it from the others of this process."""

    def __init__(
        self,
        *,
        number: int,
        settings: Settings,
        policy: Policy,
        metrics: Metrics,
        upstreams: Upstreams,
        admission: Admission,
        overload: Overload,
        receipts: Receipts,
        journal: Journal | None,
        address: Address,
        on_bind: Callable[[Relay], None],
        on_end: Callable[[Relay], None],
    ) -> None:
        self.number = number
        self.loop = asyncio.get_running_loop()
        self.policy = policy
        self.metrics = metrics
        self.inspection = inspection = Inspection(
            policy, metrics, overload, receipts, journal, settings.timers.response_s, self._hold
        )
        self.session = Session(
            settings.max_pdu_bytes,
            judge=inspection.judge,
            knows=receipts.knows,
            answer=inspection.drop,
            admit=self.admit,
            on_response=inspection.answered,
            pdus_downstream=metrics.pdus_downstream,
            pdus_upstream=metrics.pdus_upstream,
            judge_mo=partial(inspection.judge, mo=True) if settings.inspect_mo else None,
            watched=inspection.witness.awaited if inspection.witness is not None else (),
            on_watched=inspection.witness.answered if inspection.witness is not None else None,
        )
        self.downstream = Side(self, "downstream")
        self.upstream = Side(self, "upstream")
        self.address = address
        now = perf_counter()
        self.timers = Timers(settings.timers, opened=now, active=now)
        self.tcp = settings.tcp
        self.connecting: asyncio.Task[None] | None = None
        self.upstreams = upstreams
        self.admission = admission
        self.receipts = receipts
        self.overload = overload
        self.counted_bind = False
        self.upstream_name = ""  # of the SMSC that a connection was taken of
        self.pause: asyncio.TimerHandle | None = None  # of reading downstream
        self.patience: asyncio.TimerHandle | None = None  # with our own requests, while the SMSC's wait for an answer
        self.deadline: asyncio.TimerHandle | None = None  # of the end that one side has begun
        self.on_bind = on_bind
        self.on_end = on_end
        self.settle_s = settings.drain_timeout_s / 2
        self.settling = False  # drain: reading downstream has stopped, answers in flight arrive
        self.ended = False

    # the data path

    def _hold(self, pause_s: float) -> bool:
        """Stop reading the ESME for so long, if this session can."""
        if self.settling or self.session.state is not BOUND:
            return False
        self.pause = self.loop.call_later(pause_s, self._resume)
        return True

    def _resume(self) -> None:
        """The pause that a limit has put in is over: take what has been read meanwhile, then read on."""
        self.session.held = False
        if self.session.downstream.pending:
            self.downstream.arrived = perf_counter()  # what it waited was no delay of ours
        self._queue_turn(self.downstream)

    def _wait_no_more(self) -> None:
        self.patience = None
        self._queue_turn(self.upstream)

    def deliver(self, body: bytes) -> bool:
        """Send a receipt of the gate's own; False when this session takes none now."""
        if self.ended or self.settling or self.downstream.full or not self.session.deliver(body, perf_counter()):
            return False
        self._write()
        return True

    def turn(self, side: Side) -> None:
        """Handle a portion of what one side sent, and write what comes of it."""
        side.turn_queued = False
        if self.ended or not self._may_take(side):
            return
        session = self.session
        state = session.state
        now = self.timers.active = perf_counter()
        more = session.advance_downstream(now) if side is self.downstream else session.advance_upstream(now)
        if session.state is not state:
            self._moved(state)
        self._write()
        if session.waiting:
            if side is self.downstream:  # perhaps this was the answer that the SMSC's request waits for
                self._queue_turn(self.upstream)
            elif self.patience is None:  # it does not come, and the ESME may say nothing else either
                self.patience = self.loop.call_later(OWN_ANSWER_S, self._wait_no_more)
        if more:
            self._stop_reading(side)
            self._queue_turn(side)
            return
        if side.arrived:
            side.added.observe(perf_counter() - side.arrived)
            side.arrived = 0.0
        if session.held and side is self.downstream:
            self._stop_reading(side)
            return
        if side.framer.empty:
            side.pdu_begun = 0.0
        elif session.took or not side.pdu_begun:  # what is left is another one
            side.pdu_begun = now
        if session.state is not BOUND or not side.reading or session.waiting or self.settling or side.at_eof:
            self._settle(side)  # which else would change nothing, in 0.2 µs

    def _stop_reading(self, side: Side) -> None:
        """Until there is room or a pause is over: the peer is not to blame for what waits."""
        side.read(False)
        side.pdu_begun = 0.0

    def tick(self, now: float) -> None:
        """Once a second: end the session if one of its timers has run out."""
        self.inspection.tick(now)
        esme_begun = self.downstream.pdu_begun if self.session.state in READS_ESME else 0.0
        overdue = self.timers.due(now, esme_begun, self.upstream.pdu_begun)
        if overdue is not None and not self.ended:
            self.metrics.timeouts[overdue] += 1
            self.end(f"{overdue} timer")

    def _write(self) -> None:
        session = self.session
        if session.to_upstream:
            self.upstream.write(session.to_upstream)
        if session.to_downstream:
            self.downstream.write(session.to_downstream)

    def _may_take(self, side: Side) -> bool:
        """What the ESME sends goes to both sides, refused or not; so does what the SMSC sends, if that is judged."""
        if side is self.downstream and self.session.held:
            return False
        return not self.downstream.full and (
            not self.upstream.full or (side is self.upstream and self.session.judge_mo is None)
        )

    def _may_read(self, side: Side) -> bool:
        if side is self.upstream:
            return self._may_take(side) and not self.session.waiting
        settling = self.settling and self.session.state is BOUND
        return self._may_take(side) and not settling and not self.session.holding

    def _settle(self, side: Side) -> None:
        """What follows a turn after which nothing more could be handled at once."""
        session = self.session
        if self.settling and session.state is BOUND and not session.awaited_smsc:
            self._unbind()
        if session.state is State.CLOSED:
            return
        if self._may_read(side):
            side.read(True)
        else:
            self._stop_reading(side)
        if session.state is not BOUND:
            self._end_if_idle()
        if side.at_eof and not side.eof_taken and not (side is self.downstream and session.state not in READS_ESME):
            side.eof_taken = True
            state = session.state
            if side is self.downstream:
                session.esme_ended(perf_counter())
            else:
                session.smsc_ended()
            self._moved(state)
            self._write()

    def flow(self) -> None:
        """A write buffer has filled or emptied: stop or go on reading, and take what had to wait."""
        for side in (self.downstream, self.upstream):
            if self._may_take(side):
                self._queue_turn(side)
            else:
                self._stop_reading(side)

    def _queue_turn(self, side: Side) -> None:
        if not side.turn_queued:
            side.turn_queued = True
            self.loop.call_soon(self.turn, side)

    def _moved(self, before: State) -> None:
        """The session has changed its state: what that means for sockets, names and counts."""
        session = self.session
        match session.state:
            case State.BINDING:
                if self.downstream.tap is None:
                    self.on_bind(self)
                if not self.upstream.connected:
                    self.connecting = self.loop.create_task(self._connect())
            case State.BOUND:
                client = self.policy.client(session.system_id)
                self.inspection.bound(client)
                self.timers.bound = True
                self.counted_bind = True
                self.admission.bound(session.system_id)
                session.forward_unknown = client.settings.unknown_commands is UnknownCommands.FORWARD
                self.receipts.bound(session.system_id, self)
                log.info("bound", extra=self._about())
            case State.OPEN:
                self.metrics.binds_refused += 1
                self.admission.failed(session.system_id, self.address.host, perf_counter())
                log.info("bind refused by the SMSC", extra=self._about())
            case State.ESME_ENDED:
                self.deadline = self.loop.call_later(ESME_ENDED_S, self.end, "the ESME ended, and the SMSC did not")
                self.upstream.end()
                self._end_if_idle()
            case State.SMSC_ENDED:
                self.deadline = self.loop.call_later(SMSC_ENDED_S, self.end, "the SMSC ended, and the ESME did not")
                self._write()
                self.downstream.end()
                if not self.downstream.eof_written:
                    self.end("the SMSC ended")
            case State.CLOSED:
                self.end(f"over, after {before.name.lower()}")
        if before is State.BINDING:
            self.downstream.pdu_begun = 0.0  # what waited behind the bind
            if self.settling and session.state is State.BOUND:
                self._write()
                self._unbind()
            self._queue_turn(self.downstream)

    def _end_if_idle(self) -> None:
        """TLS has no half-close to tell the SMSC that the ESME has ended: end once its answers have arrived."""
        session = self.session
        if session.state is State.ESME_ENDED and not self.upstream.eof_written and not session.awaited_smsc:
            self.end("the ESME ended")

    def admit(self, system_id: str) -> int:
        """The status to refuse a bind with before it goes upstream, or 0."""
        refusal = self.admission.bind(system_id, self.address.host, perf_counter())
        allowed = self.policy.settings(system_id).allow_from
        if allowed and not any(ip_address(self.address.host) in network for network in allowed):
            refusal = Refusal.ADDRESS
        if refusal is None and self.overload.active:
            refusal = Refusal.OVERLOAD
        if refusal is None:
            return 0
        self.metrics.refused[refusal] += 1
        log.warning("bind refused", extra=self._about(system_id) | {"reason": refusal})
        return Status.ESME_RSYSERR if refusal is Refusal.OVERLOAD else Status.ESME_RBINDFAIL

    # connections

    async def _connect(self) -> None:
        name = self.session.system_id
        wanted = self.policy.settings(name).upstreams
        self.upstream_name = await self.upstreams.connect(name, wanted, lambda: self.upstream) or ""
        self.connecting = None
        if not self.upstream_name:
            self.metrics.upstream_failures += 1
            log.warning("no upstream", extra=self._about())
            if self.session.state is State.BINDING:
                self.session.refuse_pending_bind(Status.ESME_RSYSERR)
                self._write()
            self.end("no upstream")

    def made(self, side: Side) -> None:
        """A connection stands."""
        if self.ended:  # while it was being made
            side.transport.abort()
        elif side is self.downstream:
            tune(side.transport, self.tcp)
        else:
            self._write()

    def lost(self, side: Side, exc: Exception | None) -> None:
        """A connection is gone: the session ends as the peer would have ended it; nothing is answered on its behalf.

        Answers of the SMSC that were read before it went are handed on: a submit_sm without its answer is sent again.
        """
        if not self.ended:
            if side is self.upstream:
                while self.session.advance_upstream(perf_counter()):
                    pass
            self.end(f"{side.name} {'lost' if exc else 'closed'}")
        if not self.downstream.connected and not self.upstream.connected:
            self._give_back()
            self.on_end(self)

    def _give_back(self) -> None:
        """What this session counted for, it counts for no more."""
        self.inspection.end()
        if self.upstream_name:
            self.upstream_name = ""
            self.upstreams.release(self.session.system_id)
        if self.counted_bind:
            self.counted_bind = False
            self.admission.unbound(self.session.system_id)
            self.receipts.unbound(self.session.system_id, self)

    def end(self, reason: str) -> None:
        """End the session: both connections send what is queued and close."""
        if self.ended:
            return
        self.ended = True
        self._write()
        if self.connecting is not None:
            self.connecting.cancel()
        for timer in (self.pause, self.patience, self.deadline):
            if timer is not None:
                timer.cancel()  # it would keep this session in memory until then
        self.downstream.close(self.loop, peer_may_send=self.session.state in {State.BOUND, State.UNBINDING_ESME})
        self.upstream.close(self.loop)
        if self.inspection.client is not None:
            log.info("ended", extra=self._about() | {"reason": reason})

    # drain

    def drain(self) -> None:
        """Begin to end the session: let answers in flight arrive, unbind the ESME, then upstream. A bind that may be on its
        way is let through first: the sender would take a closed connection for an outage."""
        state = self.session.state
        if self.settling or state in {State.UNBINDING_ESME, State.UNBINDING_SMSC}:  # kicked, and now the gate ends
            return
        self.settling = True
        self.loop.call_later(self.settle_s, self._unbind)
        if state in {State.OPEN, State.BINDING}:
            return
        if state not in {State.BOUND, State.ESME_ENDED} or not self.session.awaited_smsc:
            self._unbind()
        else:
            self._stop_reading(self.downstream)

    def _unbind(self) -> None:
        if not self.settling or self.ended or self.session.state is State.CLOSED:
            return
        self.settling = False
        before = self.session.state
        self.session.drain(perf_counter())
        self._write()
        self._moved(before)
        self._queue_turn(self.downstream)

    # looking at it

    def _about(self, system_id: str | None = None) -> dict[str, str]:
        """This session, for a log line. `system_id`: of a bind that is no session's yet."""
        client = self.session.system_id if system_id is None else system_id
        return {"client": client, "address": str(self.address), "upstream": self.upstream_name}

    @property
    def buffered_bytes(self) -> int:
        """Octets of this session that wait in the gate."""
        return self.downstream.buffered_bytes + self.upstream.buffered_bytes

    def trace(self, emit: Emit | None) -> None:
        """Tell `emit` of every PDU from now on; None: no more."""
        about = {"session": self.number, "client": self.session.system_id}
        for side, peer in ((self.downstream, "esme"), (self.upstream, "smsc")):
            side.tap = None if emit is None else Tap(peer, about, emit, side.framer.untaken())
