"""Senders (ESMEs) over raw SMPP: `Sender` replays the sample traffic of `traffic`, for `smsgate simulate esme` and load tests;
`answers` sends given texts one after the other.

A `Sender` binds, sends at random moments, reads answers, agrees to unbinds, and binds again when its session has ended.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
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
MAX_SHORT_MESSAGE_BYTES: Final = 254
"""SMPP 3.4, 5.2.22: what is longer goes into message_payload."""
MESSAGE_PAYLOAD: Final = b"\x04\x24"
ANSWER_S: Final = 10.0
"""For the gate's SMSC to answer."""
AGAIN_S: Final = 1.0
"""Wait after a bind that was refused or found nobody."""
ASCII: Final = 1
UCS2: Final = 8


def _pdu(command: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, Status.ESME_ROK, sequence) + body


def submit_sm(source: str, text: bytes, coding: int, *, esm_class: int = 0, registered: int = 0) -> bytes:
    """The body of a submit_sm to an invented number (SMPP 3.4, 4.4.1); a long text stands in message_payload."""
    source_type = b"\0\1" if source.isdigit() else b"\5\0"
    addresses = b"\0" + source_type + source.encode("ascii", "replace") + b"\0\1\x0133639980001\0"
    fields = addresses + bytes((esm_class, 0, 0, 0, 0, registered, 0, coding, 0))
    if len(text) <= MAX_SHORT_MESSAGE_BYTES:
        return fields + bytes((len(text),)) + text
    return fields + b"\0" + MESSAGE_PAYLOAD + len(text).to_bytes(2, "big") + text


def _coded(text: str) -> tuple[bytes, int]:
    """Octets, and their data_coding."""
    return (text.encode(), ASCII) if text.isascii() else (text.encode("utf-16-be", "surrogatepass"), UCS2)


@cache
def _bodies(*, scam: bool) -> list[bytes]:
    """Those of the samples that fit one SMS."""
    coded = [(sample.sender, *_coded(sample.text)) for sample in SAMPLES if sample.scam == scam]
    return [submit_sm(sender, text, coding) for sender, text, coding in coded if len(text) <= MAX_TEXT_BYTES]


async def answers(gate: Address, client: str, sender: str, texts: Sequence[str]) -> AsyncIterator[int]:
    """Bind, send each text once the one before is answered, and unbind. Yields the command_status of each answer.

    Raises OSError (ConnectionError, TimeoutError among them) when the gate can't be reached, refuses the bind, hangs up or is
    silent for ANSWER_S.
    """
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection(gate.host, gate.port)
    try:
        writer.write(_bind(client))
        for sequence, text in enumerate(("", *texts), 1):
            if sequence > 1:
                writer.write(_pdu(Command.SUBMIT_SM, sequence, submit_sm(sender, *_coded(text))))
            async with asyncio.timeout(ANSWER_S):
                status = await _status_of(reader, writer, sequence)
            if sequence > 1:
                yield status
            elif status != Status.ESME_ROK:
                raise ConnectionRefusedError(f"the bind is answered 0x{status:02X}")
        writer.write(_pdu(Command.UNBIND, len(texts) + 2))
        async with asyncio.timeout(ANSWER_S):
            await _status_of(reader, writer, len(texts) + 2)
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("it has hung up") from None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _status_of(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sequence: int) -> int:
    """The command_status of the response with this number; requests before it are answered."""
    while True:
        _, command, status, number = await _answer(reader)
        if not command & RESPONSE:
            writer.write(_pdu(command | RESPONSE, number))
        elif number == sequence:
            return status


def _bind(client: str) -> bytes:
    return _pdu(Command.BIND_TRANSCEIVER, 1, client.encode("ascii", "replace") + b"\0secret\0\0\x34\0\0\0")


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int, int, int]:
    header: tuple[int, int, int, int] = HEADER.unpack(await reader.readexactly(HEADER.size))
    await reader.readexactly(header[0] - HEADER.size)
    return header


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
        writer.write(_bind(self.client))
        _, _, status, _ = await _answer(reader)
        if status != Status.ESME_ROK:
            await asyncio.sleep(AGAIN_S)
            return
        window = asyncio.Semaphore(WINDOW)
        sending = asyncio.create_task(self._send(writer, window))
        try:
            while True:
                _, command, status, sequence = await _answer(reader)
                if command == Command.SUBMIT_SM | RESPONSE:
                    self.answered += 1
                    self.refused += status != Status.ESME_ROK
                    window.release()
                elif not command & RESPONSE:  # unbind, enquire_link
                    writer.write(_pdu(command | RESPONSE, sequence))
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    def next_body(self) -> bytes:
        """What it sends next."""
        return self.chance.choice(_bodies(scam=self.chance.random() < self.scams))

    async def _send(self, writer: asyncio.StreamWriter, window: asyncio.Semaphore) -> None:
        for sequence in count(2):
            await window.acquire()
            writer.write(_pdu(Command.SUBMIT_SM, sequence, self.next_body()))
            await asyncio.sleep(self.chance.expovariate(self.per_s))
