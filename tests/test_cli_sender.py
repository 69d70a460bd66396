"""`smsgate simulate esme`: sample traffic of a client that comes back when its session ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from smsgate.cli.sender import AGAIN_S, WINDOW, Sender
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import TIMEOUT_S, FakeSmsc, Peer, pdu, run_on
from tests.programs import invoke, program

BIND_RESP = Command.BIND_TRANSCEIVER | RESPONSE
RESP = Command.SUBMIT_SM | RESPONSE


@asynccontextmanager
async def sending(sender: Sender) -> AsyncIterator[FakeSmsc]:
    smsc = FakeSmsc()
    await smsc.start()
    task = asyncio.create_task(sender.run(smsc.address))
    try:
        yield smsc
    finally:
        task.cancel()
        await asyncio.wait([task])
        await smsc.close()


async def accepted(smsc: FakeSmsc) -> Peer:
    peer = await smsc.connection()
    assert (await peer.pdu())[16:].startswith(b"bank1\0")
    peer.send(pdu(BIND_RESP, 1, b"smsc\0"))
    return peer


def test_no_more_than_a_window_is_sent_and_answers_are_counted() -> None:
    async def body() -> None:
        sender = Sender("bank1", 1e6, 0.5)
        async with sending(sender) as smsc:
            peer = await accepted(smsc)
            messages = await peer.pdus(WINDOW)
            assert {int.from_bytes(message[4:8], "big") for message in messages} == {Command.SUBMIT_SM}
            assert len({message[12:16] for message in messages}) == WINDOW
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await peer.reader.read(1)
            peer.send(pdu(RESP, 2, b"id\0") + pdu(RESP, 3, status=Status.ESME_RX_R_APPN))
            await peer.pdus(2)
            assert (sender.answered, sender.refused) == (2, 1)

    run_on("uvloop", body)


def test_an_unbind_is_answered_and_the_client_comes_back() -> None:
    async def body() -> None:
        async with sending(Sender("bank1", 0.01)) as smsc:
            peer = await accepted(smsc)
            await peer.pdu()
            peer.send(pdu(Command.UNBIND, 7))
            assert await peer.pdu() == pdu(Command.UNBIND | RESPONSE, 7)
            await peer.close()
            await accepted(smsc)

    run_on("uvloop", body)


def test_a_refused_bind_is_tried_again_later_with_nothing_sent() -> None:
    async def body() -> None:
        async with sending(Sender("bank1", 1e6)) as smsc:
            peer = await smsc.connection()
            await peer.pdu()
            peer.send(pdu(BIND_RESP, 1, status=Status.ESME_RBINDFAIL))
            refused = asyncio.get_running_loop().time()
            assert await peer.eof() == b""
            await accepted(smsc)
            assert asyncio.get_running_loop().time() - refused > AGAIN_S / 2

    run_on("uvloop", body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_command_it_ends_on_a_signal_with_a_summary(number: signal.Signals) -> None:
    async def body() -> None:
        smsc = FakeSmsc()
        await smsc.start()
        try:
            options = ("--system-id", "bank1", "--rate", "500")
            async with program("simulate", "esme", "--connect", str(smsc.address), *options) as sender:
                await sender.line(r"client 'bank1' sends to 127\.0\.0\.1:\d+, 500 messages a second")
                peer = await accepted(smsc)
                await peer.pdu()
                peer.send(pdu(RESP, 2, b"id\0") + pdu(Command.ENQUIRE_LINK, 9))
                async with asyncio.timeout(TIMEOUT_S):
                    while await peer.pdu() != pdu(Command.ENQUIRE_LINK | RESPONSE, 9):
                        pass
                sender.process.send_signal(number)
                await sender.line("1 answers, 0 of them refusals")
                assert await sender.ended() == (0, "")
        finally:
            await smsc.close()

    run_on("uvloop", body)


def test_given_texts_are_sent_one_by_one_and_each_answer_is_shown() -> None:
    async def body() -> None:
        smsc = FakeSmsc()
        await smsc.start()
        try:
            options = ("--connect", str(smsc.address), "--system-id", "bank1", "--sender", "Shop")
            async with program("simulate", "message", *options, "Hello", "é" * 200) as sender:
                peer = await accepted(smsc)
                first = await peer.pdu()
                assert first[16:].startswith(b"\0\5\0Shop\0")
                assert first.endswith(b"\5Hello")
                peer.send(pdu(Command.ENQUIRE_LINK, 9) + pdu(RESP, 2, status=Status.ESME_RX_R_APPN))
                assert await peer.pdu() == pdu(Command.ENQUIRE_LINK | RESPONSE, 9)
                assert (await peer.pdu()).endswith(b"\0\x04\x24\x01\x90" + "é".encode("utf-16-be") * 200)
                peer.send(pdu(RESP, 3, b"id\0"))
                assert await peer.pdu() == pdu(Command.UNBIND, 4)
                peer.send(pdu(Command.UNBIND | RESPONSE, 4))
                await sender.line("answered 0x66 ESME_RX_R_APPN")
                await sender.line("answered 0x00 ESME_ROK")
                assert await sender.ended() == (0, "")
        finally:
            await smsc.close()

    run_on("uvloop", body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(pdu(BIND_RESP, 1, status=Status.ESME_RBINDFAIL), "the bind is answered 0x0D"), (b"", "it has hung up")],
)
def test_a_gate_that_takes_no_messages_ends_the_command_with_the_reason(answer: bytes, said: str) -> None:
    async def body() -> None:
        smsc = FakeSmsc()
        await smsc.start()
        try:
            async with program("simulate", "message", "--connect", str(smsc.address), "Hello") as sender:
                peer = await smsc.connection()
                await peer.pdu()
                peer.send(answer)
                await peer.close()
                assert await sender.ended() == (1, f"smsgate: {smsc.address}: {said}\n")
        finally:
            await smsc.close()

    run_on("uvloop", body)


def test_what_is_no_address_is_refused() -> None:
    result = invoke("simulate", "esme", "--connect", "nowhere")
    assert result.exit_code == 2
    assert "expected HOST:PORT" in result.stderr
