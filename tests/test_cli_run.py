"""`smsgate run` as a process: what it prints, how it ends, and how it refuses to start."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from smsgate import service
from smsgate.config.rules import Loaded
from smsgate.net.simulator import SimulatorSettings, Smsc, serve
from smsgate.settings import Address, Settings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.worker import Gate
from tests.gates import GENUINE, SCAM, TIMEOUT_S, Peer, bind, pdu, submit
from tests.programs import PACK, Program, file_size_limit, invoke, pack_in, program

LATENCY_S = 0.3
"""Of the simulated SMSC, where an answer must still be on its way when the signal comes."""


def config_in(folder: Path, upstream: Address, *, port: int = 0, more: str = "") -> Path:
    pack_in(folder)
    file = folder / "smsgate.yaml"
    file.write_text(
        f'listeners: [{{bind: "127.0.0.1:{port}"}}]\nupstreams: [{{address: "{upstream}"}}]\nrules: [rules/]\n{more}'
    )
    return file


@asynccontextmanager
async def smsc(settings: SimulatorSettings | None = None) -> AsyncIterator[Smsc]:
    running = await serve(settings or SimulatorSettings())
    try:
        yield running
    finally:
        await running.close()


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[tuple[Program, Address]]:
    """A gate that is ready, and where it listens."""
    async with program("run", "--config", config, folder=Path("/")) as gate:
        address = await gate.address("listening on ")
        await gate.line("ready")
        yield gate, address


async def connected(address: Address) -> Peer:
    return Peer(*await asyncio.open_connection(address.host, address.port))


async def unbound(esme: Peer, gate: Address) -> None:
    """Take the gate's unbind, see that it accepts nobody any more, agree, and see the connection end."""
    unbind = await esme.pdu()
    assert unbind[4:8] == Command.UNBIND.to_bytes(4, "big")
    with pytest.raises(OSError, match=r"refused|failed"):
        await connected(gate)
    esme.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:16], "big")))
    assert await esme.eof() == b""
    await esme.close()


def test_addresses_then_ready_and_sigterm_while_idle_exits_with_0(tmp_path: Path) -> None:
    async def main() -> None:
        config = config_in(tmp_path, Address("127.0.0.1", 9), more='metrics: {bind: "127.0.0.1:0"}\n')
        async with program("run", "--config", config, folder=Path("/")) as gate:
            await gate.line(r"listening on 127\.0\.0\.1:[1-9][0-9]*")
            page = await gate.line(r"metrics on (http://127\.0\.0\.1:[1-9][0-9]*/metrics)")
            assert await asyncio.to_thread(get, page[1]) == 200
            await gate.line("rule set [0-9a-f]+: 3 rules")
            await gate.line("ready")
            gate.process.send_signal(signal.SIGTERM)
            code, log = await gate.ended()
            assert (code, json.loads(log)["event"]) == (0, "ready")  # one line

    asyncio.run(main())


def get(url: str) -> int:
    with urlopen(url, timeout=TIMEOUT_S) as page:
        status: int = page.status
    return status


@pytest.mark.parametrize("event_loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_answer_in_flight_arrive_then_unbinds(
    tmp_path: Path, event_loop: str, number: signal.Signals
) -> None:
    async def main() -> None:
        received: asyncio.Queue[bytes] = asyncio.Queue()
        settings = SimulatorSettings(latency_s=LATENCY_S, receipt_delay_s=60.0, on_pdu=received.put_nowait)
        async with smsc(settings) as upstream:
            config = config_in(tmp_path, Address(*upstream.address), more=f"event_loop: {event_loop}\n")
            async with running(config) as (gate, address):
                esme = await connected(address)
                esme.send(bind() + submit(GENUINE, 2) + submit(SCAM, 3))
                assert (await esme.pdu())[4:12] == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1)[4:12]
                assert await esme.pdu() == pdu(Command.SUBMIT_SM | RESPONSE, 3, status=Status.ESME_RX_R_APPN)
                async with asyncio.timeout(TIMEOUT_S):
                    assert [await received.get(), await received.get()] == [bind(), submit(GENUINE, 2)]
                gate.process.send_signal(number)
                assert await esme.pdu() == pdu(Command.SUBMIT_SM | RESPONSE, 2, b"00000001\0")
                await unbound(esme, address)
                code, log = await gate.ended()
                assert code == 0
                assert "Traceback" not in log
            assert (await received.get())[4:8] == Command.UNBIND.to_bytes(4, "big")
            assert received.empty()

    asyncio.run(main())


