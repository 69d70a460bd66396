"""Overload: begun by late samples in a row, ended by calm ones; and what a gate that is overloaded does, on real sockets."""

from __future__ import annotations

import logging
import re

import pytest

from smsgate.limits.admission import Refusal
from smsgate.limits.overload import CALM_SAMPLES, LATE_SAMPLES, Overload
from smsgate.net.sessions import Sessions
from smsgate.settings import ClientSettings, OnOverload
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.worker import Gate
from tests.gates import GENUINE, SCAM, Wire, bind, both_loops, pdu, run_on, submit, until, wire
from tests.loglines import lines

LIMIT_S = 0.25
RESP = Command.SUBMIT_SM | RESPONSE


def noted(overload: Overload, *lags_s: float) -> list[bool]:
    return [overload.note(lag) for lag in lags_s]


def test_late_samples_in_a_row_begin_it_and_are_told_once() -> None:
    overload = Overload(LIMIT_S)
    assert noted(overload, *[LIMIT_S] * (LATE_SAMPLES - 1)) == [False] * (LATE_SAMPLES - 1)
    assert noted(overload, LIMIT_S, 9.0) == [True, False]
    assert overload.active


def test_one_sample_in_time_starts_the_count_anew() -> None:
    overload = Overload(LIMIT_S)
    lags_s = (*[1.0] * (LATE_SAMPLES - 1), LIMIT_S * 0.99, *[1.0] * LATE_SAMPLES)
    assert noted(overload, *lags_s) == [False] * (len(lags_s) - 1) + [True]


def test_calm_samples_in_a_row_end_it() -> None:
    overload = Overload(LIMIT_S)
    assert sum(noted(overload, *[1.0] * LATE_SAMPLES)) == 1
    assert not any(noted(overload, *[0.0] * (CALM_SAMPLES - 1), LIMIT_S / 2))  # not late, and not calm
    assert noted(overload, *[0.0] * CALM_SAMPLES) == [False] * (CALM_SAMPLES - 1) + [True]
    assert not overload.active


def test_a_limit_of_0_switches_it_off() -> None:
    overload = Overload(0.0)
    assert not any(noted(overload, *[1e9] * 100))
    assert not overload.active


def overloaded(sessions: Sessions) -> None:
    for _ in range(LATE_SAMPLES):
        sessions.lag(1.0)


async def refused_bind(running: Wire[Gate]) -> None:
    esme = await running.esme()
    esme.send(bind(system_id="late"))
    assert await esme.pdu() == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, status=Status.ESME_RSYSERR)


@both_loops
def test_during_an_overload_new_binds_are_shed_and_sessions_that_stand_go_on(
    loop_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with wire() as running:
            metrics = running.gate.metrics
            esme, upstream = await running.bound()
            overloaded(running.gate.sessions)
            assert (metrics.overloaded, metrics.overloads) == (1, 1)
            await refused_bind(running)
            assert running.smsc.connections.empty()
            assert metrics.refused[Refusal.OVERLOAD] == 1
            esme.send(submit(SCAM, 2) + submit(GENUINE, 3))
            assert await esme.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            assert await upstream.pdu() == submit(GENUINE, 3)
            assert metrics.unfiltered == {"other": 0}

            for _ in range(CALM_SAMPLES):
                running.gate.sessions.lag(0.0)
            assert (metrics.overloaded, metrics.overloads) == (0, 1)
            await running.bound("late")

    with caplog.at_level(logging.WARNING, "smsgate"):
        run_on(loop_name, body)
    begun, refused, ended = (line for line in lines(caplog) if "overload" in line)
    assert begun == "WARNING overload begins  lag_ms=1000"
    assert re.fullmatch(r"WARNING bind refused  client=late address=127.0.0.1:\d+ reason=overload", refused)
    assert ended == "WARNING overload ends  lag_ms=0"


def test_a_client_that_asked_for_it_passes_unjudged_and_is_counted_and_the_others_are_judged() -> None:
    clients = {"fast": ClientSettings(on_overload=OnOverload.PASS), "bank1": ClientSettings()}

    async def body() -> None:
        async with wire(clients=clients) as running:
            metrics = running.gate.metrics
            fast, to_smsc = await running.bound("fast")
            bank, _ = await running.bound("bank1")
            overloaded(running.gate.sessions)
            fast.send(submit(SCAM, 2))
            assert await to_smsc.pdu() == submit(SCAM, 2)
            bank.send(submit(SCAM, 2))
            assert await bank.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            assert metrics.unfiltered == {"fast": 1, "bank1": 0, "other": 0}
            assert not any(metrics.messages["fast"].values())
            assert metrics.rule_hits == {("bank1", "T-1", "block", "enforce"): 1}

            for _ in range(CALM_SAMPLES):
                running.gate.sessions.lag(0.0)
            fast.send(submit(SCAM, 3))
            assert await fast.pdu() == pdu(RESP, 3, status=Status.ESME_RX_R_APPN)
            assert metrics.unfiltered["fast"] == 1

    run_on("uvloop", body)


def test_the_loop_is_sampled_while_the_gate_runs() -> None:
    async def body() -> None:
        async with wire() as running:
            await until(lambda: sum(running.gate.metrics.loop_lag.counts) >= 2)

    run_on("uvloop", body)
