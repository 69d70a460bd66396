"""Senders' own ESME libraries, aiosmpplib and smpplib, and a gate with the simulated SMSC behind it for them to talk to.

aiosmpplib runs on the gate's own loop; smpplib blocks, so its tests run it in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmpplib import ESME, AbstractHook, DeliverSm, PhoneNumber, SmppMessage, SubmitSm
from smpplib import gsm
from smpplib.client import Client

from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import BINDS, HEADER, RESPONSE, Command
from smsgate.worker import Gate
from tests.gates import LOCAL, TIMEOUT_S, rule_set, until

RESP = Command.SUBMIT_SM | RESPONSE
SENDER, RECIPIENT = "38100", "33639980001"


class Network:
    """A gate between the ESME and a simulated SMSC that notes every PDU it gets."""

    def __init__(self, gate: Gate, at_smsc: list[bytes]) -> None:
        self.gate = gate
        self.address: Address = gate.addresses[0]
        self.at_smsc = at_smsc

    def arrived(self, command: int) -> list[bytes]:
        """The PDUs of one command that reached the SMSC."""
        return [pdu for pdu in self.at_smsc if HEADER.unpack_from(pdu)[1] == command]

    async def empty(self) -> None:
        """Wait until no session is left."""
        await until(lambda: self.gate.metrics.sessions == 0)


@asynccontextmanager
async def network(**simulated: Any) -> AsyncIterator[Network]:
    at_smsc: list[bytes] = []
    smsc = await serve(SimulatorSettings(on_pdu=at_smsc.append, **simulated))
    gate = Gate(
        Settings((ListenerSettings(LOCAL),), (UpstreamSettings("smsc", Address(*smsc.address)),), ()), rule_set()
    )
    await gate.start()
    try:
        yield Network(gate, at_smsc)
    finally:
        await gate.stop()
        await smsc.close()


class AioEsme(AbstractHook):  # type: ignore[misc]  # aiosmpplib ships no types
    """An aiosmpplib ESME and all that it sent and received."""

    def __init__(self, address: Address, **changes: Any) -> None:
        settings = {"system_id": "bank1", "password": "secret", "log_level": logging.CRITICAL, **changes}
        self.esme = ESME(smsc_host=address.host, smsc_port=address.port, hook=self, **settings)
        self.sent: list[bytes] = []
        self.received_pdus: list[bytes] = []
        self.receipts: list[DeliverSm] = []
        self.retry_with = ""
        self._writers: set[asyncio.StreamWriter] = set()

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        self.sent.append(pdu)
        self._writers.add(self.esme._writer)

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        self.received_pdus.append(pdu)
        if isinstance(smpp_message, DeliverSm):
            self.receipts.append(smpp_message)
        elif HEADER.unpack_from(pdu)[2] and HEADER.unpack_from(pdu)[1] & ~RESPONSE in BINDS:
            self.esme.password = self.retry_with

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        raise error

    async def start(self) -> None:
        """Connect and bind, again if refused."""
        self._running = asyncio.create_task(self.esme.start())
        await until(lambda: self.esme.session_state == self.esme.bind_mode.session_state)

    async def stop(self) -> None:
        """Unbind and close; aiosmpplib itself leaves its connections to the garbage collector."""
        await self.esme.stop()
        await asyncio.wait([self._running])
        for writer in self._writers:
            writer.close()

    def statuses(self, command: int = RESP) -> list[int]:
        """command_status of each response of one command, as received."""
        headers = [HEADER.unpack_from(pdu) for pdu in self.received_pdus]
        return [status for _, found, status, _ in headers if found == command]

    def sent_as(self, command: int) -> list[bytes]:
        return [pdu for pdu in self.sent if HEADER.unpack_from(pdu)[1] == command]

    async def send(self, text: str, encoding: str = "gsm0338", **fields: Any) -> None:
        if encoding == "payload":
            fields |= {"message_payload": text, "encoding": "ucs2"}
        else:
            fields |= {"short_message": text, "encoding": encoding}
        await self.esme.broker.enqueue(
            SubmitSm(source=PhoneNumber(SENDER), destination=PhoneNumber(RECIPIENT), **fields)
        )

    async def ask(self, text: str, encoding: str = "gsm0338", **fields: Any) -> int:
        """Send one message and give the status that it is answered with."""
        before = len(self.statuses())
        await self.send(text, encoding, **fields)
        await until(lambda: len(self.statuses()) > before)
        return self.statuses()[-1]


@asynccontextmanager
async def aio_esme(address: Address, **changes: Any) -> AsyncIterator[AioEsme]:
    """Binds on the way in; unbinds on the way out."""
    client = AioEsme(address, **changes)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


class BlockingEsme:
    """A smpplib client, for use in a thread."""

    def __init__(self, address: Address) -> None:
        self.client = Client(address.host, address.port, timeout=TIMEOUT_S, allow_unknown_opt_params=True)
        self.client.set_error_pdu_handler(lambda pdu: None)
        self.client.set_message_received_handler(self._received)
        self.client.set_message_sent_handler(self._accepted)
        self.receipts: list[Any] = []
        self.accepted: list[Any] = []
        self.client.connect()

    def _received(self, pdu: Any) -> None:
        self.receipts.append(pdu)

    def _accepted(self, pdu: Any) -> None:
        self.accepted.append(pdu)

    def bind(self, mode: str = "transceiver", password: str = "secret") -> None:
        getattr(self.client, f"bind_{mode}")(system_id="bank1", password=password)

    def send(self, text: str, encoding: str = "gsm0338", **fields: Any) -> bytes:
        """Send one message; its octets."""
        data_coding = {"gsm0338": 0, "latin_1": 3, "ucs2": 8, "payload": 8}[encoding]
        (body,), _, _ = (
            gsm.make_parts(text, data_coding) if encoding != "payload" else ([text.encode("utf-16-be")], 8, 0)
        )
        fields["message_payload" if encoding == "payload" else "short_message"] = body
        sent = self.client.send_message(
            source_addr=SENDER, destination_addr=RECIPIENT, data_coding=data_coding, **fields
        )
        return bytes(sent.generate())

    def next(self) -> Any:
        """The next PDU from the gate."""
        return self.client.read_pdu()

    def ask(self, text: str, encoding: str = "gsm0338") -> int:
        """Send one message and give the status that it is answered with."""
        self.send(text, encoding)
        answer = self.next()
        assert (answer.command, answer.sequence) == ("submit_sm_resp", self.client.sequence)
        return int(answer.status)

    def end(self) -> None:
        """Unbind: the very next PDU must be the answer, so nothing was answered twice."""
        assert self.client.unbind().command == "unbind_resp"
        self.client.disconnect()
