"""Who is let in and what is done for whom: client settings, caps, timers, PROXY headers and TLS, on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from smsgate.limits.admission import Refusal
from smsgate.settings import (
    Caps,
    ClientMode,
    ClientSettings,
    ListenerSettings,
    ListenerTls,
    OnFault,
    Statuses,
    TimerSettings,
    UnknownCommands,
    UpstreamSettings,
    UpstreamTls,
)
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.smpp.timers import Overdue
from smsgate.worker import Gate
from tests.authority import Authority
from tests.gates import (
    GENUINE,
    LOCAL,
    SCAM,
    FakeSmsc,
    Peer,
    Wire,
    bind,
    both_loops,
    pdu,
    run_on,
    submit,
    until,
    upstreams,
    wire,
)

RESP = Command.SUBMIT_SM | RESPONSE
HERE, ELSEWHERE = ip_network("127.0.0.0/8"), ip_network("198.51.100.0/24")


def bind_refused(sequence: int = 1, status: int = Status.ESME_RBINDFAIL) -> bytes:
    return pdu(Command.BIND_TRANSCEIVER | RESPONSE, sequence, status=status)


def test_a_client_in_monitor_mode_is_only_counted() -> None:
    async def body() -> None:
        async with wire(clients={"bank1": ClientSettings(mode=ClientMode.MONITOR)}) as running:
            esme, upstream = await running.bound()
            esme.send(submit(SCAM, 2))
            assert await upstream.pdu() == submit(SCAM, 2)
            assert running.gate.metrics.rule_hits == {("bank1", "T-1", "block", "monitor"): 1}

    run_on("uvloop", body)


def test_a_client_has_its_own_statuses() -> None:
    statuses = Statuses(content=Status.ESME_RSUBMITFAIL, rate=Status.ESME_RMSGQFUL)

    async def body() -> None:
        async with wire(clients={"bank1": ClientSettings(rate_per_s=0.001, burst=1, statuses=statuses)}) as running:
            esme, _ = await running.bound()
            esme.send(submit(SCAM, 2) + submit(GENUINE, 3) + submit(GENUINE, 4))
            expected = [pdu(RESP, 2, status=Status.ESME_RSUBMITFAIL), pdu(RESP, 4, status=Status.ESME_RMSGQFUL)]
            assert await esme.pdus(2) == expected

    run_on("uvloop", body)


def test_unknown_commands_and_malformed_bodies_go_by_the_clients_settings() -> None:
    client = ClientSettings(unknown_commands=UnknownCommands.FORWARD, malformed=OnFault.REJECT)

    async def body() -> None:
        async with wire(clients={"bank1": client}) as running:
            esme, upstream = await running.bound()
            esme.send(pdu(0x0BAD, 2, b"x") + pdu(Command.SUBMIT_SM, 3, b"\xff" * 20))
            assert await upstream.pdu() == pdu(0x0BAD, 2, b"x")
            assert await esme.pdu() == pdu(RESP, 3, status=Status.ESME_RINVMSGLEN)

    run_on("uvloop", body)


def test_when_the_filter_fails_a_client_may_ask_for_its_messages_to_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with wire(clients={"bank1": ClientSettings(on_filter_error=OnFault.FORWARD)}) as running:
            esme, upstream = await running.bound()
            monkeypatch.setattr(running.gate.policy, "decide_pdu", lambda *_: 1 / 0)
            esme.send(submit(GENUINE, 2))
            assert await upstream.pdu() == submit(GENUINE, 2)
            assert running.gate.metrics.filter_errors == 1

    run_on("uvloop", body)


def test_a_client_may_only_bind_from_its_addresses() -> None:
    clients = {"bank1": ClientSettings(allow_from=(ELSEWHERE,)), "bank2": ClientSettings(allow_from=(HERE,))}

    async def body() -> None:
        async with wire(clients=clients) as running:
            esme = await running.esme()
            esme.send(bind())
            assert await esme.pdu() == bind_refused()
            assert running.smsc.connections.empty()
            await running.bound("bank2")

    run_on("uvloop", body)


@both_loops
def test_a_listener_lets_in_its_list_and_no_more_than_its_caps(loop_name: str) -> None:
    async def body() -> None:
        async with wire(listeners=(ListenerSettings(LOCAL, allow=(ELSEWHERE,)),)) as running:
            assert await (await running.esme()).eof() == b""
            assert running.gate.metrics.refused[Refusal.ADDRESS] == 1
        async with wire(caps=Caps(sessions_per_address=1)) as running:
            await running.bound()
            assert await (await running.esme()).eof() == b""
            assert running.gate.metrics.refused[Refusal.SESSIONS_PER_ADDRESS] == 1

    run_on(loop_name, body)


def test_guessed_passwords_are_stopped_before_the_smsc_sees_them() -> None:
    async def body() -> None:
        async with wire(caps=Caps(failed_binds_per_minute=1)) as running:
            esme = await running.esme()
            esme.send(bind(1))
            upstream = await running.smsc.connection()
            await upstream.pdu()
            upstream.send(bind_refused(1, Status.ESME_RINVPASWD))
            assert await esme.pdu() == bind_refused(1, Status.ESME_RINVPASWD)
            esme.send(bind(2))
            assert await esme.pdu() == bind_refused(2)

    run_on("uvloop", body)


@both_loops
@pytest.mark.parametrize("sent", [b"", b"\0\0\0\x40\0"], ids=["silence", "a begun PDU"])
def test_who_does_not_bind_in_time_is_cut(loop_name: str, sent: bytes) -> None:
    async def body() -> None:
        async with wire(timers=TimerSettings(session_init_s=0.1)) as running:
            esme = await running.esme()
            esme.send(sent)
            assert await esme.eof() == b""
            assert running.gate.metrics.timeouts[Overdue.SESSION_INIT] == 1

    run_on(loop_name, body)


def test_an_smsc_that_never_answers_the_bind_does_not_hold_the_session() -> None:
    async def body() -> None:
        async with wire(timers=TimerSettings(session_init_s=0.1)) as running:
            esme = await running.esme()
            esme.send(bind())
            await running.smsc.connection()
            assert await esme.eof() == b""

    run_on("uvloop", body)


def test_a_dribbled_pdu_and_a_silent_session_end() -> None:
    async def body() -> None:
        async with wire(timers=TimerSettings(pdu_read_s=0.1)) as running:
            esme, _ = await running.bound()
            esme.send(submit(GENUINE, 2)[:20])
            assert await esme.eof() == b""
            assert running.gate.metrics.timeouts[Overdue.PDU_READ] == 1
        async with wire(timers=TimerSettings(inactivity_s=0.1)) as running:
            esme, _ = await running.bound()
            assert await esme.eof() == b""
            assert running.gate.metrics.timeouts[Overdue.INACTIVITY] == 1

    run_on("uvloop", body)


@both_loops
def test_all_binds_of_a_client_go_to_one_smsc_while_any_stands(loop_name: str) -> None:
    """Receipts and query_sm would reach the wrong one otherwise."""

    async def body() -> None:
        second = FakeSmsc()
        await second.start()
        async with wire() as running:
            listener, first = running.gate.sessions, running.gate.settings.upstreams[0]
            await running.bound("bank1")
            other = UpstreamSettings("second", second.address)
            listener._upstreams._by_name = {"second": other, first.name: first}  # the second is preferred from now on
            await running.bound("bank1")
            stranger = await running.esme()
            stranger.send(bind(system_id="bank2"))
            assert await (await second.connection()).pdu() == bind(system_id="bank2")
        await second.close()

    run_on(loop_name, body)


@both_loops
def test_binds_that_come_together_go_on_together_when_the_first_smsc_is_gone(loop_name: str) -> None:
    """The reconnect storm after an outage: no attempt in flight may hold the others to the dead SMSC."""

    async def body() -> None:
        gone = FakeSmsc()
        await gone.start()
        await gone.close()
        async with wire() as running:
            first, second = UpstreamSettings("gone", gone.address), running.gate.settings.upstreams[0]
            running.gate.sessions._upstreams = upstreams(replace(running.gate.settings, upstreams=(first, second)))
            esmes = [await running.esme() for _ in range(5)]
            for esme in esmes:
                esme.send(bind())
            for _ in esmes:
                assert await (await running.smsc.connection()).pdu() == bind()

    run_on(loop_name, body)


@both_loops
def test_a_trusted_proxy_says_whom_it_speaks_for(loop_name: str) -> None:
    listener = ListenerSettings(LOCAL, proxies=(HERE,), allow=(ELSEWHERE,))

    async def body() -> None:
        async with wire(listeners=(listener,)) as running:
            esme = await running.esme()
            esme.send(b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 2775\r\n" + bind())
            assert await (await running.smsc.connection()).pdu() == bind()
            (relay,) = running.gate.sessions._relays
            assert relay.address.host == "198.51.100.7"
            liar = await running.esme()
            liar.send(bind())
            with suppress(ConnectionResetError):
                assert await liar.eof() == b""

    run_on(loop_name, body)


async def tls_esme(running: Wire[Gate], context: ssl.SSLContext) -> Peer:
    address = running.gate.addresses[0]
    peer = Peer(*await asyncio.open_connection(address.host, address.port, ssl=context))
    running.peers.append(peer)
    return peer


async def stranger_binds(running: Wire[Gate], authority: Authority) -> None:
    stranger = await tls_esme(running, authority.client(with_certificate=False))
    stranger.send(bind())
    await stranger.pdu()


@both_loops
def test_tls_from_the_esme_with_a_client_certificate(loop_name: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = ListenerTls(authority.certificate, authority.key, client_ca=authority.file)

    async def body() -> None:
        async with wire(listeners=(ListenerSettings(LOCAL, tls=tls),)) as running:
            esme = await tls_esme(running, authority.client(with_certificate=True))
            esme.send(bind() + submit(SCAM, 2))
            upstream = await running.smsc.connection()
            assert await upstream.pdu() == bind()
            upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
            assert (await esme.pdus(2))[1] == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await stranger_binds(running, authority)

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize("trusted", [True, False])
def test_tls_to_the_smsc_is_verified(loop_name: str, tmp_path: Path, trusted: bool) -> None:
    authority = Authority(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    ca = authority.file if trusted else Authority(other).file
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.certificate, authority.key)

    async def body() -> None:
        smsc = FakeSmsc()
        smsc.context = context
        await smsc.start()
        upstream = UpstreamSettings("smsc", replace(smsc.address, host="localhost"), tls=UpstreamTls(ca=ca))
        async with wire(upstreams=(upstream,)) as running:
            esme = await running.esme()
            esme.send(bind())
            if trusted:
                upstream_peer = await smsc.connection()
                assert await upstream_peer.pdu() == bind()
                await upstream_peer.close()
            else:
                assert await esme.eof() == bind_refused(1, Status.ESME_RSYSERR)
            await esme.close()
            await until(lambda: running.gate.metrics.sessions == 0)
        await smsc.close()

    run_on(loop_name, body)
