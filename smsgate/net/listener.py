"""The sockets that ESMEs connect to, and who is let in.

A connection is accepted, its PROXY protocol header read if it comes from a proxy that may send one, its address checked
against the lists and caps; only then is it handed on, to the sessions of this process or to a worker's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from smsgate.limits.admission import Admission, Refusal
from smsgate.net.proxy_protocol import Header, ProxyHeaderError
from smsgate.settings import Address, ListenerSettings, Settings
from smsgate.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

BACKLOG = 1024
"""Connects that may wait for accept: the reconnect storm after an outage."""
HANDSHAKE_S = 5.0
"""For a PROXY header, and again for a TLS handshake."""
ACCEPT_RETRY_S = 0.2
"""Pause after a failed accept: out of descriptors, until sessions end."""
ACCEPTS_PER_TURN = 64
"""Connections taken at once, before sessions have their turn again."""


class Incoming(NamedTuple):
    """A connection that was let in. `listener`: its place in the settings; `received`: octets already read from it."""

    connection: socket.socket
    address: Address
    listener: int
    received: bytes = b""


class Listener:
    """All listening sockets of one process. `take` gets each connection that is let in, and owns it from then on; whoever
    ends it says so by `Admission.disconnect`."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        admission: Admission,
        take: Callable[[Incoming], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._admission = admission
        self._take = take
        self.sockets: dict[str, list[socket.socket]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.draining = False

    def start(self, inherited: Mapping[str, Sequence[socket.socket]]) -> list[Address]:
        """Open the sockets, or take over those that are there by the address as it is configured; returns their
        addresses, ports chosen by the system included. Raises OSError."""
        addresses = []
        for index, listener in enumerate(self._settings.listeners):
            name = str(listener.bind)
            while name in self.sockets:  # port 0 may be asked for twice
                name += " again"
            sockets = self.sockets[name] = list(inherited.get(name, ())) or _listen(listener.bind)
            for sock in sockets:
                addresses.append(Address(*sock.getsockname()[:2]))
                self._listen_on(sock, index)
        return addresses

    def _listen_on(self, sock: socket.socket, index: int) -> None:
        if not self.draining:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock, index)

    def _accept(self, sock: socket.socket, index: int) -> None:
        """Take what waits at a socket. By `accept` itself: a coroutine that is cancelled may lose what it accepted."""
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, peer = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                bind = self._settings.listeners[index].bind
                log.error("can't accept", extra={"listener": str(bind), "reason": str(error)})  # noqa: TRY400  # the place says nothing
                loop.remove_reader(sock)
                loop.call_later(ACCEPT_RETRY_S, self._listen_on, sock, index)
                return
            connection.setblocking(False)
            task = loop.create_task(self._admit(Incoming(connection, Address(*peer[:2]), index)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _admit(self, incoming: Incoming) -> None:
        listener = self._settings.listeners[incoming.listener]
        connection, address = incoming.connection, incoming.address
        try:
            if listener.proxies and within(address.host, listener.proxies):
                async with asyncio.timeout(HANDSHAKE_S):
                    address = Address(await _proxied(connection) or address.host, address.port)
        except (OSError, ProxyHeaderError, asyncio.CancelledError) as error:  # TimeoutError is an OSError
            connection.close()
            log.info(
                "connection given up", extra={"address": str(address), "reason": str(error) or type(error).__name__}
            )
            return
        refusal = self._refusal(address, listener)
        if refusal is None:
            await self._take(incoming._replace(address=address))
            return
        self._metrics.refused[refusal] += 1
        log.warning("connection refused", extra={"address": str(address), "reason": refusal})
        connection.close()

    def _refusal(self, address: Address, listener: ListenerSettings) -> Refusal | None:
        if listener.allow and not within(address.host, listener.allow):
            return Refusal.ADDRESS
        return self._admission.connect(address.host)

    async def drain(self, timeout_s: float) -> None:
        """Stop accepting; what was accepted is still handed on, if that takes no longer than `timeout_s`."""
        self.draining = True
        loop = asyncio.get_running_loop()
        for sock in (sock for sockets in self.sockets.values() for sock in sockets):
            loop.remove_reader(sock)
            sock.close()
        self.sockets.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _listen(address: Address) -> list[socket.socket]:
    """Listening sockets for every address that the host name stands for. Raises OSError. Nothing runs yet that a slow
    resolver could hold up."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:  # says nothing of the name
        raise OSError(error.errno, f"{address}: {error.strerror}") from None
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, target in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(target)
            sock.listen(BACKLOG)
            sock.setblocking(False)
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise OSError(error.errno, f"{address}: {error.strerror}") from None
    return sockets


async def _proxied(connection: socket.socket) -> str | None:
    """The address that the PROXY header at the front of a connection names; reads not an octet more."""
    loop = asyncio.get_running_loop()
    header = Header()
    while wanted := header.wanted():
        octets = await loop.sock_recv(connection, wanted)
        if not octets:
            raise ProxyHeaderError("connection closed inside the header")
        header.feed(octets)
    return header.address


def within(host: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    """Whether an address lies in one of the networks."""
    return any(ip_address(host.partition("%")[0]) in network for network in networks)
