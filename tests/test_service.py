"""A gate under signals: certificates renewed, a next generation that takes over without a message or a connect lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smsgate import service
from smsgate.net.simulator import SimulatorSettings, Smsc, serve
from smsgate.settings import Address, Settings
from smsgate.smpp.constants import RESPONSE, Command
from tests.authority import Authority
from tests.gates import GENUINE, SCAM, TIMEOUT_S, Peer, bind, pdu, submit
from tests.programs import Program, pack_in, program

BIND_RESP = Command.BIND_TRANSCEIVER | RESPONSE
RESP = Command.SUBMIT_SM | RESPONSE
SENDERS = 6


def config_in(folder: Path, smsc: Smsc, more: str = "", listener: str = "") -> Path:
    pack_in(folder)
    file = folder / "smsgate.yaml"
    file.write_text(
        f'listeners: [{{bind: "127.0.0.1:0"{listener}}}]\nupstreams: [{{address: "{Address(*smsc.address)}"}}]\n'
        f'rules: [rules/]\nmetrics: {{bind: "127.0.0.1:0"}}\n{more}'
    )
    return file


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[tuple[Program, Address]]:
    async with program("run", "--config", config, folder=Path("/")) as gate:
        address = await gate.address("listening on ")
        await gate.line("ready")
        yield gate, address


async def log_line(gate: Program, pattern: str) -> re.Match[str]:
    assert gate.process.stderr is not None
    async with asyncio.timeout(2 * TIMEOUT_S):
        while raw := await gate.process.stderr.readline():
            if match := re.search(pattern, raw.decode()):
                return match
    raise AssertionError(f"no log line like {pattern!r}")


class Sender:
    """An ESME that sends without end over the same client, binds again when it is unbound, and remembers every answer."""

    def __init__(self, address: Address, index: int) -> None:
        self.address = address
        self.client = f"client{index}"
        self.sequence = 1_000_000 * (index + 1)
        self.sent: set[int] = set()
        self.answers: Counter[int] = Counter()
        self.binds = 0
        self.stop = False

    async def run(self) -> None:
        while not self.stop:
            peer = Peer(*await asyncio.open_connection(self.address.host, self.address.port))
            try:
                await self.session(peer)
            finally:
                await peer.close()

    async def session(self, peer: Peer) -> None:
        peer.send(bind(system_id=self.client))
        assert (await peer.pdu())[4:12] == pdu(BIND_RESP, 1)[4:12]
        self.binds += 1
        window: set[int] = set()
        while True:
            while len(window) < 5 and not self.stop:
                self.sequence += 1
                window.add(self.sequence)
                self.sent.add(self.sequence)
                peer.send(submit(SCAM if self.sequence % 3 == 0 else GENUINE, self.sequence))
            if not window:
                return
            command, sequence = await self.answer(peer, window)
            if command == Command.UNBIND:
                while window:  # what was sent before the unbind came is still answered
                    await self.answer(peer, window)
                peer.send(pdu(Command.UNBIND | RESPONSE, sequence))
                await peer.eof()
                return

    async def answer(self, peer: Peer, window: set[int]) -> tuple[int, int]:
        """The next PDU that is no receipt: its command and sequence number."""
        while True:
            got = await peer.pdu()
            command, sequence = int.from_bytes(got[4:8], "big"), int.from_bytes(got[12:16], "big")
            if command == Command.DELIVER_SM:
                peer.send(pdu(Command.DELIVER_SM | RESPONSE, sequence, b"\0"))
                continue
            if command != Command.UNBIND:
                assert command == RESP
                self.answers[sequence] += 1
                window.discard(sequence)
            return command, sequence


def differences(counted: Counter[int], expected: set[int]) -> dict[int, int]:
    """What was not counted exactly once, or should not have been."""
    return {number: counted[number] for number in expected | set(counted) if counted[number] != (number in expected)}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_next_generation_takes_over_under_load_and_nothing_is_lost_or_doubled(tmp_path: Path, workers: int) -> None:
    async def main() -> None:
        seen: Counter[int] = Counter()

        def note(received: bytes) -> None:
            if received[4:8] == pdu(Command.SUBMIT_SM, 0)[4:8]:
                seen[int.from_bytes(received[12:16], "big")] += 1

        smsc = await serve(SimulatorSettings(on_pdu=note))
        config = config_in(tmp_path, smsc, f"workers: {workers}\ndrain_timeout: 20s\n")
        try:
            async with running(config) as (gate, address):
                senders = [Sender(address, index) for index in range(SENDERS)]
                tasks = [asyncio.create_task(sender.run()) for sender in senders]
                while min(sender.binds for sender in senders) < 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                gate.process.send_signal(signal.SIGUSR2)
                successor = int((await log_line(gate, r'next generation starts".* "pid": (\d+)'))[1])
                try:
                    assert await gate.address("listening on ") == address
                    await gate.line("ready")
                    while min(sender.binds for sender in senders) < 2:
                        await asyncio.sleep(0.01)
                        for task in tasks:
                            assert not task.done() or task.result() is None
                    async with asyncio.timeout(2 * TIMEOUT_S):
                        while gate.process.returncode is None:  # noqa: ASYNC110  # `wait` waits for its heir's pipes too
                            await asyncio.sleep(0.01)
                    assert gate.process.returncode == 0
                    for sender in senders:
                        sender.stop = True
                    await asyncio.gather(*tasks)
                finally:
                    with suppress(ProcessLookupError):
                        os.kill(successor, signal.SIGTERM)
                await gate.ended()  # and its heir, which has the same standard error
                sent = set.union(*(sender.sent for sender in senders))
                answers = sum((sender.answers for sender in senders), Counter[int]())
                assert differences(answers, sent) == {}
                assert differences(seen, {sequence for sequence in sent if sequence % 3}) == {}
        finally:
            await smsc.close()

    asyncio.run(main())


def test_a_next_generation_that_does_not_start_leaves_this_one_in_charge(tmp_path: Path) -> None:
    async def main() -> None:
        smsc = await serve(SimulatorSettings())
        config = config_in(tmp_path, smsc)
        try:
            async with running(config) as (gate, address):
                good = config.read_text()
                config.write_text("listeners: nonsense\n")
                gate.process.send_signal(signal.SIGUSR2)
                await log_line(gate, "did not get ready: this one stays")
                config.write_text(good)
                peer = Peer(*await asyncio.open_connection(address.host, address.port))
                peer.send(bind())
                await peer.pdu()
                await peer.close()
        finally:
            await smsc.close()

    asyncio.run(main())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_renewed_certificate_is_taken_up_without_a_restart_and_a_broken_one_is_not(
    tmp_path: Path, workers: int
) -> None:
    async def shown(address: Address) -> bytes:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        peer = Peer(*await asyncio.open_connection(address.host, address.port, ssl=context))
        certificate = peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        await peer.close()
        assert isinstance(certificate, bytes)
        return certificate

    async def main() -> None:
        first = Authority(tmp_path)
        (tmp_path / "renewed").mkdir()
        renewed = Authority(tmp_path / "renewed")
        smsc = await serve(SimulatorSettings())
        tls = f', tls: {{certificate: "{first.certificate}", key: "{first.key}"}}'
        try:
            async with running(config_in(tmp_path, smsc, f"workers: {workers}\n", tls)) as (gate, address):
                before = await shown(address)
                first.certificate.write_text("no certificate")
                gate.process.send_signal(signal.SIGHUP)
                for _ in range(workers):
                    assert (await log_line(gate, r'certificates not reloaded".*"listener .*: (\S+) and its key'))[
                        1
                    ] == str(first.certificate)
                assert await shown(address) == before
                first.certificate.write_bytes(renewed.certificate.read_bytes())
                first.key.write_bytes(renewed.key.read_bytes())
                gate.process.send_signal(signal.SIGHUP)
                for _ in range(workers):
                    await log_line(gate, "certificates reloaded")
                for _ in range(workers):
                    assert await shown(address) not in {before, b""}
        finally:
            await smsc.close()

    asyncio.run(main())


def test_workers_whose_supervisor_is_killed_drain_and_end(tmp_path: Path) -> None:
    async def main() -> None:
        smsc = await serve(SimulatorSettings())
        try:
            async with running(config_in(tmp_path, smsc, "workers: 2\n")) as (gate, address):
                peer = Peer(*await asyncio.open_connection(address.host, address.port))
                peer.send(bind())
                await peer.pdu()
                gate.process.kill()
                unbind = await peer.pdu()
                assert unbind[4:8] == Command.UNBIND.to_bytes(4, "big")
                peer.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
                assert await peer.eof() == b""
                await peer.close()
                await gate.ended()  # standard error is closed: no worker is left
        finally:
            await smsc.close()

    asyncio.run(main())


@asynccontextmanager
async def service_manager(address: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[list[str]]]:
    """A systemd that listens at this address; what it is told, line by line, as it comes."""
    told: asyncio.Queue[list[str]] = asyncio.Queue()

    class Manager(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            told.put_nowait(data.decode().split("\n"))

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address.replace("@", "\0", 1))
    sock.setblocking(False)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Manager, sock=sock)
    try:
        yield told
    finally:
        transport.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_when_the_gate_is_ready_reloads_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    async def main() -> None:
        address = f"@smsgate-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
        smsc = await serve(SimulatorSettings())
        try:
            async with (
                asyncio.timeout(3 * TIMEOUT_S),
                service_manager(address, monkeypatch) as told,
                running(config_in(tmp_path, smsc)) as (gate, _),
            ):
                assert await told.get() == ["READY=1", f"MAINPID={gate.process.pid}"]
                gate.process.send_signal(signal.SIGHUP)
                reloading, since = await told.get()
                assert reloading == "RELOADING=1"
                assert re.fullmatch(r"MONOTONIC_USEC=\d+", since)
                assert await told.get() == ["READY=1"]
                gate.process.send_signal(signal.SIGTERM)
                assert await told.get() == ["STOPPING=1"]
                assert (await gate.ended())[0] == 0
        finally:
            await smsc.close()

    asyncio.run(main())


def test_systemd_is_told_of_the_next_generation_and_not_that_the_first_one_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        smsc = await serve(SimulatorSettings())
        try:
            async with (
                asyncio.timeout(4 * TIMEOUT_S),
                service_manager(str(tmp_path / "notify"), monkeypatch) as told,
                running(config_in(tmp_path, smsc)) as (gate, _),
            ):
                await told.get()
                gate.process.send_signal(signal.SIGUSR2)
                successor = int((await log_line(gate, r'next generation starts".* "pid": (\d+)'))[1])
                try:
                    assert await told.get() == ["READY=1", f"MAINPID={successor}"]
                    while gate.process.returncode is None:  # noqa: ASYNC110  # `wait` waits for its heir's pipes too
                        await asyncio.sleep(0.01)
                finally:
                    os.kill(successor, signal.SIGTERM)
                await gate.ended()
                assert await told.get() == ["STOPPING=1"]  # the successor's
                assert told.empty()
        finally:
            await smsc.close()

    asyncio.run(main())


def test_a_service_manager_that_is_gone_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
        smsc = await serve(SimulatorSettings())
        try:
            async with running(config_in(tmp_path, smsc)) as (gate, _):
                gate.process.send_signal(signal.SIGTERM)
                code, log = await gate.ended()
                assert (code, log.count("\n"), '"level": "info"' in log) == (0, 1, True)
        finally:
            await smsc.close()

    asyncio.run(main())


def test_the_secret_outlives_the_process_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings((), (), (), state=tmp_path / "state")
    secret = service._kept_secret(settings)
    assert secret == settings.secret
    assert service._kept_secret(replace(settings, secret=bytes(32))) == secret
    file = tmp_path / "state" / "secret"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(service.ListenError, match="5 octets, expected 32"):
        service._kept_secret(settings)
