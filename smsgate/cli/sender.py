"""A sender (ESME) that replays the sample traffic of `traffic` over raw SMPP, for `smsgate simulate esme` and load tests.

It binds, sends at random moments, reads answers, agrees to unbinds, and binds again when its session has ended.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Final

from smsgate.cli.traffic import SAMPLES
from smsgate.settings import Address
from smsgate.smpp.constants import HEADER, RESPONSE, Command, Status

WINDOW: Final = 50
"""Messages without an answer; above that it waits."""
MAX_TEXT_BYTES: Final = 140
"""What one SMS holds."""
AGAIN_S: Final = 1.0
"""Wait after a bind that was refused or found nobody."""
ASCII: Final = 1
UCS2: Final = 8


def _pdu(command: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, Status.ESME_ROK, sequence) + body


def submit_sm(source: str, text: bytes, coding: int, *, esm_class: int = 0, registered: int = 0) -> bytes:
    """The body of a submit_sm to an invented number (SMPP 3.4, 4.4.1)."""
    source_type = b"\0\1" if source.isdigit() else b"\5\0"
    addresses = b"\0" + source_type + source.encode("ascii", "replace") + b"\0\1\x0133639980001\0"
    return addresses + bytes((esm_class, 0, 0, 0, 0, registered, 0, coding, 0, len(text))) + text


@cache
def _bodies(*, scam: bool) -> list[bytes]:
    """Those of the samples that fit one SMS."""
    found = []
    for sample in SAMPLES:
        coding, text = (
            (ASCII, sample.text.encode()) if sample.text.isascii() else (UCS2, sample.text.encode("utf-16-be"))
        )
        if sample.scam == scam and len(text) <= MAX_TEXT_BYTES:
            found.append(submit_sm(sample.sender, text, coding))
    return found


@dataclass
class Sender:
    """A client's traffic: messages a second and the share of scams, which may be changed while it runs."""

    client: str
    per_s: float
    scams: float = 0.01
    answered: int = 0
    refused: int = 0
    chance: random.Random = field(default_factory=random.Random)

    async def run(self, gate: Address) -> None:
        """Bind and send until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(gate.host, gate.port)
            except OSError:
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                await self._session(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                continue  # the session ended
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_pdu(Command.BIND_TRANSCEIVER, 1, self.client.encode() + b"\0secret\0\0\x34\0\0\0"))
        _, _, status, _ = await self._answer(reader)
        if status != Status.ESME_ROK:
            await asyncio.sleep(AGAIN_S)
            return
        window = asyncio.Semaphore(WINDOW)
        sending = asyncio.create_task(self._send(writer, window))
        try:
            while True:
                _, command, status, sequence = await self._answer(reader)
                if command == Command.SUBMIT_SM | RESPONSE:
                    self.answered += 1
                    self.refused += status != Status.ESME_ROK
                    window.release()
                elif not command & RESPONSE:  # unbind, enquire_link
                    writer.write(_pdu(command | RESPONSE, sequence))
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> tuple[int, int, int, int]:
        header: tuple[int, int, int, int] = HEADER.unpack(await reader.readexactly(HEADER.size))
        await reader.readexactly(header[0] - HEADER.size)
        return header

    def next_body(self) -> bytes:
        """What it sends next."""
        return self.chance.choice(_bodies(scam=self.chance.random() < self.scams))

    async def _send(self, writer: asyncio.StreamWriter, window: asyncio.Semaphore) -> None:
        for sequence in count(2):
            await window.acquire()
            writer.write(_pdu(Command.SUBMIT_SM, sequence, self.next_body()))
            await asyncio.sleep(self.chance.expovariate(self.per_s))
