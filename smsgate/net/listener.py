"""The sockets that ESMEs connect to, and the relays behind them."""

from __future__ import annotations

import asyncio
import logging
import socket

from smsgate.net.relay import Relay
from smsgate.net.upstream import connector
from smsgate.policy import Policy
from smsgate.settings import Address, Settings
from smsgate.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

BACKLOG = 1024
"""Connects that may wait for accept: the reconnect storm after an outage."""


class Listener:
    """All listening sockets of one process and the sessions they accepted."""

    def __init__(self, settings: Settings, policy: Policy, metrics: Metrics) -> None:
        self._settings = settings
        self._policy = policy
        self._metrics = metrics
        self._connect = connector(settings)
        self._servers: list[asyncio.Server] = []
        self._relays: set[Relay] = set()
        self._drained = asyncio.Event()
        self.draining = False

    async def start(self) -> list[Address]:
        """Open the sockets; returns their addresses, ports chosen by the system included. Raises OSError."""
        loop = asyncio.get_running_loop()
        for address in self._settings.listeners:
            try:
                server = await loop.create_server(self._accept, address.host, address.port, backlog=BACKLOG)
            except socket.gaierror as error:  # says nothing of the name; other errors do
                raise OSError(error.errno, f"{address}: {error.strerror}") from None
            self._servers.append(server)
        return [Address(*sock.getsockname()[:2]) for server in self._servers for sock in server.sockets]

    def _accept(self) -> asyncio.Protocol:
        relay = Relay(self._settings, self._policy, self._metrics, self._connect, self._ended)
        self._relays.add(relay)
        self._metrics.sessions_total += 1
        self._metrics.sessions = len(self._relays)
        return relay.downstream

    def _ended(self, relay: Relay) -> None:
        self._relays.discard(relay)
        self._metrics.sessions = len(self._relays)
        if self.draining and not self._relays:
            self._drained.set()

    async def drain(self) -> None:
        """Stop accepting and end every session in order; after `drain_timeout_s` what is left is cut."""
        self.draining = True
        for server in self._servers:
            server.close()
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
