"""Dialogues with the ESME libraries that senders use, through a real gate, with the simulated SMSC behind it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiosmpplib import BindMode
from smpplib import consts, exceptions, smpp

from smsgate.settings import Address
from smsgate.smpp.constants import HEADER, RESPONSE, Command, Status, Tag
from tests.esmes import RESP, AioEsme, BlockingEsme, aio_esme, network
from tests.gates import both_loops, run_on, until

BLOCKED = Status.ESME_RX_R_APPN
LONG = "Votre rendez-vous du 12/03 est confirmé à 14h30. " * 8

ALPHABETS = pytest.mark.parametrize(
    ("encoding", "genuine", "scam"),
    [
        pytest.param("gsm0338", "RDV à 14h30 [salle 2], 10 €", "Votre solde {CPF} expiré : 10 €", id="GSM-7"),
        pytest.param("latin_1", "Bientôt l'été, à vélo", "Votre crédit CPF expire, ô joie", id="Latin-1"),
        pytest.param("ucs2", "À demain 😀", "😀 Votre solde CPF expire 😀", id="UCS-2 with an emoji"),
        pytest.param("payload", LONG, LONG + "Votre solde CPF expire", id="message_payload"),
    ],
)


@both_loops
@ALPHABETS
def test_aiosmpplib_sends_in_every_alphabet(loop_name: str, encoding: str, genuine: str, scam: str) -> None:
    async def body() -> None:
        async with network() as net, aio_esme(net.address) as client:
            assert await client.ask(genuine, encoding) == Status.ESME_ROK
            assert await client.ask(scam, encoding) == BLOCKED
            assert await client.ask(genuine, encoding) == Status.ESME_ROK
            first, _, third = client.sent_as(Command.SUBMIT_SM)
            assert net.arrived(Command.SUBMIT_SM) == [first, third]
            assert (Tag.MESSAGE_PAYLOAD.to_bytes(2, "big") in first) is (encoding == "payload")

    run_on(loop_name, body)


@both_loops
@ALPHABETS
def test_smpplib_sends_in_every_alphabet(loop_name: str, encoding: str, genuine: str, scam: str) -> None:
    def talk(address: Address) -> list[bytes]:
        esme = BlockingEsme(address)
        esme.bind("transmitter")
        first = esme.send(genuine, encoding)
        assert esme.next().status == Status.ESME_ROK
        assert esme.ask(scam, encoding) == BLOCKED
        third = esme.send(genuine, encoding)
        assert esme.next().status == Status.ESME_ROK
        esme.end()
        return [first, third]

    async def body() -> None:
        async with network() as net:
            sent = await asyncio.to_thread(talk, net.address)
            assert net.arrived(Command.SUBMIT_SM) == sent

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize("mode", list(BindMode), ids=lambda mode: mode.name)
def test_aiosmpplib_binds_in_every_mode_and_unbinds(loop_name: str, mode: Any) -> None:
    async def body() -> None:
        async with network() as net:
            async with aio_esme(net.address, bind_mode=mode) as client:
                assert net.at_smsc == client.sent
                assert HEADER.unpack_from(client.sent[0])[1] == mode.smpp_command
            await net.empty()
            assert len(net.arrived(Command.UNBIND)) == 1

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize("mode", ["transmitter", "receiver", "transceiver"])
def test_smpplib_binds_in_every_mode_keeps_the_link_alive_and_unbinds(loop_name: str, mode: str) -> None:
    def talk(address: Address) -> None:
        esme = BlockingEsme(address)
        esme.bind(mode)
        esme.client.send_pdu(smpp.make_pdu("enquire_link", client=esme.client))
        assert esme.next().command == "enquire_link_resp"
        esme.end()

    async def body() -> None:
        async with network() as net:
            await asyncio.to_thread(talk, net.address)
            await net.empty()
            commands = [HEADER.unpack_from(pdu)[1] for pdu in net.at_smsc]
            assert commands == [Command[f"BIND_{mode.upper()}"], Command.ENQUIRE_LINK, Command.UNBIND]

    run_on(loop_name, body)


@both_loops
def test_aiosmpplib_keeps_the_link_alive_and_matches_receipts_to_messages(loop_name: str) -> None:
    async def body() -> None:
        async with network() as net, aio_esme(net.address, enquire_link_interval=0.05) as client:
            await until(lambda: len(client.statuses(Command.ENQUIRE_LINK | RESPONSE)) > 1)
            assert await client.ask("Bonjour", registered_delivery=1, log_id="first") == Status.ESME_ROK
            assert await client.ask("Votre CPF expire", registered_delivery=1, log_id="scam") == BLOCKED
            assert await client.ask("Bonsoir", registered_delivery=1, log_id="second") == Status.ESME_ROK
            await until(lambda: len(net.arrived(Command.DELIVER_SM | RESPONSE)) == 2)
            assert [receipt.log_id for receipt in client.receipts] == ["first", "second"]
            assert all(receipt.parse_receipt()["stat"] == "DELIVRD" for receipt in client.receipts)

    run_on(loop_name, body)


@both_loops
def test_smpplib_gets_and_answers_receipts(loop_name: str) -> None:
    def talk(address: Address) -> bytes:
        esme = BlockingEsme(address)
        esme.bind()
        esme.send("Bonjour", registered_delivery=1)
        while not esme.receipts:
            esme.client.read_once()
        assert [esme.receipts[0].receipted_message_id] == [answer.message_id for answer in esme.accepted]
        esme.end()
        return bytes(esme.receipts[0].receipted_message_id)

    async def body() -> None:
        async with network() as net:
            assert await asyncio.to_thread(talk, net.address) == b"00000001"
            assert len(net.arrived(Command.DELIVER_SM | RESPONSE)) == 1

    run_on(loop_name, body)


BURST = 300
TEXTS = ["Votre CPF expire" if number % 7 == 3 else f"Code {number}" for number in range(BURST)]
EXPECTED = [BLOCKED if number % 7 == 3 else Status.ESME_ROK for number in range(BURST)]


@both_loops
def test_aiosmpplib_gets_one_answer_for_each_message_of_a_burst(loop_name: str) -> None:
    async def body() -> None:
        async with network() as net:
            async with aio_esme(net.address) as client:
                for text in TEXTS:
                    await client.send(text, registered_delivery=0)
                await until(lambda: len(client.statuses()) >= BURST)
                await client.ask("Bonjour")  # whatever came twice has come by now
            sequences = [HEADER.unpack_from(pdu)[3] for pdu in client.sent_as(Command.SUBMIT_SM)]
            headers = [HEADER.unpack_from(pdu) for pdu in client.received_pdus]
            answered = Counter((sequence, status) for _, command, status, sequence in headers if command == RESP)
            assert answered == Counter(zip(sequences, [*EXPECTED, Status.ESME_ROK], strict=True))
            assert len(net.arrived(Command.SUBMIT_SM)) == EXPECTED.count(Status.ESME_ROK) + 1

    run_on(loop_name, body)


@both_loops
def test_smpplib_gets_one_answer_for_each_message_of_a_burst(loop_name: str) -> None:
    def talk(address: Address) -> None:
        esme = BlockingEsme(address)
        esme.bind()
        sent = [esme.send(text) for text in TEXTS]
        sequences = [HEADER.unpack_from(pdu)[3] for pdu in sent]
        answers = [esme.next() for _ in TEXTS]
        assert Counter((answer.sequence, answer.status) for answer in answers) == Counter(
            zip(sequences, EXPECTED, strict=True)
        )
        esme.end()

    async def body() -> None:
        async with network() as net:
            await asyncio.to_thread(talk, net.address)

    run_on(loop_name, body)


FAILURES = pytest.mark.parametrize(
    ("simulated", "status"),
    [({"error_rate": 1.0}, Status.ESME_RSYSERR), ({"throttle_rate": 1.0}, Status.ESME_RTHROTTLED)],
    ids=["errors", "throttling"],
)


@both_loops
@FAILURES
def test_what_the_smsc_refuses_comes_back_as_the_smsc_said(
    loop_name: str, simulated: dict[str, float], status: Status
) -> None:
    def talk(address: Address) -> None:
        esme = BlockingEsme(address)
        esme.bind()
        assert [esme.ask(text) for text in ("Bonjour", "Votre CPF expire", "Bonsoir")] == [status, BLOCKED, status]
        esme.end()

    async def body() -> None:
        async with network(**simulated) as net:
            await asyncio.to_thread(talk, net.address)
            async with aio_esme(net.address) as client:
                assert await client.ask("Bonjour") == status
                assert await client.ask("Votre CPF expire") == BLOCKED
                assert await client.ask("Bonsoir") == status

    run_on(loop_name, body)


@both_loops
def test_smpplib_may_try_another_password_on_the_same_connection(loop_name: str) -> None:
    def talk(address: Address) -> None:
        esme = BlockingEsme(address)
        with pytest.raises(exceptions.PDUError) as refused:
            esme.bind(password="guess")
        assert refused.value.args[1] == consts.SMPP_ESME_RINVPASWD
        esme.bind(password="secret")
        assert esme.ask("Bonjour") == Status.ESME_ROK
        esme.end()

    async def body() -> None:
        async with network(passwords={"bank1": "secret"}) as net:
            await asyncio.to_thread(talk, net.address)
            assert net.gate.metrics.binds_refused == 1

    run_on(loop_name, body)


@both_loops
def test_aiosmpplib_may_connect_again_with_another_password(loop_name: str) -> None:
    async def body() -> None:
        async with network(passwords={"bank1": "secret"}) as net:
            client = AioEsme(net.address, password="guess")
            client.retry_with = "secret"
            await client.start()
            assert client.statuses(Command.BIND_TRANSCEIVER | RESPONSE) == [Status.ESME_RINVPASWD, Status.ESME_ROK]
            assert await client.ask("Bonjour") == Status.ESME_ROK
            await client.stop()

    run_on(loop_name, body)
