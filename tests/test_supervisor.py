"""Several workers are one gate: a client has one of them, counts are added up, and the death of one harms no other."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import defaultdict
from contextlib import suppress
from typing import Any

import pytest

from smsgate import supervisor
from smsgate.settings import Caps, ListenerSettings, ListenerTls, TimerSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.supervisor import Supervisor
from tests.authority import Authority
from tests.gates import (
    GENUINE,
    LOCAL,
    SCAM,
    TIMEOUT_S,
    Peer,
    Wire,
    bind,
    both_loops,
    crew,
    pack,
    pdu,
    run_on,
    split,
    submit,
)
from tests.packs import LimitKey, limit

RESP = Command.SUBMIT_SM | RESPONSE
BLOCKED = pdu(RESP, 2, status=Status.ESME_RX_R_APPN)


def sample(gate: Supervisor, name: str, **labels: str) -> float:
    """The value of a metric, over all label values that are not named."""
    return sum(
        one.value
        for family in gate.collect()
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


async def eventually(running: Wire[Supervisor], expected: float, name: str, **labels: str) -> None:
    """Until a metric has a value: workers tell theirs a few times a second."""
    async with asyncio.timeout(TIMEOUT_S):
        while sample(running.gate, name, **labels) != expected:  # noqa: ASYNC110  # nothing says when
            await asyncio.sleep(0.01)


async def sessions(running: Wire[Supervisor]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await running.gate.operate("sessions", {})
    return found


async def standing(running: Wire[Supervisor], count: int) -> None:
    """Until so many sessions stand."""
    async with asyncio.timeout(TIMEOUT_S):
        while len(await sessions(running)) != count:
            pass


async def agreed(peer: Peer) -> None:
    """Answer the gate's unbind."""
    unbind = await peer.pdu()
    assert unbind[4:8] == Command.UNBIND.to_bytes(4, "big")
    peer.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))


@both_loops
def test_a_client_has_one_worker_and_clients_are_spread(loop_name: str) -> None:
    async def body() -> None:
        async with crew() as running:
            names = [f"client{number}" for number in range(12)]
            for name in names * 2:
                await running.bound(name)
            workers = defaultdict(set)
            for session in await sessions(running):
                workers[session["client"]].add(session["worker"])
            assert all(len(own) == 1 for own in workers.values())
            assert set.union(*workers.values()) == {0, 1}
            await eventually(running, 24, "smsgate_sessions")

    run_on(loop_name, body)


def test_what_comes_behind_the_bind_is_judged_and_forwarded() -> None:
    async def body() -> None:
        async with crew() as running:
            esme = await running.esme()
            esme.send(bind() + submit(SCAM, 2) + submit(GENUINE, 3))
            upstream = await running.smsc.connection()
            assert await upstream.pdu() == bind()
            upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
            assert (await esme.pdus(2))[1] == BLOCKED
            assert await upstream.pdu() == submit(GENUINE, 3)
            await eventually(running, 1, "smsgate_messages_total", verdict="block")
            await eventually(running, 1, "smsgate_pdus_total", side="downstream", command="bind_transceiver")

    run_on("uvloop", body)


def test_before_its_bind_a_connection_is_answered_as_ever() -> None:
    async def body() -> None:
        async with crew() as running:
            esme = await running.esme()
            early = pdu(Command.ENQUIRE_LINK, 7) + pdu(0x999, 8)
            for octet in early:
                esme.send(bytes([octet]))
            assert await esme.pdus(2) == [
                pdu(Command.ENQUIRE_LINK | RESPONSE, 7, status=Status.ESME_RINVBNDSTS),
                pdu(Command.GENERIC_NACK, 8, status=Status.ESME_RINVCMDID),
            ]
            for octet in bind():
                esme.send(bytes([octet]))
            assert await (await running.smsc.connection()).pdu() == bind()
            web = await running.esme()
            web.send(b"GET / HTTP/1.1\r\n\r\n")
            (nack,) = split(await web.eof())
            assert nack[8:12] == Status.ESME_RINVCMDLEN.to_bytes(4, "big")

    run_on("uvloop", body)


def test_whoever_does_not_bind_is_let_go_and_counted() -> None:
    async def body() -> None:
        async with crew(timers=TimerSettings(session_init_s=0.1), caps=Caps(sessions=1)) as running:
            first = await running.esme()
            assert await first.eof() == b""
            await eventually(running, 1, "smsgate_timeouts_total", timer="session_init")
            second = await running.esme()  # the place of the first is free again
            assert await second.eof() == b""
            await eventually(running, 2, "smsgate_timeouts_total", timer="session_init")

    run_on("uvloop", body)


