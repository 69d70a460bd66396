"""The simulated SMSC as an ESME meets it: on real sockets, under both event loops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from struct import pack, unpack_from
from typing import Any

import pytest
import uvloop

from smsgate.net import simulator
from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address
from smsgate.smpp.constants import HEADER, RESPONSE, Command, Status

Runner = Callable[[Awaitable[Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Runner:
    """Runs a coroutine to its end under one of the two event loops."""

    def runner(main: Awaitable[Any]) -> Any:
        factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)  # type: ignore[arg-type]

    return runner


class Esme:
    """One connection to the simulator that speaks in whole PDUs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, smsc: simulator.Smsc) -> Esme:
        return cls(*await asyncio.open_connection(*smsc.address))

    def send(self, command: int, body: bytes = b"", sequence: int = 1) -> None:
        self.writer.write(HEADER.pack(16 + len(body), command, 0, sequence) + body)

    async def receive(self) -> tuple[int, int, int, bytes]:
        """command_id, command_status, sequence_number, body."""
        length, command, status, sequence = HEADER.unpack(await self.reader.readexactly(16))
        return command, status, sequence, await self.reader.readexactly(length - 16)

    async def ask(self, command: int, body: bytes = b"", sequence: int = 1) -> tuple[int, int, int, bytes]:
        self.send(command, body, sequence)
        return await self.receive()

    async def bind(self, command: int = Command.BIND_TRANSCEIVER, password: bytes = b"secret") -> tuple[int, bytes]:
        answered, status, _, body = await self.ask(command, bind_body(password=password))
        assert answered == command | RESPONSE
        return status, body


def bind_body(system_id: bytes = b"bank1", password: bytes = b"secret") -> bytes:
    return system_id + b"\0" + password + b"\0\0\x34\0\0\0"


SOURCE = b"\x05\x00MaBanque\0"
DESTINATION = b"\x01\x0133639980001\0"


def submit_sm(registered_delivery: int = 0) -> bytes:
    fields = b"\0\0\0" + b"\0" + b"\0" + bytes((registered_delivery, 0, 0, 0, 5))
    return b"\0" + SOURCE + DESTINATION + fields + b"Salut"


def data_sm(registered_delivery: int = 0) -> bytes:
    return b"\0" + SOURCE + DESTINATION + bytes((0, registered_delivery, 0)) + pack(">HH", 0x0424, 5) + b"Salut"


def dialogue(
    run: Runner, talk: Callable[[Esme, simulator.Smsc], Awaitable[None]], settings: SimulatorSettings | None = None
) -> None:
    """Run `talk` over one connection to a fresh simulator."""

    async def main() -> None:
        smsc = await serve(settings or SimulatorSettings())
        esme = await Esme.connect(smsc)
        try:
            await talk(esme, smsc)
        finally:
            esme.writer.close()
            await smsc.close()

    run(main())


@pytest.mark.parametrize("command", [Command.BIND_TRANSMITTER, Command.BIND_RECEIVER, Command.BIND_TRANSCEIVER])
def test_anyone_may_bind_once(run: Runner, command: Command) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        assert await esme.bind(command) == (Status.ESME_ROK, b"smsgate-sim\0\x02\x10\x00\x01\x34")
        assert await esme.bind(command) == (Status.ESME_RALYBND, b"")

    dialogue(run, talk)


