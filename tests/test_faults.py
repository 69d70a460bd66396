"""What networks and broken peers do to a session, in each of its states: what is lost is lost whole, and nobody else's.

A session (bank1) runs through one fault-injecting proxy on the way to the gate and another on the way to the SMSC; a
bystander (bank2) runs through the same two unharmed. Whatever happens, the account must balance: see `Arena.check`.
"""

from __future__ import annotations

import asyncio
import gc
import random
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest

from smsgate.net import side as side_module
from smsgate.net.side import WRITE_BUFFER_BYTES
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.smpp.session import TURN_BYTES
from tests.arena import BIND_RESP, MIXED, STATES, Arena, arena, nothing_sent, settling, turns
from tests.faults import RESP, Link, Pipe
from tests.gates import GENUINE, SCAM, TIMEOUT_S, both_loops, pdu, run_on, submit, until

DELIVER_RESP: Final = Command.DELIVER_SM | RESPONSE
SEEDS: Final = 3
"""Walks by chance for each way to end; 8,800 have been run, this is the part that a check can afford."""
READ_BYTES: Final = 256 * 1024
"""What either loop reads at once."""
FLOOD_BYTES: Final = 1024 * 1024
"""What must wait in front of the gate before it counts as stopped."""


@pytest.fixture
def short_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that neither reads nor ends is cut off after 50 ms."""
    monkeypatch.setattr(side_module, "CLOSE_S", 0.05)


# faults


@dataclass(frozen=True, slots=True)
class Fault:
    """`heals`: undoes it once the gate has given the session up; such a fault nobody notices, so that timers must."""

    name: str
    strike: Callable[[Link], None]
    heal: Callable[[Link], None] | None = None


FAULTS: Final = (
    Fault("half-closed upwards", lambda link: link.up.end()),
    Fault("half-closed downwards", lambda link: link.down.end()),
    Fault("dropped", Link.drop),
    Fault("reset", Link.reset),
    Fault("stalled upwards", lambda link: link.up.hold(), lambda link: link.up.release()),
    Fault("stalled downwards", lambda link: link.down.hold(), lambda link: link.down.release()),
)


def answers_passed(link: Link, a: Arena, side: str) -> bool:
    """Whether what the SMSC has answered, and the gate's refusals where they pass too, are through the link."""
    refusals = MIXED.count(SCAM) * 16 if side == "front" and a.esme.sent and a.smsc.of(Command.SUBMIT_SM) else 0
    return link.down.passed >= sum(map(len, a.smsc.written)) + refusals


