"""The operator's commands at a gate that runs as a process of its own: with one worker, and with two."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner

from smsgate.cli import app
from smsgate.cli.sessions import _span
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.arrangement import Running, running
from tests.gates import GENUINE, SCAM, bind, pdu, submit
from tests.programs import invoke, pack_in, program

RESP = Command.SUBMIT_SM | RESPONSE
workers = pytest.mark.parametrize("workers", [1, 2])


@workers
def test_sessions_are_listed_by_client_and_the_oldest_first(tmp_path: Path, workers: int) -> None:
    async def main() -> None:
        async with running(tmp_path, workers) as gate:
            assert (await gate.ask("sessions")).stdout == "no sessions\n"
            assert (await gate.ask("sessions", "--json")).stdout == ""
            for client in ("zebra", "alpha", "\x1b[2Jbad", "alpha"):
                await gate.bound(client)
            result = await gate.ask("sessions")
            head, *rows = result.stdout.splitlines()
            columns = ["client", "address", *(["worker"] if workers > 1 else []), "state", "upstream", "age", "idle"]
            columns += ["in flight MT/MO", "judged", "rate/s", "buffered"]
            assert re.split(r" {2,}", head.strip()) == columns
            assert [row.split()[0] for row in rows] == ["\\x1b[2Jbad", "alpha", "alpha", "zebra"]
            assert "\x1b" not in result.stdout
            narrow = CliRunner(env={"COLUMNS": "40", "NO_COLOR": "1"})
            result = await asyncio.to_thread(narrow.invoke, app, ["sessions", "--config", str(gate.config)])
            assert re.split(r" {2,}", result.stdout.splitlines()[0].strip()) == columns
            assert "\u2026" not in result.stdout
            as_json = [json.loads(line) for line in (await gate.ask("sessions", "--json")).stdout.splitlines()]
            assert [session["client"] for session in as_json] == ["\x1b[2Jbad", "alpha", "alpha", "zebra"]
            assert as_json[1]["age_s"] >= as_json[2]["age_s"]
            assert all(("worker" in session) == (workers > 1) for session in as_json)

    asyncio.run(main())


@workers
@pytest.mark.parametrize("at_once", [(), ("--at-once",)])
def test_kick_says_how_many_sessions_it_ended(tmp_path: Path, workers: int, at_once: tuple[str, ...]) -> None:
    async def main() -> None:
        async with running(tmp_path, workers) as gate:
            kicked = [await gate.bound("alpha"), await gate.bound("alpha")]
            stays = await gate.bound("beta")
            result = await gate.ask("kick", "alpha", *at_once)
            assert (result.exit_code, result.stdout) == (0, "alpha: 2 sessions ended\n")
            for esme in kicked:
                if not at_once:
                    unbind = await esme.pdu()
                    assert unbind[4:8] == Command.UNBIND.to_bytes(4, "big")
                    esme.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
                assert await esme.eof() == b""
            result = await gate.ask("kick", "nobody")
            assert (result.exit_code, result.stdout, result.stderr) == (1, "", "smsgate: nobody has no session\n")
            stays.send(submit(GENUINE, 2))
            assert (await stays.pdu())[4:16] == pdu(RESP, 2)[4:16]

    asyncio.run(main())


@workers
def test_monitor_switches_one_client_or_all_and_tells_what_is_on(tmp_path: Path, workers: int) -> None:
    async def main() -> None:
        async with running(tmp_path, workers) as gate:
            off = "monitor-only is off: verdicts are enforced\n"
            assert (await gate.ask("monitor")).stdout == off
            assert (await gate.ask("monitor", "on")).exit_code == 2
            alpha, beta = await gate.bound("alpha"), await gate.bound("beta")
            result = await gate.ask("monitor", "on", "alpha", "--reason", "a campaign")
            assert result.stdout == "monitor-only for alpha: a campaign\n"
            alpha.send(submit(SCAM, 2))
            beta.send(submit(SCAM, 2))
            assert (await alpha.pdu())[4:16] == pdu(RESP, 2)[4:16]
            assert await beta.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            await gate.ask("monitor", "on", "--reason", "incident")
            everything = "monitor-only for all clients: incident\nmonitor-only for alpha: a campaign\n"
            assert (await gate.ask("monitor")).stdout == everything
            told = json.loads((await gate.ask("monitor", "--json")).stdout)
            assert told == {"*": "incident", "alpha": "a campaign"}
            beta.send(submit(SCAM, 3))
            assert (await beta.pdu())[4:16] == pdu(RESP, 3)[4:16]
            assert (await gate.ask("monitor", "off", "alpha")).stdout == "monitor-only for all clients: incident\n"
            assert (await gate.ask("monitor", "off")).stdout == off
            alpha.send(submit(SCAM, 3))
            assert await alpha.pdu() == pdu(RESP, 3, status=Status.ESME_RX_R_APPN)

    asyncio.run(main())


@workers
def test_trace_prints_a_line_for_each_pdu(tmp_path: Path, workers: int) -> None:
    async def main() -> None:
        async with (
            running(tmp_path, workers) as gate,
            program("trace", "alpha", "--count", "7", "--config", gate.config) as trace,
        ):
            await until_traced(gate)
            esme = await gate.bound("alpha")
            esme.send(submit(SCAM, 2) + pdu(Command.ENQUIRE_LINK, 3))
            lines = [(await trace.line(r"(.*)"))[1] for _ in range(7)]
            assert await trace.ended() == (0, "")
            stamp = r"\d\d:\d\d:\d\d\.\d{3}  #\d+ +"
            size = len(submit(SCAM, 2))
            for expected in (
                rf"gate > smsc  bind_transceiver +{len(bind())} octets  sequence 1",
                r"smsc > gate  bind_transceiver_resp +\d+ octets  sequence 1",
                r"gate > esme  bind_transceiver_resp +\d+ octets  sequence 1",
                rf"esme > gate  submit_sm +{size} octets  sequence 2",
                r"gate > esme  submit_sm_resp +16 octets  sequence 2  0x66 ESME_RX_R_APPN",
                r"gate > smsc  enquire_link +16 octets  sequence 3",
            ):
                assert any(re.fullmatch(stamp + expected, line) for line in lines), (expected, lines)

    asyncio.run(main())


async def until_traced(gate: Running) -> None:
    """The gate logs that a trace has begun before it answers."""
    assert gate.gate.process.stderr is not None
    while b"trace begins" not in await gate.gate.process.stderr.readline():
        pass


def test_trace_ends_with_0_on_ctrl_c_and_with_1_when_the_gate_ends(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, 1) as gate:
            esme = await gate.bound("alpha")
            for number, code in ((signal.SIGINT, 0), (None, 1)):
                async with program("trace", "alpha", "--json", "--config", gate.config) as trace:
                    await until_traced(gate)
                    esme.send(pdu(Command.ENQUIRE_LINK, 7))
                    first = json.loads((await trace.line(r"(\{.*\})"))[1])
                    assert (first["command"], first["way"], first["client"]) == ("enquire_link", "esme > gate", "alpha")
                    if number is not None:
                        trace.process.send_signal(number)
                        assert await trace.ended() == (code, "")
                    else:
                        await esme.close()
                        gate.end()
                        ended, complaint = await trace.ended()
                        assert ended == code
                        assert "the gate has closed the control socket" in complaint

    asyncio.run(main())


@workers
def test_reload_tells_whether_the_certificates_were_taken_up(tmp_path: Path, workers: int) -> None:
    pem = tmp_path / "gate.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)

    async def main() -> None:
        async with running(tmp_path, workers, ", tls: {certificate: gate.pem, key: gate.pem}") as gate:
            result = await gate.ask("reload")
            assert result.exit_code == 0
            assert re.fullmatch(
                r"rule set (\w{12}) in force: 3 rules; before: \1\ncertificates reloaded\n", result.stdout
            )
            pem.write_text("no certificate")
            result = await gate.ask("reload")
            assert result.exit_code == 1
            assert "certificates not reloaded, the old ones stay in force: " in result.stderr
            assert str(pem) in result.stderr

    asyncio.run(main())


COMMANDS = [("sessions",), ("kick", "x"), ("trace", "x"), ("monitor",), ("reload",)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_gate_that_can_not_be_asked_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "gate.sock"

    def told(words: str) -> None:
        result = invoke(*command, "--control", path)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"smsgate: {path}: {words}"), result.stderr

    told("no such socket: the gate is not running")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    told("nobody listens there: the gate is not running")


def test_who_may_not_ask_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("smsgate.cli.control.socket.socket", Forbidden)  # root, who runs tests in containers, may all
    result = invoke("sessions", "--control", tmp_path / "gate.sock")
    assert (result.exit_code, "not permitted: only the user that the gate runs as" in result.stderr) == (1, True)


def test_a_configuration_without_a_control_socket_is_told_with_the_line_to_add(tmp_path: Path) -> None:
    pack_in(tmp_path)
    config = tmp_path / "smsgate.yaml"
    config.write_text('listeners: [{bind: "127.0.0.1:0"}]\nupstreams: [{address: "127.0.0.1:9"}]\nrules: [rules/]\n')
    result = invoke("sessions", "--config", config)
    assert result.exit_code == 1
    assert f"{config} has no control socket" in result.stderr
    assert "\n    control: smsgate.sock\n" in result.stderr
    config.write_text("control: [")
    assert invoke("sessions", "--config", config).exit_code == 2


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\n", b"[1]\n", b""])
def test_what_is_no_gate_is_told(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "other.sock"

    async def main() -> None:
        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()

        async with await asyncio.start_unix_server(speak, path):
            result = await asyncio.to_thread(invoke, "sessions", "--control", path)
        assert result.exit_code == 1
        assert ("no smsgate" if answer else "closed the control socket") in result.stderr

    asyncio.run(main())


def test_a_gate_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate.cli.control.ANSWER_S", 0.1)
    path = tmp_path / "hung.sock"
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen()
        result = invoke("sessions", "--control", path)
    assert (result.exit_code, "does not answer" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0.0s"), (59.94, "59.9s"), (60.0, "1m00s"), (185.0, "3m05s"), (25_920.0, "7h12m"), (1_047_600.0, "12d03h")],
)
def test_times_are_short_enough_for_a_column(seconds: float, shown: str) -> None:
    assert _span(seconds) == shown