def test_with_passwords_only_the_listed_may_bind_and_may_try_again(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        assert await esme.bind(password=b"guess") == (Status.ESME_RINVPASWD, b"")
        _, status, _, _ = await esme.ask(Command.BIND_RECEIVER, bind_body(system_id=b"nobody"))
        assert status == Status.ESME_RINVSYSID
        status, _ = await esme.bind()
        assert status == Status.ESME_ROK

    dialogue(run, talk, SimulatorSettings(passwords={"bank1": "secret"}))


def test_messages_get_unique_ids_and_the_sequence_number_they_came_with(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        ids = set()
        for sequence in (0, 7, 7, 0xFFFFFFFF):
            command, status, answered, body = await esme.ask(Command.SUBMIT_SM, submit_sm(), sequence)
            assert (command, status, answered) == (Command.SUBMIT_SM | RESPONSE, 0, sequence)
            ids.add(body)
        assert len(ids) == 4
        _, _, _, body = await esme.ask(Command.SUBMIT_MULTI, b"anything")
        assert re.fullmatch(rb"[0-9a-f]{8}\0\0", body)  # message_id, no_unsuccess
        for command in (Command.DATA_SM, Command.BROADCAST_SM):
            _, status, _, body = await esme.ask(command, data_sm())
            assert (status, len(body)) == (0, 9)

    dialogue(run, talk)


def test_query_cancel_and_replace_know_the_ids_that_were_given_out(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        _, _, _, message_id = await esme.ask(Command.SUBMIT_SM, submit_sm())
        assert (await esme.ask(Command.QUERY_SM, message_id + SOURCE))[1:] == (0, 1, message_id + b"\0\x02\0")
        assert (await esme.ask(Command.CANCEL_SM, message_id + SOURCE))[1:] == (0, 1, b"")
        assert (await esme.ask(Command.REPLACE_SM, message_id + SOURCE))[1:] == (0, 1, b"")
        for command, status in ((Command.QUERY_SM, 0x67), (Command.CANCEL_SM, 0x11), (Command.REPLACE_SM, 0x13)):
            for unknown in (b"00000002\0", b"not hexadecimal\0"):
                assert (await esme.ask(command, unknown + SOURCE))[1] == status

    dialogue(run, talk)


@pytest.mark.parametrize("bound_by", [None, Command.BIND_RECEIVER])
@pytest.mark.parametrize("command", [Command.SUBMIT_SM, Command.DATA_SM, Command.SUBMIT_MULTI, Command.QUERY_SM])
def test_only_a_transmitter_may_send(run: Runner, bound_by: Command | None, command: Command) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        if bound_by is not None:
            await esme.bind(bound_by)
        assert await esme.ask(command, submit_sm()) == (command | RESPONSE, Status.ESME_RINVBNDSTS, 1, b"")
        assert (await esme.ask(Command.ENQUIRE_LINK))[1] == Status.ESME_ROK

    dialogue(run, talk)


def test_unknown_requests_and_broken_bodies_leave_the_session_up(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        assert (await esme.ask(Command.BIND_TRANSCEIVER, b"no end"))[1] == Status.ESME_RINVCMDLEN
        await esme.bind()
        assert await esme.ask(0x777, b"x", 9) == (Command.GENERIC_NACK, Status.ESME_RINVCMDID, 9, b"")
        assert (await esme.ask(Command.SUBMIT_SM, submit_sm(1)[:30]))[1] == Status.ESME_RINVCMDLEN
        esme.send(Command.DELIVER_SM | RESPONSE)  # a response is taken and not answered
        assert (await esme.ask(Command.ENQUIRE_LINK, sequence=10))[2] == 10

    dialogue(run, talk)


@pytest.mark.parametrize("length", [0, 15, simulator.MAX_PDU_BYTES + 1, 0x47455420])
def test_an_impossible_length_is_nacked_and_ends_the_session(run: Runner, length: int) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        esme.send(Command.ENQUIRE_LINK, sequence=3)
        esme.writer.write(HEADER.pack(length, Command.SUBMIT_SM, 0, 4) + b"and more")
        assert (await esme.receive())[2] == 3
        sequence = 4 if length >= 16 else 0  # a PDU shorter than a header has no sequence_number
        assert await esme.receive() == (Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, sequence, b"")
        assert await esme.reader.read() == b""

    dialogue(run, talk)


def test_pdus_are_answered_alike_whole_joined_and_byte_by_byte(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        stream = HEADER.pack(16 + len(bind_body()), Command.BIND_TRANSMITTER, 0, 1) + bind_body()
        stream += HEADER.pack(16 + len(submit_sm()), Command.SUBMIT_SM, 0, 2) + submit_sm()
        for octet in stream:
            esme.writer.write(bytes((octet,)))
            await esme.writer.drain()
        assert [(await esme.receive())[2] for _ in range(2)] == [1, 2]
        esme.writer.write(stream[-(16 + len(submit_sm())) :] * 50)
        assert {(await esme.receive())[:3] for _ in range(50)} == {(Command.SUBMIT_SM | RESPONSE, 0, 2)}

    dialogue(run, talk)


@pytest.mark.parametrize(("command", "body"), [(Command.SUBMIT_SM, submit_sm(1)), (Command.DATA_SM, data_sm(1))])
@pytest.mark.parametrize("delay_s", [0.0, 0.01])
def test_a_receipt_follows_the_answer_when_asked_for(
    run: Runner, command: Command, body: bytes, delay_s: float
) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        _, _, _, message_id = await esme.ask(command, body)
        deliver, _, sequence, receipt = await esme.receive()
        assert (deliver, sequence) == (Command.DELIVER_SM, 1)
        head = b"\0" + DESTINATION + SOURCE + b"\x04" + bytes(8)
        assert receipt.startswith(head)
        text_end = len(head) + 1 + receipt[len(head)]
        text = receipt[len(head) + 1 : text_end].decode()
        assert re.fullmatch(
            r"id:00000001 sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:", text
        )
        assert unpack_from(">HH9sHHB", receipt, text_end) == (0x001E, 9, message_id, 0x0427, 1, 2)
        assert len(receipt) == text_end + 18

    dialogue(run, talk, SimulatorSettings(receipt_delay_s=delay_s))


@pytest.mark.parametrize(
    ("bound_by", "registered_delivery"),
    [(Command.BIND_TRANSMITTER, 1), (Command.BIND_TRANSCEIVER, 0), (Command.BIND_TRANSCEIVER, 2)],
)
def test_no_receipt_unasked_or_for_failures_only_or_to_a_transmitter(
    run: Runner, bound_by: Command, registered_delivery: int
) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind(bound_by)
        esme.send(Command.SUBMIT_SM, submit_sm(registered_delivery))
        esme.send(Command.ENQUIRE_LINK)
        assert [(await esme.receive())[0] & 0xFF for _ in range(2)] == [Command.SUBMIT_SM, Command.ENQUIRE_LINK]

    dialogue(run, talk)


def statuses(run: Runner, settings: SimulatorSettings) -> list[int]:
    """The statuses of 400 messages."""
    found = []

    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        for _ in range(400):
            esme.send(Command.SUBMIT_SM, submit_sm())
        found.extend([(await esme.receive())[1] for _ in range(400)])

    dialogue(run, talk, settings)
    return found


def test_the_chosen_share_of_messages_fails_the_same_with_the_same_seed(run: Runner) -> None:
    settings = SimulatorSettings(error_rate=0.2, error_status=0x45, throttle_rate=0.1, seed=1)
    first = statuses(run, settings)
    assert set(first) == {Status.ESME_ROK, 0x45, Status.ESME_RTHROTTLED}
    assert first.count(0x45) == pytest.approx(80, abs=30)
    assert first.count(Status.ESME_RTHROTTLED) == pytest.approx(40, abs=25)
    assert statuses(run, settings) == first


def test_late_answers_still_arrive_after_a_half_close(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        for sequence in range(20):
            esme.send(Command.ENQUIRE_LINK, sequence=sequence)
        esme.writer.write_eof()
        assert [(await esme.receive())[2] for _ in range(20)] == list(range(20))
        assert await esme.reader.read() == b""

    dialogue(run, talk, SimulatorSettings(latency_s=0.02))


def test_unbind_is_answered_and_ends_the_session(run: Runner) -> None:
    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        esme.send(Command.UNBIND)
        esme.send(Command.ENQUIRE_LINK)
        assert (await esme.receive())[:2] == (Command.UNBIND | RESPONSE, Status.ESME_ROK)
        assert await esme.reader.read() == b""

    dialogue(run, talk, SimulatorSettings(latency_s=0.01))


class FakeTransport(asyncio.Transport):
    """Remembers what is written and whether reading is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = asyncio.Event()
        self.reading.set()
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.reading.clear()

    def resume_reading(self) -> None:
        self.reading.set()


def test_reading_stops_while_the_esme_does_not_read(run: Runner) -> None:
    async def main() -> None:
        protocol, transport = simulator.SmscProtocol(simulator.Smsc(SimulatorSettings())), FakeTransport()
        protocol.connection_made(transport)
        protocol.pause_writing()
        assert not transport.reading.is_set()
        protocol.resume_writing()
        assert transport.reading.is_set()

    run(main())


def test_reading_stops_while_too_much_waits_to_be_sent(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "MAX_WAITING_BYTES", 160)

    async def main() -> None:
        smsc = simulator.Smsc(SimulatorSettings(latency_s=0.01))
        protocol, transport = simulator.SmscProtocol(smsc), FakeTransport()
        protocol.connection_made(transport)
        enquire_link = HEADER.pack(16, Command.ENQUIRE_LINK, 0, 1)
        protocol.data_received(enquire_link * 9)
        assert transport.reading.is_set()
        protocol.data_received(enquire_link)
        assert not transport.reading.is_set()
        await transport.reading.wait()
        assert len(transport.written) >= 144

    run(main())


def test_requests_are_answered_while_the_esme_is_slow_to_read(run: Runner) -> None:
    """Four megabytes of answers, none of them read before all requests are written."""

    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        pdus = 256 * 1024
        esme.writer.write(HEADER.pack(16, Command.ENQUIRE_LINK, 0, 1) * pdus)
        assert len(await esme.reader.readexactly(pdus * 16)) == pdus * 16

    dialogue(run, talk)


def test_every_pdu_received_can_be_seen(run: Runner) -> None:
    seen: list[bytes] = []

    async def talk(esme: Esme, smsc: simulator.Smsc) -> None:
        await esme.bind()
        await esme.ask(0x777, b"odd", 5)

    dialogue(run, talk, SimulatorSettings(on_pdu=seen.append))
    assert seen == [
        HEADER.pack(16 + len(bind_body()), Command.BIND_TRANSCEIVER, 0, 1) + bind_body(),
        HEADER.pack(19, 0x777, 0, 5) + b"odd",
    ]


def test_an_address_in_use_is_an_os_error(run: Runner) -> None:
    async def main() -> None:
        smsc = await serve(SimulatorSettings())
        with pytest.raises(OSError, match="in use"):
            await serve(SimulatorSettings(listen=Address(*smsc.address)))
        await smsc.close()

    run(main())