def test_the_log_goes_to_standard_error_one_line_an_event(tmp_path: Path) -> None:
    async def main() -> None:
        async with smsc() as upstream, running(config_in(tmp_path, Address(*upstream.address))) as (gate, address):
            esme = await connected(address)
            esme.send(bind())
            await esme.pdu()
            gate.process.send_signal(signal.SIGTERM)
            await unbound(esme, address)
            code, log = await gate.ended()
            assert code == 0
            ready, bound, ended = map(json.loads, log.splitlines())
            assert (ready["event"], ready["rules"], ready["listeners"]) == ("ready", 3, [str(address)])
            assert (bound["event"], bound["client"], bound["address"][:10]) == ("bound", "bank1", "127.0.0.1:")
            assert (ended["event"], ended["client"], ended["reason"]) == (
                "ended",
                "bank1",
                "over, after unbinding_smsc",
            )

    asyncio.run(main())


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("event_loop", ["uvloop", "asyncio"])
def test_a_port_that_is_taken_is_named_and_ends_with_1(tmp_path: Path, taken: int, event_loop: str) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9), port=taken, more=f"event_loop: {event_loop}\n")
    assert_refused(config, 1, "smsgate: can't start: ", "127.0.0.1", str(taken), "ddress already in use")


def test_a_metrics_port_that_is_taken_is_named_too(tmp_path: Path, taken: int) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9), more=f'metrics: {{bind: "127.0.0.1:{taken}"}}\n')
    assert_refused(config, 1, "smsgate: can't start: ", f"127.0.0.1:{taken}: Address already in use")


@pytest.mark.parametrize(
    ("workers", "octets", "what"), [(1, 64, "the rules"), (2, 1 << 20, "the table of limits (16 MB)")]
)
def test_a_limit_on_file_sizes_that_memory_falls_under_is_named(
    tmp_path: Path, workers: int, octets: int, what: str
) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9), more=f"workers: {workers}\n")
    with file_size_limit(octets):
        assert_refused(config, 1, f"smsgate: can't start: no room in memory for {what}: File too large", "LimitFSIZE=")


def test_broken_yaml_is_told_with_its_place(tmp_path: Path) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9), more="clients: {bank1: [\n")
    assert_refused(config, 2, f"{config}:5:1: found a YAML syntax error", "1 fault found")


def test_every_fault_of_the_configuration_is_told(tmp_path: Path) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9), more="metrix: {}\ndrain_timeout: never\n")
    assert_refused(config, 2, f"{config}:4:1: ", "did you mean 'metrics'?", f"{config}:5:16: ", "2 faults found")


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.yaml", 2, "none.yaml:1:1: found no such file")


def test_rules_whose_examples_fail_are_not_run(tmp_path: Path) -> None:
    config = config_in(tmp_path, Address("127.0.0.1", 9))
    pack = pack_in(tmp_path, PACK.replace('["Bonjour"]', '["Votre code expire"]')) / "test.yaml"
    assert_refused(config, 2, f"{pack}:20:14: ", "1 fault found")


def assert_refused(config: Path, code: int, *words: str) -> None:
    """`run` ends by itself with this exit code, and these words, in order, on standard error."""

    async def main() -> None:
        async with program("run", "--config", config) as gate:
            ended, complaints = await gate.ended()
            assert re.search(".*".join(map(re.escape, words)), complaints, re.DOTALL), complaints
            assert ended == code

    asyncio.run(main())


def test_an_ipv6_address_is_printed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`[fd00::1]` looks like a tag to what styles the terminal."""

    def started_only(
        settings: Settings, load: Callable[[], Loaded], started: Callable[[service.Service], None]
    ) -> None:
        async def main() -> None:
            gate = Gate(settings, load().rules)
            gate.addresses = [Address("fd00::1", 2775)]
            started(gate)

        asyncio.run(main())

    monkeypatch.setattr(service, "run", started_only)
    result = invoke("run", "--config", config_in(tmp_path, Address("127.0.0.1", 9)))
    assert result.stdout.splitlines()[0] == "listening on [fd00::1]:2775"
