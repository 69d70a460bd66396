"""Listening sockets: which are opened, what is said when one can't be, and how they close."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from smsgate.net.listener import Listener
from smsgate.policy import Policy
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.telemetry.metrics import Metrics
from tests.gates import GENUINE, LOCAL, Peer, bind, both_loops, rule_set, run_on, submit, until, wire


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
    return Listener(settings, Policy(rule_set()), Metrics(("other",)))


@both_loops
def test_an_address_that_is_taken_or_unknown_is_named(loop_name: str) -> None:
    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = Address("127.0.0.1", other.getsockname()[1])
            with pytest.raises(OSError, match=rf"{taken.host}.*{taken.port}.*in use"):
                await listener(taken).start()
        with pytest.raises(OSError, match=r"nobody\.invalid:2775: \w+"):
            await listener(Address("nobody.invalid", 2775)).start()

    run_on(loop_name, body)


@both_loops
def test_draining_without_sessions_ends_at_once_and_nothing_is_accepted_any_more(loop_name: str) -> None:
    async def body() -> None:
        listening = listener(LOCAL)
        (address,) = await listening.start()
        await listening.drain()
        assert listening.draining
        with pytest.raises(OSError, match=r"refused|failed"):
            await asyncio.open_connection(address.host, address.port)

    run_on(loop_name, body)


@both_loops
def test_draining_ends_connections_that_never_bound(loop_name: str) -> None:
    async def body() -> None:
        async with wire(drain_timeout_s=20.0) as running:
            esme = await running.esme()
            await until(lambda: running.gate.metrics.sessions == 1)
            await running.gate.stop()
            assert await esme.eof() == b""
            assert running.gate.metrics.sessions == 0

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
            assert "1 sessions were not drained in time" in caplog.text
            await esme.eof()

    run_on(loop_name, body)
