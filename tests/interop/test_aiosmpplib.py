"""aiosmpplib as the ESME."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiosmpplib import ESME, AbstractHook, DeliverSm, PhoneNumber, SubmitSm, SubmitSmResp

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import ALPHABETS, BLOCKED, LATIN, LONG, RECIPIENT, SCAM, SENDER, Sample
from tests.interop.parties import TIMEOUT_S, Chain, SimulatedSmsc

# The library half-closes its connection and leaves the rest to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Exception ignored in.*StreamWriter:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
]


class Heard(AbstractHook):  # type: ignore[misc]  # aiosmpplib ships no types
    """Keeps what aiosmpplib reports to its user."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[Any] = asyncio.Queue()

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        pass

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        await self.reports.put(smpp_message)

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        await self.reports.put(error)

    async def next(self, kind: type) -> Any:
        """The next report of a kind."""
        async with asyncio.timeout(TIMEOUT_S):
            while not isinstance(report := await self.reports.get(), kind):
                assert not isinstance(report, Exception), report
        return report


class Bound:
    """A started ESME."""

    def __init__(self, esme: ESME, heard: Heard) -> None:
        self.esme = esme
        self.heard = heard

    async def send(self, text: str, **fields: Any) -> None:
        fields.setdefault("registered_delivery", 0)
        await self.esme.broker.enqueue(
            SubmitSm(short_message=text, source=PhoneNumber(SENDER), destination=PhoneNumber(RECIPIENT), **fields)
        )

    async def submit(self, text: str, **fields: Any) -> Any:
        """Send a message; the answer as aiosmpplib reports it."""
        await self.send(text, **fields)
        return await self.heard.next(SubmitSmResp)


@asynccontextmanager
async def bound(chain: Chain, **options: Any) -> AsyncIterator[Bound]:
    """An ESME that binds, and unbinds in the end."""
    heard = Heard()
    host, port = chain.down.address
    esme = ESME(host, port, "bank1", "secret", hook=heard, log_level=logging.CRITICAL, **options)
    running = asyncio.create_task(esme.start())
    try:
        yield Bound(esme, heard)
    finally:
        await esme.stop()
        await running


def run(body: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * TIMEOUT_S):
            await body()

    asyncio.run(bounded())


@pytest.mark.parametrize("sample", ALPHABETS, ids=lambda sample: sample.name)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(chain: Chain, sample: Sample) -> None:
    encoding = "latin_1" if sample is LATIN else None  # else the library chooses: GSM-7, or UCS-2 where it must

    async def body() -> None:
        async with bound(chain) as esme:
            answer = await esme.submit(sample.text, encoding=encoding)
            assert (answer.command_status, answer.message_id) == (Status.ESME_ROK, "00000001")
            assert (await esme.submit(sample.scam, encoding=encoding)).command_status == BLOCKED

    run(body)
    (arrived,) = chain.submits()
    assert arrived.short_message == sample.octets
    assert len(chain.refused()) == 1


def test_a_long_message_in_segments(chain: Chain) -> None:
    async def body() -> None:
        async with bound(chain) as esme:
            answer = await esme.submit(LONG, esm_class=0x40, auto_message_payload=False)
            assert answer.command_status == Status.ESME_ROK

    run(body)
    arrived = chain.submits()
    assert len(arrived) == 3
    assert b"".join(pdu.short_message[6:] for pdu in arrived).decode() == LONG
    assert {pdu.esm_class for pdu in arrived} == {0x40}


def test_a_long_message_in_message_payload(chain: Chain) -> None:
    async def body() -> None:
        async with bound(chain) as esme:
            assert (await esme.submit(LONG)).command_status == Status.ESME_ROK
            assert (await esme.submit(LONG + SCAM)).command_status == BLOCKED

    run(body)
    (arrived,) = chain.submits()
    assert arrived.message_payload == LONG.encode()


def test_a_receipt_comes_back(chain: Chain) -> None:
    async def body() -> None:
        async with bound(chain) as esme:
            answer = await esme.submit("Bonjour", registered_delivery=1, log_id="mine")
            receipt = await esme.heard.next(DeliverSm)
            assert receipt.parse_receipt()["id"] == answer.message_id
            assert receipt.log_id == "mine"  # the library found the message that it belongs to
            await asyncio.to_thread(chain.wait, lambda: chain.up.sent(Command.DELIVER_SM | RESPONSE))

    run(body)


def test_enquire_link_and_unbind(chain: Chain) -> None:
    async def body() -> None:
        async with bound(chain, enquire_link_interval=0.05):
            await asyncio.to_thread(chain.wait, lambda: chain.down.received(Command.ENQUIRE_LINK | RESPONSE))

    run(body)
    chain.wait(lambda: chain.up.received(Command.UNBIND | RESPONSE))


def test_errors_pass_and_a_refusal_looks_like_one(chain: Chain, smsc: SimulatedSmsc) -> None:
    async def body() -> None:
        async with bound(chain) as esme:
            smsc.behave(error_rate=1.0, error_status=Status.ESME_RMSGQFUL)
            assert (await esme.submit("Bonjour")).command_status == Status.ESME_RMSGQFUL
            smsc.behave(error_rate=0.0, throttle_rate=1.0)
            assert (await esme.submit("Bonjour")).command_status == Status.ESME_RTHROTTLED
            assert esme.esme.throttle_handler.throttle_responses == 2
            refused = await esme.submit(SCAM)
            assert refused.command_status == BLOCKED
            assert esme.esme.throttle_handler.throttle_responses == 2  # a refusal doesn't slow the bind down

    run(body)
    assert len(chain.refused()) == 1
