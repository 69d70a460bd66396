"""A simulated SMSC: binds, answers, sends delivery receipts, and fails as often as it is told to.

For `smsgate simulate smsc`, the demo and the tests; nothing on the gate's own path imports it. It stands for somebody
else's SMSC: of the gate's code it uses the numbers of the protocol and the framing, and reads bodies by itself.

`Smsc` is one listening server and what its sessions share: settings, chance, message ids. `Session` decides, PDU by PDU
and without I/O, what to answer. `SmscProtocol` is the asyncio shell around one session: it frames, delays, writes, and
stops reading while the peer doesn't read or too much waits to be sent. A message counts as delivered once accepted. Its
receipt goes to the session that sent it, if that may receive, and is lost when the session ends.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from smsgate.settings import Address
from smsgate.smpp.constants import BINDS, HEADER, RESPONSE, Command, Status, Tag
from smsgate.smpp.framing import Framer, FramingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SYSTEM_ID: Final = b"smsgate-sim"
LOOPBACK: Final = Address("127.0.0.1", 0)
MAX_PDU_BYTES: Final = 66 * 1024
"""A message_payload of 64 KiB and the fields around it; anything longer is not SMPP."""
MAX_WAITING_BYTES: Final = 1024 * 1024
"""Delayed answers and receipts of one session that wait to be sent; reading stops above this, so memory is bounded."""
DELIVERED: Final = 2
"""message_state (SMPP 3.4, 5.2.28)."""
ESM_CLASS_RECEIPT: Final = 0x04


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How the SMSC behaves. Rates are shares of messages, 0 to 1; with a `seed` every run fails the same messages.

    With `passwords` (system_id to password) only these may bind. `on_pdu` is called with every whole PDU received.
    """

    listen: Address = LOOPBACK
    passwords: Mapping[str, str] | None = None
    latency_s: float = 0.0
    error_rate: float = 0.0
    error_status: int = Status.ESME_RSYSERR
    throttle_rate: float = 0.0
    receipt_delay_s: float = 0.0
    seed: int | None = None
    on_pdu: Callable[[bytes], None] | None = None


MAY_SEND: Final = frozenset({Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER})
MAY_RECEIVE: Final = frozenset({Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER})
MESSAGES: Final = frozenset({Command.SUBMIT_SM, Command.SUBMIT_MULTI, Command.DATA_SM, Command.BROADCAST_SM})
UNKNOWN_ID_STATUS: Final[dict[int, int]] = {Command.QUERY_SM: 0x67, Command.CANCEL_SM: 0x11, Command.REPLACE_SM: 0x13}
"""ESME_RQUERYFAIL, ESME_RCANCELFAIL, ESME_RREPLACEFAIL: the answer about a message_id that was never given out."""

ALLOWED: Final[dict[int, frozenset[Command | None]]] = {
    **dict.fromkeys(BINDS, frozenset({None})),
    **dict.fromkeys((*MESSAGES, *UNKNOWN_ID_STATUS), MAY_SEND),
    Command.ENQUIRE_LINK: BINDS | {None},
    Command.UNBIND: BINDS,
}
"""The requests that are known, and the bind under which each is legal, None before any (SMPP 3.4, 2.3)."""


class BodyError(ValueError):
    """A body that ends before its fields do."""


def _c_string(body: bytes, start: int) -> tuple[bytes, int]:
    """The C-octet string at `start`, and the offset behind its NUL."""
    end = body.find(b"\0", start)
    if end < 0:
        raise BodyError
    return body[start:end], end + 1


