"""One process: it opens all of its sockets or none, and ends in order on a signal."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Literal

import pytest

from smsgate import service, worker
from smsgate.config.rules import Loaded
from smsgate.settings import Address, ClientSettings, ListenerSettings, Settings, UpstreamSettings
from tests.gates import LOCAL, both_loops, rule_set, run_on

SETTINGS = Settings((ListenerSettings(LOCAL),), (UpstreamSettings("smsc", Address("127.0.0.1", 9)),), ())
LOADED = Loaded((), date(2026, 1, 1), rule_set())


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """`run` freezes what is loaded for the life of its process, which is ours here."""
    yield
    gc.unfreeze()


@pytest.mark.parametrize("event_loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_tells_that_it_started_and_returns_after_a_signal(
    event_loop: Literal["uvloop", "asyncio"], number: signal.Signals
) -> None:
    gates = []
    http = []

    def started(gate: service.Service) -> None:
        gates.append(gate)
        assert gate.admin is not None
        http.append(gate.admin.address)
        with socket.create_connection((gate.addresses[0].host, gate.addresses[0].port)):
            os.kill(os.getpid(), number)

    service.run(replace(SETTINGS, event_loop=event_loop, metrics=LOCAL), lambda: LOADED, started)
    (gate,) = gates
    assert gate.listener.draining
    assert refused(gate.addresses[0])
    assert refused(http[0])


def test_a_gate_knows_the_time_of_day() -> None:
    def started(gate: service.Service) -> None:
        assert isinstance(gate, worker.Gate)
        told = gate.policy.utc_offset_s + asyncio.get_running_loop().time()
        assert abs(told - datetime.now(UTC).timestamp()) < 60
        os.kill(os.getpid(), signal.SIGTERM)

    service.run(SETTINGS, lambda: LOADED, started)


def refused(address: Address) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((address.host, address.port)) != 0


@both_loops
@pytest.mark.parametrize("fault", ["second listener", "metrics"])
def test_a_gate_that_can_not_open_all_of_its_sockets_opens_none(loop_name: str, fault: str) -> None:
    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as probe:
            taken = Address("127.0.0.1", other.getsockname()[1])
            free = Address("127.0.0.1", probe.getsockname()[1])
            probe.close()
            if fault == "metrics":
                settings = replace(SETTINGS, listeners=(ListenerSettings(free),), metrics=taken)
            else:
                settings = replace(SETTINGS, listeners=(ListenerSettings(free), ListenerSettings(taken)))
            with pytest.raises(OSError, match=r"in use"):
                await worker.Gate(settings, rule_set()).start()
            assert refused(free)

    run_on(loop_name, body)


@pytest.mark.parametrize("event_loop", ["uvloop", "asyncio"])
def test_run_says_which_address_it_can_not_listen_on(event_loop: Literal["uvloop", "asyncio"]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(service.ListenError, match=rf"{taken}: .*in use"):
            service.run(
                replace(SETTINGS, metrics=taken, event_loop=event_loop),
                lambda: LOADED,
                lambda _: pytest.fail("started"),
            )


def test_no_thread_outlives_the_gate() -> None:
    async def body() -> None:
        before = set(threading.enumerate())
        gate = worker.Gate(replace(SETTINGS, metrics=LOCAL), rule_set())
        await gate.start()
        assert set(threading.enumerate()) - before
        await gate.stop()
        assert not [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]

    run_on("asyncio", body)


def test_metrics_have_a_label_for_each_configured_client_and_one_for_all_others() -> None:
    async def body() -> None:
        gate = worker.Gate(
            replace(SETTINGS, clients={"bank1": ClientSettings(), "bank2": ClientSettings()}), rule_set()
        )
        assert set(gate.metrics.messages) == {"bank1", "bank2", "other"}

    run_on("asyncio", body)
