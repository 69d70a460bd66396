"""Real sockets: what a sender sees of a message that a rule drops, and what the SMSC does not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import perf_counter

import pytest

from smsgate.net import receipts as module
from smsgate.net import relay as relay_module
from smsgate.rules.model import Action
from smsgate.smpp import own
from smsgate.smpp.constants import Command
from smsgate.smpp.dropped import MessageIds
from smsgate.smpp.session import LAST_RECEIPT
from smsgate.telemetry.metrics import Metrics
from tests import pdus
from tests.gates import GENUINE, SCAM, both_loops, run_on, until, wire
from tests.packs import rule
from tests.packs import rule_set as packed

RULES = packed(rule("bad", Action.DROP), sets={"bad": ["cpf"]})
OWN = 0x7FFE0000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DELAY_S", 0.01)


def scam(sequence: int, command: int = pdus.SUBMIT_SM) -> bytes:
    return pdus.submit_sm(SCAM.encode(), sequence=sequence, command=command)


def message_id(answer: bytes) -> bytes:
    return answer[16:].rstrip(b"\0")


def is_receipt(pdu: bytes, of: bytes, sequence: int) -> bool:
    head = pdus.pdu(pdus.DELIVER_SM, pdu[16:], sequence=sequence)
    return pdu == head and b"id:" + of + b" " in pdu and b"stat:REJECTD" in pdu


@both_loops
def test_a_dropped_message_is_answered_as_taken_and_the_smsc_never_sees_it(loop_name: str) -> None:
    async def body() -> None:
        async with wire(RULES) as running:
            esme, upstream = await running.bound()
            genuine = pdus.submit_sm(GENUINE.encode(), sequence=6)
            esme.send(scam(5) + genuine)
            answer = await esme.pdu()
            assert answer == pdus.response(pdus.SUBMIT_SM, sequence=5, body=message_id(answer) + b"\0")
            assert await upstream.pdu() == genuine
            assert is_receipt(await esme.pdu(), message_id(answer), OWN)
            esme.send(pdus.response(pdus.DELIVER_SM, sequence=OWN, body=b"\0") + pdus.pdu(0x15, sequence=7))
            assert await upstream.pdu() == pdus.pdu(0x15, sequence=7)  # the answer to our receipt stays here
            assert running.gate.metrics.messages["other"][Action.DROP] == 1
            assert running.gate.metrics.receipts_sent == 1

    run_on(loop_name, body)


@both_loops
def test_whoever_asks_about_it_is_answered_here_also_by_another_process(loop_name: str) -> None:
    async def body() -> None:
        async with wire(RULES, secret=bytes(32)) as running:
            esme, upstream = await running.bound()
            made = MessageIds(bytes(32)).new(datetime.now(UTC))
            query = pdus.pdu(pdus.QUERY_SM, pdus.string(made) + pdus.address(pdus.SOURCE), sequence=8)
            esme.send(query + pdus.replace_sm(GENUINE.encode(), message_id=made, sequence=9))
            assert (await esme.pdu())[16:].startswith(made)
            assert await esme.pdu() == pdus.response(pdus.REPLACE_SM, sequence=9, status=0x13)
            theirs = pdus.pdu(pdus.QUERY_SM, pdus.string(b"7f03") + pdus.address(pdus.SOURCE), sequence=10)
            replaced = pdus.replace_sm(GENUINE.encode(), sequence=11)
            esme.send(theirs + pdus.replace_sm(SCAM.encode(), sequence=12) + replaced)
            assert await upstream.pdus(2) == [theirs, replaced]
            assert await esme.pdu() == pdus.response(pdus.REPLACE_SM, sequence=12)

    run_on(loop_name, body)


@both_loops
def test_the_receipt_of_a_transmitter_comes_to_another_session_of_the_client(loop_name: str) -> None:
    async def body() -> None:
        async with wire(RULES) as running:
            sender, _ = await running.bound(command=Command.BIND_TRANSMITTER)
            sender.send(scam(5))
            dropped = message_id(await sender.pdu())
            receipts = running.gate.sessions._receipts
            await until(lambda: receipts._timer is not None)
            await asyncio.sleep(0.03)  # nobody takes it
            assert running.gate.metrics.receipts_sent == 0
            other, _ = await running.bound("somebody-else")
            receiver, _ = await running.bound(command=Command.BIND_RECEIVER)
            assert is_receipt(await receiver.pdu(), dropped, OWN)
            other.send(pdus.pdu(0x15, sequence=2))
            sender.send(pdus.pdu(0x15, sequence=2))
            assert running.gate.metrics.receipts_sent == 1

    run_on(loop_name, body)


def test_what_nobody_takes_in_time_is_lost_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.02)
    monkeypatch.setattr(module, "MAX_WAITING", 2)

    async def body() -> None:
        async with wire(RULES) as running:
            sender, _ = await running.bound(command=Command.BIND_TRANSMITTER)
            sender.send(scam(5) + scam(6) + scam(7))
            await sender.pdus(3)
            assert running.gate.metrics.receipts_lost == 1
            await until(lambda: running.gate.metrics.receipts_lost == 3)

    run_on("uvloop", body)


@both_loops
def test_on_a_bind_that_may_not_send_a_dropped_message_is_refused_as_the_smsc_refuses_others(loop_name: str) -> None:
    async def body() -> None:
        async with wire(RULES) as running:
            esme, _ = await running.bound(command=Command.BIND_RECEIVER)
            esme.send(scam(5))
            assert await esme.pdu() == pdus.response(pdus.SUBMIT_SM, status=0x04, sequence=5)

    run_on(loop_name, body)


def test_a_client_that_is_owed_more_than_there_is_room_for_loses_receipts_and_no_other_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    metrics = Metrics(())
    taken: list[bytes] = []

    class Taker:
        def deliver(self, body: bytes) -> bool:
            taken.append(body)
            return True

    async def body() -> None:
        receipts = module.Receipts(bytes(32), metrics)
        small, *flood = (
            receipts.answer(client, pdus.SUBMIT_SM, scam(5), 0, len(scam(5))) for client in ("small", *["flood"] * 9)
        )
        assert metrics.receipts_lost == 7
        receipts.bound("small", Taker())
        receipts.bound("flood", Taker())
        await until(lambda: len(taken) == 3)
        owed = [b"id:" + message_id(answer) + b" " for answer in (small, *flood[-2:])]
        assert all(number in body for number, body in zip(owed, taken, strict=True))

    run_on("uvloop", body)


@both_loops
def test_a_message_with_the_number_of_a_receipt_that_is_never_answered_waits_so_long_and_no_longer(
    loop_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in (relay_module, own):
        monkeypatch.setattr(where, "OWN_ANSWER_S", 0.3)

    async def body() -> None:
        async with wire(RULES) as running:
            esme, upstream = await running.bound()
            esme.send(scam(5))
            _, receipt = await esme.pdus(2)
            assert is_receipt(receipt, receipt[receipt.index(b"id:") + 3 :].split()[0], OWN)
            passing = pdus.submit_sm(b"Bonjour", command=pdus.DELIVER_SM, sequence=OWN)
            began = asyncio.get_running_loop().time()
            upstream.send(passing + pdus.pdu(pdus.ENQUIRE_LINK, sequence=3))
            (relay,) = running.gate.sessions._relays
            await until(lambda: relay.session.waiting)
            relay.tick(perf_counter() + relay.timers.settings.pdu_read_s)
            assert not relay.ended, "the SMSC has sent whole PDUs"
            assert await esme.pdus(2) == [passing, pdus.pdu(pdus.ENQUIRE_LINK, sequence=3)]
            assert asyncio.get_running_loop().time() - began > 0.2

    run_on(loop_name, body)


def test_a_session_that_has_used_up_the_gates_numbers_takes_no_receipt() -> None:
    async def body() -> None:
        async with wire(RULES) as running:
            esme, _ = await running.bound()
            (relay,) = running.gate.sessions._relays
            relay.session._next_own = LAST_RECEIPT
            assert relay.deliver(b"one")
            assert not relay.deliver(b"two")
            assert (await esme.pdu())[16:] == b"one"

    run_on("uvloop", body)


@both_loops
def test_what_the_smsc_delivers_is_dropped_without_a_receipt(loop_name: str) -> None:
    async def body() -> None:
        async with wire(RULES, inspect_mo=True) as running:
            esme, upstream = await running.bound()
            genuine = pdus.submit_sm(GENUINE.encode(), sequence=12, command=pdus.DELIVER_SM)
            upstream.send(scam(11, pdus.DELIVER_SM) + genuine)
            assert await upstream.pdu() == pdus.response(pdus.DELIVER_SM, sequence=11, body=b"\0")
            assert await esme.pdu() == genuine
            assert not running.gate.sessions._receipts._waiting

    run_on(loop_name, body)
