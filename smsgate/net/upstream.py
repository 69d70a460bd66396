"""Opening connections to SMSCs: which one a client gets, how the socket is set up.

All binds of a client go to one SMSC while any of them stands: receipts and query_sm would reach the wrong one otherwise. The
first bind takes the first of the client's SMSCs (else of all) that can be reached; the next one is tried only on a failed
connect or a time-out. An SMSC that could not be reached goes to the back of the order for RETRY_S.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from smsgate.net.tls import Contexts
from smsgate.settings import Settings, TcpSettings, UpstreamSettings

log = logging.getLogger(__name__)

RETRY_S: Final = 5.0
"""How long an SMSC that could not be reached is asked last: a dead one then costs one connect time-out, not one a bind."""


@dataclass(slots=True)
class _Standing:
    """The SMSC that a client's sessions use, and how many they are."""

    upstream: UpstreamSettings
    sessions: int = 0


class Upstreams:
    """The SMSCs of one process and who uses which."""

    def __init__(self, settings: Settings, contexts: Contexts) -> None:
        self._settings = settings
        self._contexts = contexts
        self._by_name = {upstream.name: upstream for upstream in settings.upstreams}
        self._failed_at: dict[str, float] = {}
        self._standing: dict[str, _Standing] = {}
        self._choosing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def order(self, client: str, wanted: tuple[str, ...], now: float) -> list[UpstreamSettings]:
        """The SMSCs to try for a client, in order."""
        standing = self._standing.get(client)
        if standing is not None:
            return [standing.upstream]
        choice = [self._by_name[name] for name in wanted] or list(self._by_name.values())
        return sorted(choice, key=lambda upstream: now - self._failed_at.get(upstream.name, -RETRY_S) < RETRY_S)

    async def connect(
        self, client: str, wanted: tuple[str, ...], protocol: Callable[[], asyncio.Protocol]
    ) -> str | None:
        """Open a connection for a client; the name of the SMSC, or None when none could be reached.

        Each success must be given back by `release` when the session has ended.
        """
        loop = asyncio.get_running_loop()
        # One at a time: of two binds that come together, the second must follow the first, also to the next SMSC.
        async with self._choosing.setdefault(client, asyncio.Lock()):
            for upstream in self.order(client, wanted, loop.time()):
                try:
                    async with asyncio.timeout(self._settings.connect_timeout_s):
                        transport, _ = await loop.create_connection(
                            protocol,
                            upstream.address.host,
                            upstream.address.port,
                            local_addr=(upstream.source, 0) if upstream.source else None,
                            ssl=self._contexts.upstream(upstream.name),
                            server_hostname=_server_name(upstream),
                        )
                except (OSError, UnicodeError) as error:  # TimeoutError and ssl.SSLError are OSErrors
                    self._failed_at[upstream.name] = loop.time()
                    reason = str(error) or type(error).__name__
                    log.warning("upstream can't be reached", extra={"upstream": upstream.name, "reason": reason})
                else:
                    if self._failed_at.pop(upstream.name, None) is not None:
                        log.info("upstream is reached again", extra={"upstream": upstream.name})
                    self._standing.setdefault(client, _Standing(upstream)).sessions += 1
                    tune(transport, self._settings.tcp)
                    return upstream.name
        return None

    def release(self, client: str) -> None:
        """A connection of the client is gone."""
        standing = self._standing[client]
        standing.sessions -= 1
        if not standing.sessions:
            del self._standing[client]


def _server_name(upstream: UpstreamSettings) -> str | None:
    """The name that the SMSC's certificate must have."""
    return None if upstream.tls is None else upstream.tls.server_name or upstream.address.host


def tune(transport: asyncio.BaseTransport, tcp: TcpSettings) -> None:
    """Have the kernel notice a peer that is gone without a word."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    if tcp.keepalive_s:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, round(tcp.keepalive_s)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, round(tcp.keepalive_s / 4)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
    if tcp.user_timeout_s:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(tcp.user_timeout_s * 1000))