def test_caps_count_the_sessions_of_all_workers() -> None:
    async def body() -> None:
        async with crew(caps=Caps(sessions_per_address=2)) as running:
            (esme, upstream), _ = await running.bound("client1"), await running.bound("client2")
            third = await running.esme()
            assert await third.eof() == b""
            await eventually(running, 1, "smsgate_refused_total", reason="sessions_per_address")
            await esme.close()
            await upstream.close()
            await standing(running, 1)
            await running.bound("client3")

    run_on("uvloop", body)


def test_a_worker_that_is_killed_is_replaced_its_counts_kept_and_the_others_unharmed() -> None:
    async def body() -> None:
        async with crew(caps=Caps(sessions_per_address=2)) as running:
            names = iter(f"client{number}" for number in range(100))
            bound: dict[int, tuple[str, Peer, Peer]] = {}
            while len(bound) < 2:
                name = next(names)
                esme, upstream = await running.bound(name)
                (worker,) = [one["worker"] for one in await sessions(running) if one["client"] == name]
                if worker in bound:
                    await esme.close()
                    await upstream.close()
                    await standing(running, len(bound))
                else:
                    bound[worker] = (name, esme, upstream)
            for _, esme, _ in bound.values():
                esme.send(submit(SCAM, 2))
                assert await esme.pdu() == BLOCKED
            await eventually(running, 2, "smsgate_messages_total", verdict="block")
            process = running.gate._workers[0].process
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            name, esme, _ = bound[0]
            assert await esme.eof() == b""
            await eventually(running, 1, "smsgate_worker_restarts_total")
            await eventually(running, 1, "smsgate_sessions")
            assert sample(running.gate, "smsgate_messages_total", verdict="block") == 2
            again, _ = await running.bound(name)  # waits for the new worker; its place under the cap is free
            again.send(submit(SCAM, 2))
            assert await again.pdu() == BLOCKED
            _, neighbour, _ = bound[1]
            neighbour.send(submit(SCAM, 2))
            assert await neighbour.pdu() == BLOCKED
            await eventually(running, 4, "smsgate_messages_total", verdict="block")
            await eventually(running, 2, "smsgate_workers")

    run_on("uvloop", body)


def test_limits_across_clients_count_in_all_workers_and_outlive_them() -> None:
    async def body() -> None:
        rule = limit(LimitKey.DESTINATION, 3, 3600.0, name="L-1")
        async with crew(pack(limits=(rule,))) as running:

            async def status(name: str) -> int:
                esme, upstream = await running.bound(name)
                esme.send(submit(GENUINE, 2) + pdu(Command.ENQUIRE_LINK, 3))
                if (await upstream.pdu())[4:8] == Command.SUBMIT_SM.to_bytes(4, "big"):
                    return 0
                return int.from_bytes((await esme.pdu())[8:12], "big")

            names = [f"client{number}" for number in range(8)]
            assert [await status(name) for name in names] == [0] * 3 + [Status.ESME_RX_T_APPN] * 5
            assert {session["worker"] for session in await sessions(running)} == {0, 1}
            for worker in running.gate._workers:
                assert worker.process is not None
                worker.process.kill()
            await eventually(running, 2, "smsgate_worker_restarts_total")
            assert await status("client9") == Status.ESME_RX_T_APPN

    run_on("uvloop", body)


def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SILENT_S", 2.0)

    async def body() -> None:
        async with crew() as running:
            pairs = [await running.bound(f"client{number}") for number in range(6)]
            process = running.gate._workers[1].process
            assert process is not None
            os.kill(process.pid, signal.SIGSTOP)
            await eventually(running, 1, "smsgate_worker_restarts_total")
            await eventually(running, 2, "smsgate_workers")
            ended = 0
            for esme, _ in pairs:
                esme.send(submit(SCAM, 2))
                with suppress(asyncio.IncompleteReadError, ConnectionResetError):
                    assert await esme.pdu() == BLOCKED
                    continue
                ended += 1
            assert 0 < ended < len(pairs)

    run_on("uvloop", body)


