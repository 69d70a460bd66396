"""`smsgate simulate smsc`, `smsgate demo` and the help of every command, as their users start them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path

import pytest

from smsgate.cli.traffic import SAMPLES
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import GENUINE, Peer, bind, pdu, submit
from tests.programs import invoke, program

RESP = Command.SUBMIT_SM | RESPONSE


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ([], pdu(RESP, 2, b"00000001\0")),
        (["--error-rate", "1"], pdu(RESP, 2, status=Status.ESME_RSYSERR)),
        (["--throttle-rate", "1.0", "--latency", "0.01"], pdu(RESP, 2, status=Status.ESME_RTHROTTLED)),
    ],
)
def test_a_simulated_smsc_prints_its_address_answers_and_ends_on_sigterm(options: list[str], answer: bytes) -> None:
    async def main() -> None:
        async with program("simulate", "smsc", "--listen", "127.0.0.1:0", *options) as smsc:
            address = await smsc.address("simulated SMSC listening on ")
            esme = Peer(*await asyncio.open_connection(address.host, address.port))
            esme.send(bind() + submit(GENUINE, 2))
            assert (await esme.pdu())[4:12] == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1)[4:12]
            assert await esme.pdu() == answer
            smsc.process.send_signal(signal.SIGTERM)
            assert await smsc.ended() == (0, "")
            await esme.close()

    asyncio.run(main())


@pytest.mark.parametrize("listen", ["2776", "127.0.0.1", "127.0.0.1:", ":2776", "127.0.0.1:65536", "127.0.0.1:-1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    result = invoke("simulate", "smsc", "--listen", listen)
    assert result.exit_code == 2
    assert f"found {listen!r}, expected HOST:PORT such as 127.0.0.1:2776" in result.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        result = invoke("simulate", "smsc", "--listen", listen)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"smsgate: can't listen on {listen}: ")
    assert "address already in use" in result.stderr


@pytest.mark.parametrize("option", ["--error-rate", "--throttle-rate"])
def test_a_share_above_one_is_refused(option: str) -> None:
    result = invoke("simulate", "smsc", "--listen", "127.0.0.1:0", option, "1.5")
    assert result.exit_code == 2


def test_the_demo_blocks_every_scam_passes_the_rest_and_ends(tmp_path: Path) -> None:
    """Started outside the checkout, so with the packs that came with the program."""

    async def main() -> None:
        scams = sum(sample.scam for sample in SAMPLES)
        genuine = len(SAMPLES) - scams
        async with program("demo", "--once", folder=tmp_path) as demo:
            await demo.line(rf".*{scams} of {scams} scams blocked   {genuine} of {genuine} genuine messages passed.*")
            await demo.line(r"from http://127\.0\.0\.1:\d+/metrics:")
            await demo.line(rf'smsgate_messages_total{{client="other",direction="mt",verdict="block"}} {scams}\.0')
            assert await demo.ended() == (0, "")

    asyncio.run(main())


COMMANDS = ["run", "demo", "check", "explain", "backtest", "simulate smsc"]


def test_the_first_help_shows_how_to_go_on() -> None:
    shown = invoke("--help").stdout
    for command in ("smsgate demo", "smsgate check rules/", "smsgate backtest --rules", "smsgate run --config"):
        assert command in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_something_to_copy(command: str) -> None:
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    if command == "run":
        assert 'listeners: [{bind: "0.0.0.0:2775"}]' in result.stdout
    else:
        lines = [line.strip() for line in result.stdout.splitlines()]
        assert [line for line in lines if line.startswith(f"smsgate {command} ")]


def test_the_examples_of_the_help_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one of `explain`, and the line that the help of `backtest` writes to a file."""
    monkeypatch.chdir(tmp_path)
    example = next(line for line in invoke("explain", "--help").stdout.splitlines() if "smsgate explain" in line)
    result = invoke("explain", "--json", example.split('"')[1])
    assert json.loads(result.stdout)["verdict"] == "block"
    echo = next(line for line in invoke("backtest", "--help").stdout.splitlines() if "echo" in line)
    (tmp_path / "messages.jsonl").write_text(echo.split("'")[1])
    assert json.loads(invoke("backtest", "--json", "messages.jsonl").stdout)["messages"] == 1
