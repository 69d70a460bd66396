"""Listening sockets: which are opened, what is said when one can't be, and how they close."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct

import pytest

from smsgate.limits.admission import Admission
from smsgate.net.listener import Incoming, Listener
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.telemetry.metrics import Metrics
from tests.gates import GENUINE, LOCAL, TIMEOUT_S, Peer, bind, both_loops, pdu, run_on, submit, until, wire
from tests.loglines import lines


@both_loops
def test_every_listener_is_opened_and_serves(loop_name: str) -> None:
    async def body() -> None:
        async with wire(listeners=(ListenerSettings(LOCAL), ListenerSettings(LOCAL))) as running:
            assert len({address.port for address in running.gate.addresses} - {0}) == 2
            for number, address in enumerate(running.gate.addresses, 1):
                esme = Peer(*await asyncio.open_connection(address.host, address.port))
                running.peers.append(esme)
                esme.send(bind())
                upstream = await running.smsc.connection()
                assert await upstream.pdu() == bind()
                assert running.gate.metrics.sessions == running.gate.metrics.sessions_total == number

    run_on(loop_name, body)


@both_loops
def test_sessions_are_counted_until_they_end(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            first, first_upstream = await running.bound()
            await running.bound()
            assert running.gate.metrics.sessions == 2
            await first.close()
            await first_upstream.close()
            await until(lambda: running.gate.metrics.sessions == 1)
            assert running.gate.metrics.sessions_total == 2

    run_on(loop_name, body)


def listener(*addresses: Address) -> Listener:
    settings = Settings(tuple(map(ListenerSettings, addresses)), (UpstreamSettings("smsc", LOCAL),), ())

    async def nobody(_: Incoming) -> None:
        raise AssertionError("nobody connects")

    return Listener(settings, Metrics(("other",)), Admission(settings.caps), nobody)


@both_loops
def test_an_address_that_is_taken_or_unknown_is_named(loop_name: str) -> None:
    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = Address("127.0.0.1", other.getsockname()[1])
            with pytest.raises(OSError, match=rf"{taken.host}.*{taken.port}.*in use"):
                listener(taken).start({})
        with pytest.raises(OSError, match=r"nobody\.invalid:2775: \w+"):
            listener(Address("nobody.invalid", 2775)).start({})

    run_on(loop_name, body)


@both_loops
def test_draining_without_sessions_ends_at_once_and_nothing_is_accepted_any_more(loop_name: str) -> None:
    async def body() -> None:
        listening = listener(LOCAL)
        (address,) = listening.start({})
        await listening.drain(TIMEOUT_S)
        assert listening.draining
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection(address.host, address.port)

    run_on(loop_name, body)


@both_loops
def test_draining_ends_connections_that_never_bound(loop_name: str) -> None:
    async def body() -> None:
        async with wire(drain_timeout_s=0.2) as running:
            esme = await running.esme()
            await until(lambda: running.gate.metrics.sessions == 1)
            await running.gate.stop()
            assert await esme.eof() == b""
            assert running.gate.metrics.sessions == 0

    run_on(loop_name, body)


@both_loops
def test_a_bind_on_its_way_when_draining_begins_is_let_through_then_unbound(loop_name: str) -> None:
    """A sender takes a connection that closes on it for an outage; one that unbinds, for a restart."""

    async def body() -> None:
        async with wire(drain_timeout_s=20.0) as running:
            early, late = await running.esme(), await running.esme()
            early.send(bind())
            upstream = await running.smsc.connection()
            await upstream.pdu()
            await until(lambda: running.gate.metrics.sessions == 2)
            stopping = asyncio.create_task(running.gate.stop())
            await until(lambda: running.gate.listener.draining)
            late.send(bind())
            second = await running.smsc.connection()
            await second.pdu()
            for esme, smsc in ((early, upstream), (late, second)):
                smsc.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
                answer, unbind = await esme.pdus(2)
                assert answer[4:8] == struct.pack(">I", Command.BIND_TRANSCEIVER | RESPONSE)
                assert unbind[4:8] == struct.pack(">I", Command.UNBIND)
                esme.send(unbind[:4] + struct.pack(">I", Command.UNBIND | RESPONSE) + unbind[8:])
                own = await smsc.pdu()
                smsc.send(own[:4] + struct.pack(">I", Command.UNBIND | RESPONSE) + own[8:])
            await stopping

    run_on(loop_name, body)


@both_loops
def test_sessions_that_are_not_drained_in_time_are_cut_and_told_of(
    loop_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with wire(drain_timeout_s=0.1) as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            with caplog.at_level(logging.WARNING):
                await running.gate.stop()
            assert "WARNING sessions not drained in time  sessions=1" in lines(caplog)
            await esme.eof()

    run_on(loop_name, body)