def _pdu(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def _tlv(tag: Tag, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


class Session:
    """One ESME's session: what it may do, and what each PDU is answered with."""

    def __init__(self, smsc: Smsc) -> None:
        self.unbound = False
        self._bound_by: Command | None = None
        self._smsc = smsc
        self._sequence = 0

    def answer(self, pdu: bytes) -> tuple[bytes, bytes]:
        """The response to one whole PDU, and the delivery receipt that it earned; either may be empty."""
        _, command, _, sequence = HEADER.unpack_from(pdu)
        if command & RESPONSE:
            return b"", b""
        if command not in ALLOWED:
            return _pdu(Command.GENERIC_NACK, Status.ESME_RINVCMDID, sequence), b""
        try:
            status, body, receipt = self._judge(command, pdu[HEADER.size :])
        except BodyError:
            status, body, receipt = Status.ESME_RINVCMDLEN, b"", b""
        return _pdu(command | RESPONSE, status, sequence, body), receipt

    def _judge(self, command: int, body: bytes) -> tuple[int, bytes, bytes]:
        """Status and body of the response, and the receipt."""
        if self._bound_by not in ALLOWED[command]:
            return Status.ESME_RALYBND if command in BINDS else Status.ESME_RINVBNDSTS, b"", b""
        if command in BINDS:
            return *self._bind(Command(command), body), b""
        if command in MESSAGES:
            return self._message(command, body)
        if command in UNKNOWN_ID_STATUS:
            message_id, _ = _c_string(body, 0)
            if not self._smsc.gave_out(message_id):
                return UNKNOWN_ID_STATUS[command], b"", b""
            if command == Command.QUERY_SM:  # message_id, final_date (none), message_state, error_code
                return Status.ESME_ROK, message_id + bytes((0, 0, DELIVERED, 0)), b""
        self.unbound = command == Command.UNBIND
        return Status.ESME_ROK, b"", b""

    def _bind(self, command: Command, body: bytes) -> tuple[int, bytes]:
        system_id, end = _c_string(body, 0)
        password, _ = _c_string(body, end)
        passwords = self._smsc.settings.passwords
        if passwords is not None:
            expected = passwords.get(system_id.decode("latin-1"))
            if expected is None:
                return Status.ESME_RINVSYSID, b""
            if expected != password.decode("latin-1"):
                return Status.ESME_RINVPASWD, b""
        self._bound_by = command
        return Status.ESME_ROK, SYSTEM_ID + b"\0" + _tlv(Tag.SC_INTERFACE_VERSION, b"\x34")

    def _message(self, command: int, body: bytes) -> tuple[int, bytes, bytes]:
        status = self._smsc.next_status()
        if status:
            return status, b"", b""
        message_id = self._smsc.next_message_id()
        receipt = b""
        if command in {Command.SUBMIT_SM, Command.DATA_SM} and self._bound_by in MAY_RECEIVE:
            receipt = self._receipt(command, body, message_id)
        no_unsuccess = b"\0" if command == Command.SUBMIT_MULTI else b""
        return Status.ESME_ROK, message_id + b"\0" + no_unsuccess, receipt

    def _receipt(self, command: int, body: bytes, message_id: bytes) -> bytes:
        """The deliver_sm that tells of the delivery, if registered_delivery asks for it (SMPP 3.4, 5.2.17)."""
        _, source_start = _c_string(body, 0)
        _, source_end = _c_string(body, source_start + 2)
        _, destination_end = _c_string(body, source_end + 2)
        position = destination_end + 1  # behind esm_class
        if command == Command.SUBMIT_SM:
            _, position = _c_string(body, position + 2)  # protocol_id, priority_flag, schedule_delivery_time
            _, position = _c_string(body, position)  # validity_period
        if position >= len(body):
            raise BodyError
        if body[position] & 0x03 not in {1, 3}:  # 2 asks for failures only, and all that is accepted is delivered
            return b""
        now = f"{datetime.now(UTC):%y%m%d%H%M}"
        text = (
            f"id:{message_id.decode()} sub:001 dlvrd:001 submit date:{now} done date:{now} stat:DELIVRD err:000 text:"
        )
        self._sequence += 1
        fields = (
            b"\0",  # service_type
            body[source_end:destination_end],
            body[source_start:source_end],
            bytes((ESM_CLASS_RECEIPT, 0, 0, 0, 0, 0, 0, 0, 0, len(text))),  # zero: protocol_id to sm_default_msg_id
            text.encode(),
            _tlv(Tag.RECEIPTED_MESSAGE_ID, message_id + b"\0"),
            _tlv(Tag.MESSAGE_STATE, bytes((DELIVERED,))),
        )
        return _pdu(Command.DELIVER_SM, Status.ESME_ROK, self._sequence, b"".join(fields))


class SmscProtocol(asyncio.Protocol):
    """One connection: bytes to PDUs, answers to bytes, with the delays of the settings."""

    def __init__(self, smsc: Smsc) -> None:
        self._smsc = smsc
        self._session = Session(smsc)
        self._framer = Framer(MAX_PDU_BYTES)
        self._loop = asyncio.get_running_loop()
        self._waiting_bytes = 0
        self._peer_reads = True
        self._ending = False
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """An ESME has connected."""
        self.transport = cast("asyncio.Transport", transport)
        self._smsc.protocols.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The connection is gone; what waits for it is dropped."""
        self._smsc.protocols.discard(self)
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Answer every whole PDU of one read."""
        if self._ending:
            return
        settings = self._smsc.settings
        answers, receipts = bytearray(), bytearray()
        self._framer.feed(data)
        try:
            while not self._ending and (header := self._framer.header()) is not None:
                start = self._framer.position
                self._framer.position += header[0]
                pdu = self._framer.data[start : self._framer.position]
                if settings.on_pdu is not None:
                    settings.on_pdu(pdu)
                answer, receipt = self._session.answer(pdu)
                answers += answer
                receipts += receipt
                self._ending = self._session.unbound
        except FramingError as error:
            answers += _pdu(Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, error.sequence)
            self._ending = True
        self._send(bytes(answers), settings.latency_s)
        self._send(bytes(receipts), settings.latency_s + settings.receipt_delay_s)
        self._regulate()

    def eof_received(self) -> bool:
        """The ESME sends no more; what waits for it is still sent, then the connection closes."""
        self._ending = True
        self._regulate()
        return True

    def pause_writing(self) -> None:
        """The ESME reads too slowly."""
        self._peer_reads = False
        self._regulate()

    def resume_writing(self) -> None:
        """The ESME reads again."""
        self._peer_reads = True
        self._regulate()

    def _send(self, data: bytes, delay_s: float) -> None:
        if delay_s <= 0:
            self.transport.write(data)
        elif data:
            self._waiting_bytes += len(data)
            self._loop.call_later(delay_s, self._send_waiting, data)

    def _send_waiting(self, data: bytes) -> None:
        self._waiting_bytes -= len(data)
        if not self.transport.is_closing():
            self.transport.write(data)
            self._regulate()

    def _regulate(self) -> None:
        """Read only while the answers find a way out; once the session has ended and all is sent, close."""
        if self.transport.is_closing():
            return
        if self._ending and not self._waiting_bytes:
            self.transport.close()
        elif self._peer_reads and self._waiting_bytes < MAX_WAITING_BYTES:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()


class Smsc:
    """A listening SMSC, made by `serve`. `address` is (host, port) as bound."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.protocols: set[SmscProtocol] = set()
        self._random = random.Random(settings.seed)  # noqa: S311 - picks messages to fail, guards nothing
        self._last_message_id = 0

    async def listen(self) -> None:
        """Accept sessions from now on. Raises OSError when the address is taken."""
        listen = self.settings.listen
        self._server = await asyncio.get_running_loop().create_server(
            lambda: SmscProtocol(self), listen.host, listen.port
        )
        self.address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Stop listening and end every session at once."""
        self._server.close()
        protocols = list(self.protocols)
        for protocol in protocols:
            protocol.transport.abort()
        await asyncio.gather(*(protocol.closed for protocol in protocols))
        await self._server.wait_closed()

    def next_message_id(self) -> bytes:
        """A message_id that was not given out before: eight hexadecimal digits."""
        self._last_message_id += 1
        return b"%08x" % self._last_message_id

    def gave_out(self, message_id: bytes) -> bool:
        """Whether `message_id` is one of ours. Ids count up, so none has to be remembered."""
        try:
            return 1 <= int(message_id, 16) <= self._last_message_id
        except ValueError:
            return False

    def next_status(self) -> int:
        """The command_status for the next message: accepted, throttled or failed, by chance."""
        draw = self._random.random()
        if draw < self.settings.throttle_rate:
            return Status.ESME_RTHROTTLED
        if draw < self.settings.throttle_rate + self.settings.error_rate:
            return self.settings.error_status
        return Status.ESME_ROK


async def serve(settings: SimulatorSettings) -> Smsc:
    """Start a simulated SMSC. Raises OSError when its address is taken."""
    smsc = Smsc(settings)
    await smsc.listen()
    return smsc
