"""From a connection to the system_id of its bind: what happens before it is known which worker a session belongs to.

The same `smpp.Session` that a relay drives, as far as a bind that may go upstream: whatever comes before is answered here.
The bind itself is not answered; it goes, with what was read behind it, to the worker that owns its client.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from smsgate.settings import Settings
from smsgate.smpp.session import Session
from smsgate.smpp.states import State
from smsgate.smpp.timers import Overdue
from smsgate.telemetry.metrics import Metrics

READ_BYTES = 256
"""A bind has at most so many octets (`pdu.MAX_BIND_BYTES`); what comes behind it is left for the worker."""


class NoBindError(Exception):
    """The peer has left, or was closed, without a bind."""


class Bind(NamedTuple):
    """`octets`: the bind and what was read behind it."""

    client: str
    octets: bytes


async def first_bind(
    settings: Settings,
    metrics: Metrics,
    receive: Callable[[int], Awaitable[bytes]],
    send: Callable[[bytes], Awaitable[None]],
) -> Bind:
    """Read until there is a bind. Raises NoBindError, and OSError as the connection does."""
    session = Session(
        settings.max_pdu_bytes,
        judge=_never,
        admit=lambda _: 0,
        on_response=lambda *_: None,
        pdus_downstream=metrics.pdus_downstream,
        pdus_upstream=metrics.pdus_upstream,
    )
    try:
        async with asyncio.timeout(settings.timers.session_init_s or None):
            while session.state is State.OPEN:
                octets = await receive(READ_BYTES)
                if not octets:
                    raise NoBindError("closed by the peer")
                session.downstream.feed(octets)
                while session.advance_downstream(0.0):
                    pass
                for run in session.to_downstream:
                    await send(bytes(run))
                session.to_downstream.clear()
    except TimeoutError:
        metrics.timeouts[Overdue.SESSION_INIT] += 1
        raise NoBindError(f"{Overdue.SESSION_INIT} timer") from None
    if session.state is not State.BINDING:
        raise NoBindError("what it sent is not SMPP")
    metrics.pdus_downstream[session.bind.command] -= 1  # counted again where it is relayed
    return Bind(session.system_id, b"".join(session.to_upstream) + session.downstream.untaken())


def _never(*_: object) -> int:
    raise AssertionError("nothing is judged before a bind")


async def first_bind_of(connection: socket.socket, settings: Settings, metrics: Metrics) -> Bind:
    """`first_bind` of a plain TCP connection."""
    loop = asyncio.get_running_loop()
    return await first_bind(
        settings,
        metrics,
        lambda size: loop.sock_recv(connection, size),
        lambda data: loop.sock_sendall(connection, data),
    )
