"""Opening the connection to an SMSC: the configured ones in their order, the next one only when one can't be reached."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from smsgate.settings import Settings

log = logging.getLogger(__name__)

Connect = Callable[[Callable[[], asyncio.Protocol]], Awaitable[bool]]
"""Opens a connection for the protocol that the factory gives; False when no upstream could be reached."""


def connector(settings: Settings) -> Connect:
    """The way to open an upstream connection under these settings."""

    async def connect(protocol: Callable[[], asyncio.Protocol]) -> bool:
        loop = asyncio.get_running_loop()
        for address in settings.upstreams:
            try:
                async with asyncio.timeout(settings.connect_timeout_s):
                    await loop.create_connection(protocol, address.host, address.port)
            except (
                OSError,
                UnicodeError,
            ) as error:  # TimeoutError is one; a host with a label over 63 characters the other
                log.warning("upstream %s can't be reached: %s", address, str(error) or type(error).__name__)
            else:
                return True
        return False

    return connect