@both_loops
def test_tls_ends_in_any_worker_and_the_owner_judges(loop_name: str, tmp_path: Any) -> None:
    authority = Authority(tmp_path)
    tls = ListenerTls(authority.certificate, authority.key, client_ca=authority.file)

    async def body() -> None:
        async with crew(listeners=(ListenerSettings(LOCAL, tls=tls),)) as running:
            address = running.gate.addresses[0]
            trusted = authority.client(with_certificate=True)
            for _ in range(4):  # by turns: each worker has taken two, and one of them owns the client
                peer = Peer(*await asyncio.open_connection(address.host, address.port, ssl=trusted))
                running.peers.append(peer)
                peer.send(bind() + submit(SCAM, 2))
                upstream = await running.smsc.connection()
                assert await upstream.pdu() == bind()
                upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
                assert (await peer.pdus(2))[1] == BLOCKED
            assert len({session["worker"] for session in await sessions(running)}) == 1
            long = submit(GENUINE, 3, b"\x04\x24\xff\x00" + b"a" * 0xFF00)
            running.peers[0].send(long * 20)
            assert await running.smsc.peers[0].pdus(20) == [long] * 20
            await running.peers[1].close()
            await running.smsc.peers[1].eof()
            await running.smsc.peers[1].close()
            await eventually(running, 3, "smsgate_sessions")
            stranger = Peer(
                *await asyncio.open_connection(address.host, address.port, ssl=authority.client(with_certificate=False))
            )
            running.peers.append(stranger)
            stranger.send(bind())
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await stranger.pdu()
            stopping = asyncio.create_task(running.gate.stop())
            for index in (0, 2, 3):
                await agreed(running.peers[index])
                await agreed(running.smsc.peers[index])
                assert await running.peers[index].eof() == b""
            await stopping

    run_on(loop_name, body)


def test_draining_unbinds_the_sessions_of_all_workers() -> None:
    async def body() -> None:
        async with crew(drain_timeout_s=20.0) as running:
            pairs = [await running.bound(f"client{number}") for number in range(4)]
            esme, upstream = pairs[0]
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            stopping = asyncio.create_task(running.gate.stop())
            for other, its_upstream in pairs[1:]:
                await agreed(other)
                await agreed(its_upstream)
            answer = pdu(RESP, 2, b"id\0")
            upstream.send(answer)
            assert await esme.pdu() == answer
            await agreed(esme)
            await agreed(upstream)
            for esme, _ in pairs:
                assert await esme.eof() == b""
            await stopping
            assert [worker.process.returncode for worker in running.gate._workers if worker.process] == [0, 0]

    run_on("uvloop", body)


def test_requests_of_an_operator_reach_all_workers_and_outlive_them() -> None:
    async def body() -> None:
        async with crew() as running:
            pairs = {name: await running.bound(name) for name in ("client1", "client2", "client3")}
            assert await running.gate.operate("monitor", {"on": True, "reason": "a test"}) == {"*": "a test"}
            process = running.gate._workers[1].process
            assert process is not None
            process.kill()
            await eventually(running, 1, "smsgate_worker_restarts_total")
            await eventually(running, 2, "smsgate_workers")
            for name in pairs:
                esme, upstream = await running.bound(name)
                esme.send(submit(SCAM, 2))
                assert await upstream.pdu() == submit(SCAM, 2)
            traced: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            running.gate.trace("client1", traced.put_nowait)
            await sessions(running)  # answered behind the trace by every worker
            esme.send(submit(GENUINE, 3))
            await upstream.pdu()
            esme, upstream = await running.bound("client1")
            esme.send(submit(GENUINE, 4))
            await upstream.pdu()
            async with asyncio.timeout(TIMEOUT_S):
                seen = [await traced.get() for _ in range(5)]
            assert [(one["way"], one["command"], one["sequence"]) for one in seen] == [
                ("gate > smsc", "bind_transceiver", 1),
                ("smsc > gate", "bind_transceiver_resp", 1),
                ("gate > esme", "bind_transceiver_resp", 1),
                ("esme > gate", "submit_sm", 4),
                ("gate > smsc", "submit_sm", 4),
            ]
            assert await running.gate.operate("kick", {"client": "client1", "at_once": True}) >= 1
            assert await esme.eof() == b""
            with pytest.raises(ValueError, match="unknown request"):
                await running.gate.operate("dance", {})

    run_on("uvloop", body)


def test_a_certificate_that_can_not_be_read_ends_the_start_with_its_name(tmp_path: Any) -> None:
    async def body() -> None:
        tls = ListenerTls(tmp_path / "none.pem", tmp_path / "none.pem")
        with pytest.raises(OSError, match=r"none\.pem"):
            async with crew(listeners=(ListenerSettings(LOCAL, tls=tls),)):
                pass

    run_on("uvloop", body)