@both_loops
@pytest.mark.parametrize("side", ["front", "back"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_broken_connection_loses_no_answer_and_harms_no_other_session(
    loop_name: str,
    side: str,
    fault: Fault,
    state: Callable[[Arena], Awaitable[None]],
    short_close: None,
) -> None:
    async def body() -> None:
        async with arena() as a:
            arrived: set[int] = set()
            if state is nothing_sent and side == "back":  # there is no link yet: it breaks as soon as there is one
                a.back.on_link = fault.strike
                await state(a)
            else:
                await state(a)
                link = a.links(side).links[1]
                if len(a.smscs) > 1:
                    await until(lambda: answers_passed(link, a, side))
                    arrived = {
                        int.from_bytes(one[12:16], "big")
                        for one in a.smsc.written
                        if one[4:8] == RESP.to_bytes(4, "big")
                    }
                await asyncio.sleep(0)  # uvloop writes at the end of its turn
                fault.strike(link)
            # Both parties go on, and know of nothing.
            if state is nothing_sent:
                a.esme.bind()
            if not a.esme.has_ended:
                a.esme.submit(*MIXED)
            if len(a.smscs) > 1:
                a.smsc.settle()
            await turns()
            a.back.on_link = lambda _: None
            left = 0 if a.stopping else 1
            if fault.heal is not None and not a.stopping:
                a.let_timers_run_out()
            await a.over(left)
            if fault.heal is not None and len(a.links(side).links) > 1:
                fault.heal(a.links(side).links[1])
            await until(lambda: a.esme.gone and all(smsc.gone for smsc in a.smscs[1:]))
            a.check()
            assert arrived <= a.esme.answers.keys(), "what had passed before the fault was lost"
            if side == "back":
                a.check_nothing_stuck()
            if a.stopping:
                await a.stopping
                a.check_bystander_was_unbound()
            else:
                await a.check_bystander()

    run_on(loop_name, body)


# faults that only take time


def one_octet_at_a_time(pipe: Pipe) -> None:
    pipe.piece_bytes = 1


def in_bursts(pipe: Pipe) -> None:
    pipe.burst_bytes = 700  # some messages and a part of one


DELAYS: Final = (one_octet_at_a_time, in_bursts, Pipe.hold)


def pipes(a: Arena, names: str) -> list[Pipe]:
    front, back = a.front.links[1], a.back.links[1]
    every = {"front up": front.up, "front down": front.down, "back up": back.up, "back down": back.down}
    return list(every.values()) if names == "all" else [every[names]]


@both_loops
@pytest.mark.parametrize("which", ["front up", "front down", "back up", "back down", "all"])
@pytest.mark.parametrize("delay", DELAYS, ids=lambda delay: delay.__name__)
def test_cuts_bursts_and_delays_change_nothing(loop_name: str, which: str, delay: Callable[[Pipe], None]) -> None:
    """A direction that is held goes on when the other has passed: all orders of the two directions come up."""

    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            esme, smsc = a.esme, a.smsc
            late = pipes(a, which)
            for pipe in late:
                delay(pipe)
            for text in MIXED:
                esme.submit(text)
                await asyncio.sleep(0)
            receipts = [pdu(Command.DELIVER_SM, number, b"receipt") for number in range(1, 4)]
            smsc.say(b"".join(receipts))
            await turns()
            for pipe in late:
                pipe.release()
                await turns()
            await until(lambda: len(esme.answers) == len(MIXED) and len(smsc.of(DELIVER_RESP)) == len(receipts))
            esme.say(pdu(Command.UNBIND, 1000))
            await until(lambda: bool(esme.of(Command.UNBIND | RESPONSE)))
            esme.end()
            await until(lambda: esme.gone and smsc.gone)
            await a.over(1)
            assert esme.of(Command.DELIVER_SM) == receipts
            assert smsc.of(Command.SUBMIT_SM) == [one for one in esme.sent.values() if GENUINE.encode() in one]
            assert len(smsc.received) == 1 + MIXED.count(GENUINE) + len(receipts) + 1
            a.check()
            a.check_nothing_stuck()
            await a.check_bystander()

    run_on(loop_name, body)


# everything at once, by chance


def random_step(a: Arena, chance: random.Random) -> None:
    """Something that a party or the network may do at any time without breaking anything."""
    pipe = chance.choice(pipes(a, "all"))
    match chance.randrange(9):
        case 0 | 1 | 2:
            a.esme.submit(*chance.choices(MIXED, k=chance.randint(1, 6)))
        case 3:
            a.smsc.answer(chance.randint(1, 4))
        case 4:
            a.smsc.say(pdu(Command.DELIVER_SM, chance.randint(1, 9), b"receipt"))
        case 5:
            pipe.hold()
        case 6:
            pipe.release()
        case 7:
            pipe.piece_bytes = chance.choice((0, 1, 7, 100))
        case _:
            a.smsc.withholding = not a.smsc.withholding


ENDINGS: Final[dict[str, Callable[[Arena], None]]] = {
    "the ESME half-closes": lambda a: a.esme.end(),
    "the ESME closes": lambda a: a.esme.transport.close(),
    "the ESME unbinds": lambda a: a.esme.say(pdu(Command.UNBIND, 0x1000)),
    "the SMSC half-closes": lambda a: a.smsc.end(),
    "the SMSC closes": lambda a: a.smsc.transport.close(),
    "reset before the gate": lambda a: a.front.links[1].reset(),
    "reset behind the gate": lambda a: a.back.links[1].reset(),
    "dropped before the gate": lambda a: a.front.links[1].drop(),
    "dropped behind the gate": lambda a: a.back.links[1].drop(),
    "timers run out": Arena.let_timers_run_out,
    "the gate stops": lambda a: setattr(a, "stopping", asyncio.create_task(a.gate.stop())),
}
EXACT: Final = ("the ESME half-closes", "the ESME unbinds")
"""After these every message has its answer: nobody has broken anything."""


@both_loops
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_the_account_balances(loop_name: str, ending: str, seed: int, short_close: None) -> None:
    async def body() -> None:
        async with arena(drain_s=TIMEOUT_S) as a:
            chance = random.Random(seed)
            await a.bound(a.esme)
            for _ in range(chance.randint(5, 60)):
                random_step(a, chance)
                for _ in range(chance.choice((0, 0, 1, 5, 20))):
                    await asyncio.sleep(0)
            ENDINGS[ending](a)
            for _ in range(chance.choice((0, 1, 5, 20))):
                await asyncio.sleep(0)
            for pipe in pipes(a, "all"):
                pipe.release()
            a.smsc.settle()
            if ending == "the ESME unbinds":
                await until(lambda: bool(a.esme.of(Command.UNBIND | RESPONSE)))
                a.esme.end()
            await a.over(0 if a.stopping else 1)
            await until(lambda: a.esme.gone and a.smsc.gone)
            a.check()
            if ending in EXACT:
                assert a.esme.answers.keys() == a.esme.sent.keys()
            if ending == "the gate stops":  # what it has not read by then, nobody has
                assert len(a.esme.answers) == a.gate.metrics.pdus_downstream[Command.SUBMIT_SM]
            if a.stopping:
                await a.stopping
                a.check_bystander_was_unbound()
            else:
                await a.check_bystander()

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize(
    "ending", [ending for ending in ENDINGS if ending not in {"the gate stops", "the ESME unbinds"}]
)
def test_a_session_that_is_over_is_not_kept_in_memory(loop_name: str, ending: str, short_close: None) -> None:
    """A timer that was not cancelled would keep it, and a storm of reconnects would keep thousands."""

    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            relay = weakref.ref(a.relay)
            ENDINGS[ending](a)
            await until(lambda: a.esme.gone and a.smsc.gone)
            await a.over(1)
            await turns()
            gc.collect()
            assert relay() is None

    run_on(loop_name, body)


# more than the buffers hold


async def fill_the_way_back(a: Arena) -> list[bytes]:
    """The SMSC talks to an ESME that does not read, until the gate's write buffer is full and on for as much again."""
    a.front.links[1].down.hold()
    said: list[bytes] = []
    more = 0
    while more < 2 * WRITE_BUFFER_BYTES or not a.relay.session.upstream.pending:
        chunk = [pdu(Command.DELIVER_SM, len(said) + number, bytes(1000)) for number in range(1, 41)]
        a.smsc.say(b"".join(chunk))
        said += chunk
        more += sum(map(len, chunk)) if a.relay.downstream.full else 0
        await asyncio.sleep(0)
    await until(lambda: a.back.links[1].down.passed > sum(map(len, said)))
    return said


BREAKS: Final = tuple(fault for fault in FAULTS if fault.name in {"half-closed downwards", "dropped", "reset"})


@both_loops
@pytest.mark.parametrize("fault", BREAKS, ids=lambda fault: fault.name)
def test_what_the_gate_has_read_outlives_the_smsc_until_a_slow_esme_takes_it(loop_name: str, fault: Fault) -> None:
    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            said = await fill_the_way_back(a)
            waiting = a.relay.session.upstream.pending // len(said[0])
            read = a.gate.metrics.pdus_upstream[Command.DELIVER_SM] + waiting
            fault.strike(a.back.links[1])
            await turns()
            a.front.links[1].down.release()
            await until(lambda: a.esme.gone)
            got = a.esme.of(Command.DELIVER_SM)
            assert got == said[: len(got)]
            assert len(got) == a.gate.metrics.pdus_upstream[Command.DELIVER_SM] >= read
            if fault.name == "half-closed downwards":  # the others take with them what the kernel holds
                assert got == said
            await a.over(1)
            await a.check_bystander()

    run_on(loop_name, body)


@both_loops
def test_a_slow_esme_gets_everything_once_it_reads_again(loop_name: str) -> None:
    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            said = await fill_the_way_back(a)
            await turns()
            a.front.links[1].down.release()
            await until(lambda: len(a.smsc.received) == 1 + len(said))
            assert a.esme.of(Command.DELIVER_SM) == said

    run_on(loop_name, body)


@both_loops
def test_an_esme_that_never_reads_does_not_keep_a_session_that_is_over(loop_name: str, short_close: None) -> None:
    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            await fill_the_way_back(a)
            a.back.links[1].reset()
            a.let_timers_run_out()  # nothing is read of an SMSC for which there is no room
            await a.over(1)
            await a.check_bystander()

    run_on(loop_name, body)


@both_loops
def test_a_blocked_flood_that_is_never_read_fills_bounded_buffers_and_no_more(loop_name: str) -> None:
    """All that the gate holds for the session is counted: two framers, two transports, two lists of runs."""

    async def body() -> None:
        async with arena() as a:
            await a.bound(a.esme)
            link, relay = a.front.links[1], a.relay
            link.down.hold()
            flooded = 0
            while relay.downstream.reading or link.far.transport.get_write_buffer_size() < FLOOD_BYTES:
                a.esme.submit(*[SCAM] * 500)
                flooded += 500
                await asyncio.sleep(0)
                assert flooded < 1_000_000, "the gate goes on reading"
            session = relay.session
            assert session.downstream.pending <= READ_BYTES + len(submit(SCAM, 2))
            assert relay.downstream.transport.get_write_buffer_size() <= WRITE_BUFFER_BYTES + TURN_BYTES
            assert relay.upstream.transport.get_write_buffer_size() == 0
            assert not session.to_downstream
            assert not session.to_upstream
            assert not session.awaited_smsc
            link.down.release()
            await until(lambda: len(a.esme.received) == 1 + flooded)
            a.check()
            a.esme.end()
            await a.over(1)
            await a.check_bystander()

    run_on(loop_name, body)


@both_loops
def test_a_drain_whose_answers_never_come_unbinds_all_the_same(loop_name: str) -> None:
    async def body() -> None:
        async with arena() as a:
            await settling(a)
            a.back.links[1].down.hold()
            await until(lambda: bool(a.esme.unbind))
            await until(lambda: a.esme.gone)
            a.check()

    run_on(loop_name, body)


@both_loops
def test_an_smsc_that_refuses_connections_costs_only_the_bind_that_wants_one(loop_name: str) -> None:
    async def body() -> None:
        async with arena() as a:
            a.back.refuse()
            await a.connected(a.esme)
            a.esme.bind()
            a.esme.submit(*MIXED)
            await until(lambda: a.esme.gone)
            assert a.esme.received == [pdu(BIND_RESP, 1, status=Status.ESME_RSYSERR)]
            await a.over(1)
            await a.back.start()
            await a.check_bystander()

    run_on(loop_name, body)
