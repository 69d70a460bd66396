"""Answers and receipts for messages that rules drop: what `smpp.dropped` invents, sent in time and on the right session.

A receipt goes out a second or more after the answer, on any session of the client that receives (receiver or transceiver),
else when one is bound. What waits is bounded in number and time. Receipts that still wait when the process ends are lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from secrets import randbits
from typing import Final, NamedTuple, Protocol

from smsgate.smpp.constants import HEADER
from smsgate.smpp.dropped import ABOUT_ONE, MessageIds, about, accepted, receipts
from smsgate.telemetry.metrics import Metrics

DELAY_S: Final = 1.0
"""From the answer to its receipt: an ESME that is told of an id before it knows it makes nothing of it."""
MAX_WAITING: Final = 10_000
"""Receipts that wait in one process, some 5 MB; the oldest goes first, of the client that has the most."""
KEPT_S: Final = 3600.0
"""How long a receipt waits for a session that takes it."""


class Receiver(Protocol):
    """A session that may take receipts."""

    def deliver(self, body: bytes) -> bool:
        """Send a deliver_sm with this body; False when the session can't now."""
        ...


class _Waiting(NamedTuple):
    body: bytes
    due: float
    until: float


class Receipts:
    """Those of one process: a client has all its sessions there."""

    def __init__(self, secret: bytes, metrics: Metrics) -> None:
        self._ids = MessageIds(secret, randbits(16))
        self._metrics = metrics
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._count = 0
        self._sessions: dict[str, list[Receiver]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def knows(self, command: int, data: bytes, start: int, end: int) -> bool:
        """Whether the query_sm, cancel_sm or replace_sm in data[start:end] is about a message that was dropped."""
        return about(self._ids, command, data, start, end) is not None

    def answer(self, client: str, command: int, data: bytes, start: int, end: int) -> bytes:
        """The answer to a message that is dropped, or to a request about one; the receipt that is owed is noted."""
        if command in ABOUT_ONE and (answer := about(self._ids, command, data, start, end)) is not None:
            return answer
        now = datetime.now(UTC)
        message_id = self._ids.new(now)
        for body in receipts(command, data, start, end, message_id=message_id, at=now):
            self._note(client, body)
        return accepted(command, HEADER.unpack_from(data, start)[3], message_id)

    def bound(self, client: str, session: Receiver) -> None:
        """A session may take receipts from now on, those that wait for it too."""
        self._sessions.setdefault(client, []).append(session)
        if client in self._waiting:
            self._schedule(DELAY_S)  # the answer to the bind goes first

    def unbound(self, client: str, session: Receiver) -> None:
        """A session is over."""
        sessions = self._sessions[client]
        sessions.remove(session)
        if not sessions:
            del self._sessions[client]

    def _note(self, client: str, body: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self._waiting.setdefault(client, deque()).append(_Waiting(body, now + DELAY_S, now + KEPT_S))
        self._count += 1
        if self._count > MAX_WAITING:
            max(self._waiting.values(), key=len).popleft()
            self._count -= 1
            self._metrics.receipts_lost += 1
        self._schedule(DELAY_S)

    def _schedule(self, delay_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._send)

    def _send(self) -> None:
        """Send what is due and can be sent; look again while something waits that a session might take."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        unsent: dict[str, deque[_Waiting]] = {}
        for client, waiting in self._waiting.items():
            sessions = self._sessions.get(client, ())
            kept = deque(each for each in waiting if not self._is_over(each, sessions, now))
            if kept:
                unsent[client] = kept
        self._waiting = unsent
        self._count = sum(map(len, unsent.values()))
        if not unsent.keys().isdisjoint(self._sessions):
            self._schedule(DELAY_S)

    def _is_over(self, waiting: _Waiting, sessions: Iterable[Receiver], now: float) -> bool:
        """Send a receipt that is due, if a session takes it. True when it is sent, or has waited long enough."""
        if waiting.due > now:
            return False
        if any(session.deliver(waiting.body) for session in sessions):
            self._metrics.receipts_sent += 1
            return True
        if waiting.until > now:
            return False
        self._metrics.receipts_lost += 1
        return True
