"""The control socket: who may ask, what is answered, and that an asker who misbehaves harms nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from smsgate.net import control
from smsgate.net.control import MAX_ASKERS, MAX_REQUEST_BYTES, MAX_TEXT_CHARS, ControlServer
from smsgate.net.trace import Emit
from smsgate.settings import ListenerSettings, ListenerTls, Settings, UpstreamSettings, UpstreamTls
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.worker import MAX_SWITCHES, Gate, Inherited
from tests.gates import (
    GENUINE,
    LOCAL,
    SCAM,
    TIMEOUT_S,
    FakeSmsc,
    Peer,
    Wire,
    bind,
    both_loops,
    pdu,
    rule_set,
    run_on,
    submit,
    until,
    wire,
)
from tests.loglines import lines

RESP = Command.SUBMIT_SM | RESPONSE
UNBIND = Command.UNBIND.to_bytes(4, "big")


class Asker(Peer):
    """An operator at the socket, in lines."""

    async def say(self, **request: Any) -> Any:
        self.send(json.dumps(request).encode() + b"\n")
        return await self.heard()

    async def heard(self) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            return json.loads(await self.reader.readline())


@asynccontextmanager
async def asker(path: Path) -> AsyncIterator[Asker]:
    peer = Asker(*await asyncio.open_unix_connection(path, limit=2**22))
    try:
        yield peer
    finally:
        await peer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


# the socket itself


def on_disk(path: Path) -> os.stat_result:
    return path.stat()


def beside(path: Path) -> list[Path]:
    return list(path.parent.iterdir())


@both_loops
def test_the_socket_is_for_the_own_user_only_from_the_moment_it_is_there(
    loop_name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        seen.append(stat.S_IMODE(self.stat().st_mode))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)

    async def body() -> None:
        before = os.umask(0)
        try:
            async with wire(control=path):
                assert stat.S_IMODE(on_disk(path).st_mode) == 0o600
        finally:
            os.umask(before)
        assert beside(path) == []

    run_on(loop_name, body)
    assert seen == [0o600]


@both_loops
def test_a_socket_that_nobody_listens_on_is_replaced(loop_name: str, path: Path) -> None:
    async def body() -> None:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with wire(control=path), asker(path) as operator:
            assert await operator.say(do="sessions") == {"ok": []}

    run_on(loop_name, body)


def settings(path: Path) -> Settings:
    return Settings((ListenerSettings(LOCAL),), (UpstreamSettings("smsc", LOCAL),), (), control=path)


@both_loops
@pytest.mark.parametrize("busy", [False, True])
def test_a_socket_that_another_gate_listens_on_is_left_to_it(loop_name: str, path: Path, busy: bool) -> None:
    async def body() -> None:
        with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as waiting:
            other.bind(str(path))
            other.listen(0)
            if busy:  # its backlog is full: a connect that blocks would wait for ever
                waiting.connect(str(path))
            inode = on_disk(path).st_ino
            with pytest.raises(OSError, match=rf"{path}: another gate listens there"):
                await Gate(settings(path), rule_set()).start()
            assert on_disk(path).st_ino == inode
            assert beside(path) == [path]

    run_on(loop_name, body)


def test_a_file_that_is_no_socket_is_never_replaced(path: Path) -> None:
    path.write_text("of somebody's")

    async def body() -> None:
        for inherited in (None, Inherited()):
            with pytest.raises(OSError, match="a file that is no socket"):
                await Gate(settings(path), rule_set()).start(inherited)

    run_on("uvloop", body)
    assert path.read_text() == "of somebody's"


def test_a_later_generation_takes_the_socket_over_and_the_earlier_one_leaves_it(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as first:
            second = Gate(settings(path), rule_set())
            await second.start(Inherited())
            first.gate.retire()
            async with asker(path) as operator:
                assert await operator.say(do="monitor", on=True, reason="x") == {"ok": {"*": "x"}}
            assert second.policy.monitor_only
            assert not first.gate.policy.monitor_only
            await second.stop()
        assert beside(path) == []

    run_on("uvloop", body)


# what is asked


@both_loops
def test_sessions_are_told_with_what_they_do(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            silent = await running.esme()
            esme.send(submit(GENUINE, 2) + submit(SCAM, 3) + b"\0\0")
            await upstream.pdu()
            upstream.send(pdu(Command.DELIVER_SM, 9, b"receipt"))
            await esme.pdus(2)
            await until(lambda: len(running.gate.sessions.describe()) == 2)
            first, second = (await operator.say(do="sessions"))["ok"]
            assert first.pop("age_s") >= first.pop("idle_s") >= 0
            assert first == {
                "session": 1,
                "client": "bank1",
                "address": "{}:{}".format(*esme.writer.get_extra_info("sockname")),
                "state": "bound",
                "upstream": "smsc",
                "in_flight": 1,
                "in_flight_mo": 1,
                "judged": 2,
                "rate_per_s": first["rate_per_s"],
                "buffered_bytes": 2,
            }
            assert (second["client"], second["state"], second["upstream"]) == ("", "open", "")
            assert "{}:{}".format(*silent.writer.get_extra_info("sockname")) == second["address"]

    run_on(loop_name, body)


@both_loops
def test_a_kick_lets_the_answer_in_flight_arrive_and_unbinds_both_sides(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            other, other_upstream = await running.bound("bank2")
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            assert await operator.say(do="kick", client="bank1") == {"ok": 1}
            upstream.send(pdu(RESP, 2, b"id\0"))
            assert await esme.pdu() == pdu(RESP, 2, b"id\0")
            unbind = await esme.pdu()
            assert unbind[4:8] == UNBIND
            esme.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
            unbind = await upstream.pdu()
            assert unbind[4:8] == UNBIND
            upstream.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
            assert await esme.eof() == b""
            assert await operator.say(do="kick", client="bank1") == {"ok": 0}
            other.send(submit(GENUINE, 3))
            assert await other_upstream.pdu() == submit(GENUINE, 3)

    run_on(loop_name, body)


@both_loops
def test_a_kick_at_once_closes_without_a_word(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            assert await operator.say(do="kick", client="bank1", at_once=True) == {"ok": 1}
            assert await esme.eof() == b""
            assert await upstream.eof() == b""

    run_on(loop_name, body)


def test_an_esme_that_hangs_is_cut_off_when_the_drain_time_has_passed(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path, drain_timeout_s=0.2) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            await operator.say(do="kick", client="bank1")
            assert (await esme.eof())[4:8] == UNBIND  # nobody answers it
            assert await upstream.eof() == b""

    run_on("uvloop", body)


def test_who_is_kicked_twice_and_drained_then_is_unbound_once(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path, drain_timeout_s=0.5) as running, asker(path) as operator:
            esme, _ = await running.bound()
            for _ in range(3):
                assert await operator.say(do="kick", client="bank1") == {"ok": 1}
            stopping = asyncio.create_task(running.gate.sessions.drain())
            said = await esme.eof()
            assert (len(said), said[4:8]) == (16, UNBIND)
            await stopping

    run_on("uvloop", body)


@pytest.mark.parametrize("answered", [True, False])
def test_a_kick_during_a_bind_ends_the_session_once_the_bind_is_answered_or_the_time_is_over(
    path: Path, answered: bool
) -> None:
    async def body() -> None:
        async with wire(control=path, drain_timeout_s=0.4) as running, asker(path) as operator:
            esme = await running.esme()
            esme.send(bind())
            upstream = await running.smsc.connection()
            await upstream.pdu()
            assert await operator.say(do="kick", client="bank1") == {"ok": 1}
            if answered:
                upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
                assert await esme.pdu() == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0")
                assert (await esme.pdu())[4:8] == UNBIND
            assert await esme.eof() == b""

    run_on("uvloop", body)


@both_loops
def test_monitor_only_passes_and_counts_what_would_be_blocked_until_it_is_off(
    loop_name: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            metrics = running.gate.metrics
            esme, upstream = await running.bound()
            other, _ = await running.bound("bank2")
            assert await operator.say(do="monitor") == {"ok": {}}
            on = {"bank1": "a campaign\nforged"}
            assert await operator.say(do="monitor", on=True, client="bank1", reason=on["bank1"]) == {"ok": on}
            esme.send(submit(SCAM, 2))
            other.send(submit(SCAM, 2))
            assert await upstream.pdu() == submit(SCAM, 2)
            assert await other.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            assert metrics.rule_hits == {
                ("other", "T-1", "block", "monitor"): 1,
                ("other", "T-1", "block", "enforce"): 1,
            }
            assert metrics.monitor_only == 1
            assert await operator.say(do="monitor", on=False) == {"ok": on}  # all: it was on for one
            assert await operator.say(do="monitor") == {"ok": on}
            assert await operator.say(do="monitor", on=False, client="bank1") == {"ok": {}}
            assert metrics.monitor_only == 0
            esme.send(submit(SCAM, 3))
            assert await esme.pdu() == pdu(RESP, 3, status=Status.ESME_RX_R_APPN)

    with caplog.at_level(logging.WARNING, "smsgate"):
        run_on(loop_name, body)
    begun, _, ended = (line for line in lines(caplog) if "monitor-only" in line)
    assert begun == r'WARNING monitor-only begins: nothing is refused  client=bank1 reason="a campaign\nforged"'
    assert ended == "WARNING monitor-only ends  client=bank1"


def test_monitor_only_for_all_is_for_all_and_for_those_who_come(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            assert await operator.say(do="monitor", on=True, reason="incident") == {"ok": {"*": "incident"}}
            later, later_upstream = await running.bound("bank2")
            for sender, smsc in ((esme, upstream), (later, later_upstream)):
                sender.send(submit(SCAM, 2))
                assert await smsc.pdu() == submit(SCAM, 2)
            assert await operator.say(do="monitor", on=False) == {"ok": {}}
            for sender in (esme, later):
                sender.send(submit(SCAM, 3))
                assert await sender.pdu() == pdu(RESP, 3, status=Status.ESME_RX_R_APPN)

    run_on("uvloop", body)


def test_monitor_only_needs_a_reason_and_has_a_bound(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            assert await operator.say(do="monitor", on=True) == {"error": "monitor-only needs a reason"}
            for number in range(MAX_SWITCHES):
                await operator.say(do="monitor", on=True, client=f"c{number}", reason="x")
            assert "error" in await operator.say(do="monitor", on=True, client="more", reason="x")
            assert "ok" in await operator.say(do="monitor", on=True, client="c0", reason="y")
            assert len(running.gate.policy.monitor_only) == MAX_SWITCHES

    run_on("uvloop", body)


def test_a_reload_takes_up_a_certificate_and_a_broken_one_is_told_and_not_taken(path: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    pem, ca = tmp_path / "gate.pem", tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)

    async def body() -> None:
        listener = ListenerSettings(LOCAL, ListenerTls(pem, pem))
        async with wire(control=path, listeners=(listener,)) as running, asker(path) as operator:
            contexts = running.gate.worker.contexts
            first = contexts.listener(0)
            assert await operator.say(do="reload") == {"ok": {"certificates": "", "rules": None}}
            second = contexts.listener(0)
            assert second is not first
            pem.write_text("no certificate")
            fault = (await operator.say(do="reload"))["ok"]["certificates"]
            assert fault.startswith("certificates not reloaded, the old ones stay in force: ")
            assert str(pem) in fault
            assert contexts.listener(0) is second

    run_on("uvloop", body)


# the trace


def told(records: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(record["way"], record["command"], record["status"]) for record in records]


@both_loops
def test_a_trace_tells_the_headers_both_ways_and_nothing_else(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            esme, upstream = await running.bound()
            other, other_upstream = await running.bound("bank2")
            assert "ok" in await operator.say(do="trace", client="bank1")
            other.send(submit(GENUINE, 2))
            await other_upstream.pdu()
            esme.send(submit(GENUINE, 2) + submit(SCAM, 3))
            await upstream.pdu()
            upstream.send(pdu(RESP, 2, status=Status.ESME_RTHROTTLED))
            await esme.pdus(2)
            records = [await operator.heard() for _ in range(6)]
            assert sorted(told(records)) == sorted(
                [
                    ("esme > gate", "submit_sm", 0),
                    ("esme > gate", "submit_sm", 0),
                    ("gate > smsc", "submit_sm", 0),
                    ("gate > esme", "submit_sm_resp", Status.ESME_RX_R_APPN),
                    ("smsc > gate", "submit_sm_resp", Status.ESME_RTHROTTLED),
                    ("gate > esme", "submit_sm_resp", Status.ESME_RTHROTTLED),
                ]
            )
            assert {record["client"] for record in records} == {"bank1"}
            wanted = {"at", "session", "client", "way", "command", "length", "status", "sequence"}
            assert all(set(record) == wanted for record in records)

    run_on(loop_name, body)


def test_a_trace_of_a_client_that_is_not_there_begins_with_its_bind_even_a_refused_one(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running, asker(path) as operator:
            await operator.say(do="trace", client="bank1")
            esme = await running.esme()
            esme.send(bind())
            upstream = await running.smsc.connection()
            await upstream.pdu()
            upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, status=Status.ESME_RBINDFAIL))
            await esme.pdu()
            esme.send(bind(2) + pdu(Command.ENQUIRE_LINK, 3))
            await upstream.pdu()
            assert told([await operator.heard() for _ in range(6)]) == [
                ("gate > smsc", "bind_transceiver", 0),
                ("smsc > gate", "bind_transceiver_resp", Status.ESME_RBINDFAIL),
                ("gate > esme", "bind_transceiver_resp", Status.ESME_RBINDFAIL),
                ("esme > gate", "bind_transceiver", 0),
                ("esme > gate", "enquire_link", 0),
                ("gate > smsc", "bind_transceiver", 0),
            ]

    run_on("uvloop", body)


def test_a_trace_is_as_plain_where_the_upstream_is_tls(path: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def body() -> None:
        smsc = FakeSmsc()
        smsc.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(smsc.context)
        await smsc.start()
        upstream_settings = UpstreamSettings("smsc", smsc.address, tls=UpstreamTls(tmp_path / "ca.pem"))
        async with wire(control=path, upstreams=(upstream_settings,)) as running, asker(path) as operator:
            secret = Wire(running.gate, smsc)
            esme, upstream = await secret.bound()
            await operator.say(do="trace", client="bank1")
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            upstream.send(pdu(RESP, 2, b"id\0"))
            await esme.pdu()
            assert [record[:2] for record in told([await operator.heard() for _ in range(4)])] == [
                ("esme > gate", "submit_sm"),
                ("gate > smsc", "submit_sm"),
                ("smsc > gate", "submit_sm_resp"),
                ("gate > esme", "submit_sm_resp"),
            ]
            await esme.close()
            await smsc.close()

    run_on("uvloop", body)


def test_several_may_read_along_and_the_last_to_go_ends_it(path: Path) -> None:
    async def body() -> None:
        async with wire(control=path) as running:
            esme, _ = await running.bound()
            (relay,) = running.gate.sessions._relays
            async with asker(path) as one:
                await one.say(do="trace", client="bank1")
                async with asker(path) as two:
                    await two.say(do="trace", client="bank1")
                    esme.send(pdu(Command.ENQUIRE_LINK, 2))
                    assert await one.heard() == await two.heard()
                await one.heard()
                esme.send(pdu(Command.ENQUIRE_LINK, 3))
                assert (await one.heard())["sequence"] == 3
                assert relay.downstream.tap is not None
            await until(lambda: relay.downstream.tap is None)

    run_on("uvloop", body)


# askers who misbehave


ECHO = 10_000


class Echo:
    """What is asked; hands its trace to the test."""

    emit: Emit | None = None
    server: ControlServer

    async def operate(self, what: str, arguments: Any) -> Any:
        return arguments.get("client", "") * ECHO

    def trace(self, client: str, emit: Emit | None) -> None:
        self.emit = emit


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[Echo]:
    echo = Echo()
    server = echo.server = ControlServer(path, echo)
    await server.start(takeover=False)
    try:
        yield echo
    finally:
        server.close()
        await until(lambda: not server._tasks)


@both_loops
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xff\xfe garbage", "no JSON"),
        (b"", "no JSON"),
        (b"[" * 60_000, "no JSON"),
        (b"[]", "expected an object"),
        (b"{}", "expected an object"),
        (b'{"do": ["sessions"]}', "expected an object"),
        (b'{"do": "explode"}', "unknown request 'explode'"),
        (b'{"do": "sessions", "clinet": "x"}', "found the key 'clinet'"),
        (b'{"do": "kick"}', "kick needs a client"),
        (b'{"do": "trace"}', "trace needs a client"),
        (b'{"do": "kick", "client": {}}', "client: expected 1 to"),
        (b'{"do": "kick", "client": ""}', "client: expected 1 to"),
        (b'{"do": "kick", "client": "x", "at_once": 1}', "at_once: expected true or false"),
        (b'{"do": "monitor", "on": true, "reason": "%s"}' % (b"x" * (MAX_TEXT_CHARS + 1)), "reason: expected 1 to"),
    ],
)
def test_what_is_no_request_is_told_so_and_the_next_is_answered(
    loop_name: str, path: Path, line: bytes, words: str
) -> None:
    async def body() -> None:
        async with wire(control=path), asker(path) as operator:
            operator.send(line + b"\n")
            assert words in (await operator.heard())["error"]
            assert await operator.say(do="sessions") == {"ok": []}

    run_on(loop_name, body)


@both_loops
def test_a_flood_without_a_line_ends_is_refused(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with serving(path), asker(path) as operator:
            operator.send(b"x" * (3 * MAX_REQUEST_BYTES))
            assert await operator.heard() == {"error": f"a request of more than {MAX_REQUEST_BYTES} octets"}

    run_on(loop_name, body)


@both_loops
def test_an_asker_who_says_no_more_still_gets_a_long_answer_whole(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with serving(path):
            for size in range(10, 60, 2):  # the kernel holds some of it, and its share must not decide
                async with asker(path) as operator:
                    operator.send(json.dumps({"do": "echo", "client": "x" * size}).encode() + b"\n")
                    operator.writer.write_eof()
                    assert json.loads(await operator.eof()) == {"ok": "x" * size * ECHO}

    run_on(loop_name, body)


@both_loops
def test_an_asker_who_does_not_read_or_does_not_speak_is_let_go(
    loop_name: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ASKER_S", 0.2)

    async def body() -> None:
        async with serving(path) as echo, asker(path) as silent:
            assert await silent.eof() == b""
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.connect(str(path))
                deaf.sendall(b'{"do": "echo", "client": "%s"}\n' % (b"x" * 100) * 100)
                deaf.setblocking(False)
                loop = asyncio.get_running_loop()
                received = b""
                await until(lambda: bool(echo.server._tasks))
                await until(lambda: not echo.server._tasks)
                with suppress(ConnectionResetError):
                    while data := await loop.sock_recv(deaf, 2**20):
                        received += data
                assert 0 < len(received) < 1_000_000  # not even one answer: what the kernel held of it

    run_on(loop_name, body)


@both_loops
def test_a_trace_that_nobody_reads_is_bounded_and_says_what_it_left_out(loop_name: str, path: Path) -> None:
    emitted = 100_000

    async def body() -> None:
        loop = asyncio.get_running_loop()
        async with serving(path) as echo:
            with socket.socket(socket.AF_UNIX) as deaf:
                deaf.connect(str(path))
                deaf.sendall(b'{"do": "trace", "client": "bank1"}\n')
                deaf.setblocking(False)
                await until(lambda: echo.emit is not None)
                assert echo.emit is not None
                for number in range(emitted):
                    echo.emit({"n": number})
                received, last = await loop.sock_recv(deaf, 4096), emitted
                while b"left_out" not in received[: received.rfind(b"\n") + 1]:
                    echo.emit({"n": last})
                    last += 1
                    received += await loop.sock_recv(deaf, 2**20)
                assert len(received) < emitted * 10  # octets, of 14 or so each
                lines = received[: received.rindex(b"\n")].splitlines()
                at = next(index for index, line in enumerate(lines) if b"left_out" in line)
                before, after = json.loads(lines[at - 1]), json.loads(lines[at])
                assert after["n"] == before["n"] + 1 + after["left_out"]
            await until(lambda: echo.emit is None)

    run_on(loop_name, body)


@both_loops
def test_what_an_asker_says_during_a_trace_is_thrown_away_and_its_end_ends_it(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with serving(path) as echo, asker(path) as operator:
            await operator.say(do="trace", client="bank1")
            for _ in range(100):
                operator.send(b"x" * 100_000)
                await operator.writer.drain()
            assert echo.emit is not None
            operator.writer.write_eof()
            assert await operator.eof() == b""
            assert echo.emit is None

    run_on(loop_name, body)


@both_loops
def test_there_is_a_bound_to_askers_and_who_goes_makes_room(loop_name: str, path: Path) -> None:
    async def body() -> None:
        async with serving(path) as echo:
            askers = [Asker(*await asyncio.open_unix_connection(path)) for _ in range(MAX_ASKERS)]
            for number, one in enumerate(askers):
                await one.say(do="trace", client=f"c{number}")
            async with asker(path) as more:
                assert await more.heard() == {"error": f"{MAX_ASKERS} others are asking already"}
                assert await more.eof() == b""
            await askers[-1].close()
            await until(lambda: echo.emit is None)
            async with asker(path) as more:
                assert await more.say(do="echo") == {"ok": ""}
            for one in askers:
                await one.close()

    run_on(loop_name, body)
