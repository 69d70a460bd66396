"""A limit that shapes: what a trusted client sends waits, in order and for a second at most, and nobody else waits with it."""

from __future__ import annotations

from typing import Any

from smsgate.net.relay import Relay
from smsgate.rules.condition import parse
from smsgate.rules.engine import RuleSet
from smsgate.rules.model import Action, Limit, LimitKey
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.worker import Gate
from tests.gates import GENUINE, WHERE, Wire, both_loops, pdu, rule_set, run_on, submit, until, wire

ANSWER = pdu(Command.SUBMIT_SM | RESPONSE, 1, b"id\0")


def shaping(count: int) -> RuleSet:
    """Lets one message of bank1 through at once, then so many a second."""
    shape = Limit(
        "L-1",
        "shape",
        (LimitKey.CLIENT,),
        count,
        1.0,
        WHERE,
        parse("client in [bank1]"),
        burst=1,
        action=Action.SHAPE,
    )
    return rule_set(limits=(shape,))


def relay_of(running: Wire[Gate]) -> Relay:
    (relay,) = (each for each in running.gate.sessions._relays if each.session.system_id == "bank1")
    return relay


def value(running: Wire[Gate], name: str, **labels: str) -> float:
    return sum(
        one.value
        for family in running.gate.collect()
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


@both_loops
def test_messages_over_the_limit_go_through_late_whole_and_in_order(loop_name: str) -> None:
    async def body() -> None:
        async with wire(shaping(20)) as running:
            esme, upstream = await running.bound()
            sent = [submit(f"{GENUINE} {number}", number) for number in range(1, 9)]
            began = relay_of(running).loop.time()
            esme.send(b"".join(sent)[:-9])
            assert await upstream.pdus(7) == sent[:7]
            assert relay_of(running).loop.time() - began > 0.2, "5 pauses of 50 ms and more"
            esme.send(sent[7][-9:])
            assert await upstream.pdu() == sent[7]
            assert value(running, "smsgate_pauses_total", client="other") >= 5
            assert value(running, "smsgate_messages_total", verdict="shape", direction="mt") >= 5

    run_on(loop_name, body)


async def paused(running: Wire[Gate], **changes: Any) -> tuple[Any, Any, bytes]:
    """A session of bank1 that is paused for a second, with a message waiting."""
    esme, upstream = await running.bound()
    sent = [submit(GENUINE, number) for number in (1, 2, 3)]
    esme.send(b"".join(sent))
    assert await upstream.pdus(2) == sent[:2]
    assert relay_of(running).session.held
    return esme, upstream, sent[2]


@both_loops
def test_neighbours_and_answers_do_not_wait(loop_name: str) -> None:
    async def body() -> None:
        async with wire(shaping(1)) as running:
            esme, upstream, waiting = await paused(running)
            other, other_upstream = await running.bound("other2")
            sent = [submit(GENUINE, number) for number in range(1, 200)]
            other.send(b"".join(sent))
            assert await other_upstream.pdus(len(sent)) == sent
            upstream.send(ANSWER)
            assert await esme.pdu() == ANSWER
            relay = relay_of(running)
            assert relay.session.held
            assert relay.session.downstream.pending == len(waiting)
            assert await upstream.pdu() == waiting

    run_on(loop_name, body)


@both_loops
def test_what_waits_goes_through_before_the_end_that_the_esme_has_sent(loop_name: str) -> None:
    async def body() -> None:
        async with wire(shaping(1)) as running:
            esme, upstream, waiting = await paused(running)
            esme.writer.write_eof()
            assert await upstream.eof() == waiting

    run_on(loop_name, body)


@both_loops
def test_a_session_that_ends_while_it_is_paused_leaves_nothing_behind(loop_name: str) -> None:
    async def body() -> None:
        async with wire(shaping(1)) as running:
            esme, upstream, _ = await paused(running)
            relay = relay_of(running)
            relay.end("kicked")
            await upstream.close()
            await esme.close()
            await until(lambda: not running.gate.sessions._relays)
            assert relay.pause is not None
            assert relay.pause.cancelled()

    run_on(loop_name, body)


@both_loops
def test_draining_does_not_wait_for_pauses(loop_name: str) -> None:
    """What has been read is judged and forwarded, behind the first pause without another."""

    async def body() -> None:
        async with wire(shaping(1), drain_timeout_s=4.0) as running:
            _, upstream, waiting = await paused(running)
            more = [submit(GENUINE, number) for number in range(4, 14)]
            relay = relay_of(running)
            relay.downstream.data_received(b"".join(more))
            relay.drain()
            assert await upstream.pdu() == waiting
            assert await upstream.pdus(10) == more
            assert value(running, "smsgate_pauses_total") == 1

    run_on(loop_name, body)
