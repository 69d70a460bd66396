"""The sockets that ESMEs connect to, who is let in, and the relays behind them.

A connection is accepted, its PROXY protocol header read if it comes from a proxy that may send one, its address checked
against the lists and caps; only then is it given a relay, over TLS where the listener says so.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import perf_counter

from smsgate.limits.admission import Admission, Refusal
from smsgate.net.proxy_protocol import Header, ProxyHeaderError
from smsgate.net.relay import Relay
from smsgate.net.upstream import Upstreams
from smsgate.policy import Policy
from smsgate.settings import Address, ListenerSettings, ListenerTls, Settings
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
TICK_S = 1.0
"""How often the sessions' timers are looked at."""


class Listener:
    """All listening sockets of one process and the sessions they accepted."""

    def __init__(self, settings: Settings, policy: Policy, metrics: Metrics) -> None:
        self._settings = settings
        self._policy = policy
        self._metrics = metrics
        self._upstreams = Upstreams(settings)
        self._admission = Admission(settings.caps)
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._relays: set[Relay] = set()
        self._drained = asyncio.Event()
        self.draining = False

    async def start(self) -> list[Address]:
        """Open the sockets; returns their addresses, ports chosen by the system included. Raises OSError."""
        loop = asyncio.get_running_loop()
        addresses = []
        for listener in self._settings.listeners:
            context = _context(listener.tls) if listener.tls is not None else None
            for sock in _listen(listener.bind):
                self._sockets.append(sock)
                addresses.append(Address(*sock.getsockname()[:2]))
                self._listen_on(sock, listener, context)
        loop.call_later(TICK_S, self._tick)
        return addresses

    def _spawn(self, coroutine: Coroutine[None, None, None], connection: socket.socket) -> None:
        """Run until it is done or the listener drains; a connection whose admission is cut short is closed."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: connection.close() if done.cancelled() else None)

    def _tick(self) -> None:
        now = perf_counter()
        for relay in list(self._relays):
            relay.tick(now)
        if not self.draining or self._relays:
            asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _listen_on(self, sock: socket.socket, listener: ListenerSettings, context: ssl.SSLContext | None) -> None:
        if not self.draining:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock, listener, context)

    def _accept(self, sock: socket.socket, listener: ListenerSettings, context: ssl.SSLContext | None) -> None:
        """Take what waits at a socket. By `accept` itself: a coroutine that is cancelled may lose what it accepted."""
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTS_PER_TURN):
            try:
                connection, peer = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("can't accept on %s: %s", listener.bind, error)  # noqa: TRY400  # the place says nothing
                loop.remove_reader(sock)
                loop.call_later(ACCEPT_RETRY_S, self._listen_on, sock, listener, context)
                return
            connection.setblocking(False)
            self._spawn(self._admit(connection, Address(*peer[:2]), listener, context), connection)

    async def _admit(
        self, connection: socket.socket, address: Address, listener: ListenerSettings, context: ssl.SSLContext | None
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            if listener.proxies and _within(address.host, listener.proxies):
                async with asyncio.timeout(HANDSHAKE_S):
                    address = Address(await _proxied(connection) or address.host, address.port)
            refusal = self._refusal(address, listener)
            if refusal is not None:
                self._metrics.refused[refusal] += 1
                log.warning("connection refused (%s): %s", refusal, address)
                connection.close()
                return
            relay = self._relay(address)
            try:
                await loop.connect_accepted_socket(
                    lambda: relay.downstream,
                    connection,
                    ssl=context,
                    ssl_handshake_timeout=HANDSHAKE_S if context else None,
                )
            except (OSError, asyncio.CancelledError):
                self._ended(relay)
                raise
        except (OSError, ProxyHeaderError) as error:  # ssl.SSLError and TimeoutError are OSErrors
            connection.close()
            log.info("connection from %s given up: %s", address, str(error) or type(error).__name__)

    def _refusal(self, address: Address, listener: ListenerSettings) -> Refusal | None:
        if listener.allow and not _within(address.host, listener.allow):
            return Refusal.ADDRESS
        return self._admission.connect(address.host)

    def _relay(self, address: Address) -> Relay:
        relay = Relay(
            settings=self._settings,
            policy=self._policy,
            metrics=self._metrics,
            upstreams=self._upstreams,
            admission=self._admission,
            address=address,
            on_end=self._ended,
        )
        self._relays.add(relay)
        self._metrics.sessions_total += 1
        self._metrics.sessions = len(self._relays)
        return relay

    def _ended(self, relay: Relay) -> None:
        if relay not in self._relays:
            return
        self._relays.discard(relay)
        self._admission.disconnect(relay.address.host)
        self._metrics.sessions = len(self._relays)
        if self.draining and not self._relays:
            self._drained.set()

    async def drain(self) -> None:
        """Stop accepting and end every session in order; after `drain_timeout_s` what is left is cut."""
        self.draining = True
        loop = asyncio.get_running_loop()
        while self._sockets:
            sock = self._sockets.pop()
            loop.remove_reader(sock)
            sock.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for relay in list(self._relays):
            relay.drain()
        if self._relays:
            try:
                async with asyncio.timeout(self._settings.drain_timeout_s):
                    await self._drained.wait()
            except TimeoutError:
                log.warning("%d sessions were not drained in time", len(self._relays))
        for relay in list(self._relays):
            relay.end("not drained in time")


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


def _within(host: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(ip_address(host.partition("%")[0]) in network for network in networks)


def _context(tls: ListenerTls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.client_ca is not None:
        context.load_verify_locations(tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
