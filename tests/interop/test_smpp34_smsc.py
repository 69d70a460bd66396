"""smpp34's server as the SMSC behind the gate, smpplib as the ESME.

smpp34 accepts every bind (its Python server has no say in that), answers enquire_link and unbind by itself, and leaves
messages to its user: here a service_type is the status that a message is answered with, in hexadecimal digits.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from smpplib import consts, gsm

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import ALPHABETS, BLOCKED, LONG, SCAM, Sample
from tests.interop.parties import TIMEOUT_S, Background, Chain, chain_to, free_port
from tests.interop.smpplib_party import CODINGS, Esme, connected

smpp34: Any = pytest.importorskip("smpp34", reason="needs smpp34: pip install smpp34")


class Smsc:
    """A running server; `messages` holds what came, `sessions` the ESMEs that are bound."""

    def __init__(self, background: Background) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.sessions: queue.Queue[Any] = queue.Queue()
        self.receipt_answers: queue.Queue[int] = queue.Queue()
        self.unbound: queue.Queue[Any] = queue.Queue()
        self.port = free_port()
        self._background = background
        background.run(self._start())

    async def _start(self) -> None:
        self._server = smpp34.Server("127.0.0.1", self.port, system_id="smpp34")
        await self._server.start()
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        bound: dict[str, Any] = {}
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                bound[event.session_id] = event
                self.sessions.put(event)
            elif isinstance(event, smpp34.Unbound):
                self.unbound.put(event)
            else:
                await self._answer(event, bound[event.session_id])

    async def _answer(self, message: Any, esme: Any) -> None:
        self.messages.put(message)
        if message.service_type:
            message.reject(int(message.service_type, 16))
            return
        message.accept("r1")
        if message.registered_delivery:
            answer = await esme.deliver_sm(
                message.source_addr,
                b"id:r1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:",
                source_addr=message.destination_addr,
                esm_class=4,
                tlvs=[
                    smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, b"r1\0"),
                    smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\2"),
                ],
            )
            self.receipt_answers.put(answer.command_status)

    def close(self) -> None:
        async def stop() -> None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._server.stop()

        self._background.run(stop())


@pytest.fixture
def smsc(background: Background) -> Iterator[Smsc]:
    running = Smsc(background)
    yield running
    running.close()


@pytest.fixture
def chain(smsc: Smsc, background: Background, tmp_path: Path) -> Iterator[Chain]:
    """A gate in front of smpp34."""
    with chain_to(("127.0.0.1", smsc.port), tmp_path, background) as running:
        yield running
    running.check_untouched()


@pytest.fixture
def esme(chain: Chain) -> Iterator[Esme]:
    with connected(chain) as running:
        yield running


@pytest.mark.parametrize("sample", ALPHABETS, ids=lambda sample: sample.name)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(smsc: Smsc, esme: Esme, sample: Sample) -> None:
    esme.bind()
    assert smsc.sessions.get(timeout=TIMEOUT_S).system_id == "bank1"
    parts, coding, _ = gsm.make_parts(sample.text, CODINGS[sample])
    esme.submit(parts[0], coding)
    message = smsc.messages.get(timeout=TIMEOUT_S)
    assert (message.short_message, message.data_coding) == (sample.octets, coding)
    assert esme.answers[0].message_id == b"r1"
    assert esme.submit_status(sample.scam, CODINGS[sample]) == BLOCKED


def test_long_messages(smsc: Smsc, esme: Esme) -> None:
    esme.bind()
    for part in gsm.make_parts(LONG)[0]:
        esme.submit(part, esm_class=consts.SMPP_GSMFEAT_UDHI)
    parts = [smsc.messages.get(timeout=TIMEOUT_S).short_message for _ in range(3)]
    assert b"".join(part[6:] for part in parts).decode() == LONG
    esme.submit(b"", message_payload=LONG.encode())
    (payload,) = smsc.messages.get(timeout=TIMEOUT_S).tlvs
    assert (payload.tag, payload.value) == (smpp34.TLV_MESSAGE_PAYLOAD, LONG.encode())


def test_a_receipt_comes_back(smsc: Smsc, esme: Esme) -> None:
    esme.bind()
    esme.submit(b"Bonjour", registered_delivery=1)
    esme.client.read_once()
    assert esme.receipts[0].receipted_message_id == b"r1"
    assert smsc.receipt_answers.get(timeout=TIMEOUT_S) == Status.ESME_ROK


def test_errors_pass_and_a_refusal_never_arrives(smsc: Smsc, chain: Chain, esme: Esme) -> None:
    esme.bind()
    for status in (Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL):
        assert esme.submit_status("Bonjour", service_type=f"{status:x}") == status
    assert not chain.refused()
    assert esme.submit_status(SCAM) == BLOCKED
    assert smsc.messages.qsize() == 2


def test_enquire_link_and_unbind_by_the_esme(smsc: Smsc, esme: Esme) -> None:
    """smpp34 mostly closes without an answer: the ESME then sees just that, and no answer of the gate's."""
    esme.bind()
    esme.enquire_link()
    esme.unbind()
    assert smsc.unbound.get(timeout=TIMEOUT_S)


def test_unbind_by_the_smsc(smsc: Smsc, background: Background, chain: Chain, esme: Esme) -> None:
    """smpp34 doesn't know the answer to its own unbind: it sends a generic_nack, which is the ESME's to see."""
    esme.bind()
    session = smsc.sessions.get(timeout=TIMEOUT_S)
    background.loop.call_soon_threadsafe(session.unbind)
    esme.answer_unbind()
    chain.wait(lambda: chain.up.sent(Command.UNBIND | RESPONSE))
    nack = esme.client.read_pdu()
    assert (nack.command, nack.status) == ("generic_nack", Status.ESME_RINVCMDID)
