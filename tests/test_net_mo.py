"""Real sockets: with `inspect_mo`, what the SMSC delivers is judged before the ESME sees it."""

from __future__ import annotations

import asyncio
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET

import pytest

from smsgate.net import side as side_module
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action
from smsgate.settings import ClientMode, ClientSettings
from smsgate.smpp.session import TURN_BYTES
from tests.gates import GENUINE, SCAM, bind, both_loops, rule_set, run_on, until, wire
from tests.packs import rule
from tests.packs import rule_set as packed
from tests.pdus import DELIVER_SM, bind_resp, data_sm, response, submit_sm


def delivered(text: str, sequence: int, esm_class: int = 0) -> bytes:
    return submit_sm(text.encode(), command=DELIVER_SM, sequence=sequence, esm_class=esm_class)


@both_loops
def test_a_blocked_message_is_answered_upstream_and_never_reaches_the_esme(loop_name: str) -> None:
    async def body() -> None:
        async with wire(inspect_mo=True) as running:
            esme, upstream = await running.bound()
            receipt = delivered(SCAM, 12, esm_class=0x04)
            upstream.send(delivered(SCAM, 11) + receipt + data_sm(SCAM.encode(), sequence=13) + delivered(GENUINE, 14))
            assert await esme.pdus(2) == [receipt, delivered(GENUINE, 14)]
            assert await upstream.pdu() == response(DELIVER_SM, status=0x66, sequence=11)
            assert await upstream.pdu() == response(0x103, status=0x66, sequence=13)
            assert running.gate.metrics.messages_mo == {("other", "block"): 2, ("other", "allow"): 1}
            assert running.gate.metrics.messages["other"] == dict.fromkeys(Action, 0)

    run_on(loop_name, body)


@both_loops
def test_it_passes_where_it_is_not_asked_for(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            upstream.send(delivered(SCAM, 11))
            assert await esme.pdu() == delivered(SCAM, 11)
            assert running.gate.metrics.messages_mo == {}

    run_on(loop_name, body)


@both_loops
def test_what_comes_in_one_read_with_the_bind_resp_is_judged(loop_name: str) -> None:
    async def body() -> None:
        async with wire(inspect_mo=True) as running:
            esme = await running.esme()
            esme.send(bind())
            upstream = await running.smsc.connection()
            await upstream.pdu()
            upstream.send(bind_resp() + delivered(SCAM, 11) + delivered(GENUINE, 12))
            assert await esme.pdus(2) == [bind_resp(), delivered(GENUINE, 12)]
            assert await upstream.pdu() == response(DELIVER_SM, status=0x66, sequence=11)

    run_on(loop_name, body)


@pytest.mark.parametrize(
    ("rules", "clients", "status"),
    [
        (packed(rule("bad", Action.THROTTLE, status=0x58), sets={"bad": ["cpf"]}), {}, 0x64),
        (rule_set(), {"bank1": ClientSettings(mode=ClientMode.MONITOR)}, 0),
    ],
    ids=["throttle", "monitor"],
)
@both_loops
def test_what_the_smsc_is_answered(
    loop_name: str, rules: RuleSet, clients: dict[str, ClientSettings], status: int
) -> None:
    async def body() -> None:
        async with wire(rules, inspect_mo=True, clients=clients) as running:
            esme, upstream = await running.bound()
            upstream.send(delivered(SCAM, 11))
            if status:
                assert await upstream.pdu() == response(DELIVER_SM, status=status, sequence=11)
            else:
                assert await esme.pdu() == delivered(SCAM, 11)

    run_on(loop_name, body)


@both_loops
def test_a_fault_of_the_filter_refuses_and_is_counted(loop_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with wire(inspect_mo=True) as running:
            _, upstream = await running.bound()
            monkeypatch.setattr(running.gate.policy, "decide_mo", None)
            upstream.send(delivered(GENUINE, 11))
            assert await upstream.pdu() == response(DELIVER_SM, status=0x08, sequence=11)
            assert running.gate.metrics.filter_errors == 1

    run_on(loop_name, body)


@both_loops
def test_an_smsc_that_never_reads_its_refusals_is_read_no_further(loop_name: str) -> None:
    async def body() -> None:
        async with wire(inspect_mo=True) as running:
            _, upstream = await running.bound()
            transport = upstream.writer.transport
            transport.pause_reading()  # type: ignore[attr-defined]  # a real transport has it
            (relay,) = running.gate.sessions._relays
            flood = delivered(SCAM, 11) * 2000
            for each, buffer in ((upstream.writer.transport, SO_RCVBUF), (relay.upstream.transport, SO_SNDBUF)):
                each.get_extra_info("socket").setsockopt(SOL_SOCKET, buffer, 4096)  # or they take megabytes
            while not relay.upstream.full:
                upstream.send(flood)
                await until(lambda: relay.upstream.full or not transport.get_write_buffer_size())
            upstream.send(flood)
            for _ in range(200):
                await asyncio.sleep(0)
            queued = relay.upstream.transport.get_write_buffer_size()
            assert queued <= side_module.WRITE_BUFFER_BYTES + 2 * TURN_BYTES
            transport.resume_reading()  # type: ignore[attr-defined]
            assert await upstream.pdu() == response(DELIVER_SM, status=0x66, sequence=11)
            transport.abort()  # what it has still to say, nobody will hear

    run_on(loop_name, body)
