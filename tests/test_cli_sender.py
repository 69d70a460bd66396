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


def test_what_is_no_address_is_refused() -> None:
    result = invoke("simulate", "esme", "--connect", "nowhere")
    assert result.exit_code == 2
    assert "expected HOST:PORT" in result.stderr
