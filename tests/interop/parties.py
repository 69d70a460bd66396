"""The parties of one test: an ESME's connection, a tap, the gate as a process of its own, a second tap, an SMSC.

A `Tap` forwards bytes and keeps them. With one on each side of the gate a test sees what the ESME wrote and what the
SMSC read, whatever the stacks themselves report, and `Chain.check_untouched` compares the two.

Taps and the simulated SMSC run on an event loop in a thread, so that blocking stacks and child processes can be tested
without ceremony. Everything that arrives notifies one condition; `Chain.wait` waits on that and never polls.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from smpplib import smpp
from smpplib.client import SimpleSequenceGenerator

from smsgate.net.simulator import SimulatorSettings, Smsc, serve
from smsgate.smpp.constants import HEADER, RESPONSE, Command

ROOT: Final = Path(__file__).parents[2]
GATE: Final = Path(sys.executable).with_name("smsgate")
TIMEOUT_S: Final = 20.0
SUBMIT_RESP: Final = Command.SUBMIT_SM | RESPONSE
T = TypeVar("T")


def whole_pdus(stream: bytes | bytearray) -> list[bytes]:
    """The PDUs of a byte stream; one that has not come whole is left out."""
    found = []
    while len(stream) >= HEADER.size and HEADER.size <= int.from_bytes(stream[:4], "big") <= len(stream):
        length = int.from_bytes(stream[:4], "big")
        found.append(bytes(stream[:length]))
        stream = stream[length:]
    return found


def command(pdu: bytes) -> int:
    """A PDU's command_id."""
    return int.from_bytes(pdu[4:8], "big")


def status(pdu: bytes) -> int:
    """A PDU's command_status."""
    return int.from_bytes(pdu[8:12], "big")


def parsed(pdu: bytes) -> Any:
    """A PDU as smpplib reads it: fields are attributes, all data octets."""
    return smpp.parse_pdu(pdu, client=SimpleSequenceGenerator(), allow_unknown_opt_params=True)


def free_port() -> int:
    """A TCP port that nobody listens on now, for programs that can't be told to choose one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Background:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and wait for what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT_S)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""

        async def cancel_all() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(TIMEOUT_S)
        self.loop.close()


@dataclass(slots=True)
class Conversation:
    """The bytes of one connection: `sent` by the side that connected, `received` by it."""

    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)


class Tap:
    """Listens on a free port, forwards each connection to `target`, keeps the bytes of both directions."""

    def __init__(self, target: tuple[str, int], changed: threading.Condition) -> None:
        self.conversations: list[Conversation] = []
        self._target = target
        self._changed = changed
        self._running: set[asyncio.Task[None] | None] = set()  # asyncio itself may forget a connection that waits

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.address: tuple[str, int] = self._server.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        self._server.close()

    def sent(self, wanted: int | None = None) -> list[bytes]:
        """The PDUs that came from the connecting side, of one command or all, over all connections."""
        return self._pdus([one.sent for one in self.conversations], wanted)

    def received(self, wanted: int | None = None) -> list[bytes]:
        """The PDUs that went to the connecting side."""
        return self._pdus([one.received for one in self.conversations], wanted)

    @staticmethod
    def _pdus(streams: list[bytearray], wanted: int | None) -> list[bytes]:
        pdus = [pdu for stream in streams for pdu in whole_pdus(stream)]
        return [pdu for pdu in pdus if wanted is None or command(pdu) == wanted]

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._running.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            self._running.discard(task)
            writer.close()
            return
        conversation = Conversation()
        self.conversations.append(conversation)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer, conversation.sent))
                both.create_task(self._pump(far_reader, writer, conversation.received))
        finally:
            self._running.discard(task)
            far_writer.close()
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                with self._changed:
                    kept += data
                    self._changed.notify_all()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


class GateProcess:
    """`smsgate run` with a configuration file, the shipped rules, and free ports."""

    def __init__(self, folder: Path, upstream: tuple[str, int]) -> None:
        config = folder / "smsgate.yaml"
        config.write_text(
            f'listeners: [{{bind: "127.0.0.1:0"}}]\nupstreams: [{{address: "127.0.0.1:{upstream[1]}"}}]\n'
            f'rules: ["{ROOT / "rules"}"]\nmetrics: {{bind: "127.0.0.1:0"}}\n'
        )
        self._log = folder / "smsgate.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [GATE, "run", "--config", config], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("listening on "):
                host, port = line.split()[-1].rsplit(":", 1)
                self.address = host, int(port)
            elif line == "ready\n":
                return
        self.process.wait()
        self.process.stdout.close()
        raise AssertionError(self._log.read_text())

    def terminate(self) -> None:
        """SIGTERM: the gate begins to drain."""
        self.process.terminate()

    def close(self) -> None:
        """End it; it ends well and has logged no fault of its own."""
        self.terminate()
        try:
            self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()
        assert self.process.returncode == 0, self._log.read_text()
        assert "Traceback" not in self._log.read_text()


@dataclass(slots=True)
class Chain:
    """A running gate between two taps. ESMEs connect to `down.address`; `up` leads to the SMSC."""

    down: Tap
    gate: GateProcess
    up: Tap
    changed: threading.Condition

    def wait(self, condition: Callable[[], T]) -> T:
        """Wait until a condition on what the taps or a receiver hold is met; what it returned."""
        with self.changed:
            result = self.changed.wait_for(condition, TIMEOUT_S)
        assert result, "what was waited for did not come"
        return result

    def submits(self) -> list[Any]:
        """The submit_sm that reached the SMSC, read by smpplib."""
        return [parsed(pdu) for pdu in self.up.sent(Command.SUBMIT_SM)]

    def refused(self) -> list[bytes]:
        """The submit_sm_resp that the gate itself gave."""
        return [pdu for pdu in self.originated() if command(pdu) == SUBMIT_RESP]

    def originated(self) -> list[bytes]:
        """The PDUs that ESMEs received and no SMSC sent."""
        theirs = self.up.received()
        return [pdu for pdu in self.down.received() if pdu not in theirs]

    def check_untouched(self) -> None:
        """The SMSC read what ESMEs wrote but for the refused messages; they read what it wrote and the refusals."""
        own = self.originated()
        assert all(command(pdu) == SUBMIT_RESP and status(pdu) for pdu in own), own
        upstream = {whole_pdus(one.sent)[0]: one for one in self.up.conversations}  # by its bind
        for downstream in self.down.conversations:
            behind = upstream.pop(whole_pdus(downstream.sent)[0])
            refused = {pdu[12:16] for pdu in whole_pdus(downstream.received) if pdu in own}
            passed = [
                pdu
                for pdu in whole_pdus(downstream.sent)
                if not (command(pdu) == Command.SUBMIT_SM and pdu[12:16] in refused)
            ]
            assert b"".join(passed) == behind.sent
            answers = [pdu for pdu in whole_pdus(downstream.received) if pdu not in own]
            assert b"".join(answers) == behind.received
        assert not upstream


class SimulatedSmsc:
    """The simulator; `behave` changes how it answers from the next message on."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._smsc: Smsc = background.run(serve(SimulatorSettings(passwords={"bank1": "secret"})))
        self.address = self._smsc.address

    def behave(self, **changes: Any) -> None:
        self._smsc.settings = replace(self._smsc.settings, **changes)

    def close(self) -> None:
        self._background.run(self._smsc.close())


@contextmanager
def chain_to(smsc: tuple[str, int], folder: Path, background: Background) -> Iterator[Chain]:
    """A gate in front of an SMSC's address, with its taps."""
    changed = threading.Condition()
    up = Tap(smsc, changed)
    background.run(up.listen())
    gate = GateProcess(folder, up.address)
    down = Tap(gate.address, changed)
    background.run(down.listen())
    try:
        yield Chain(down, gate, up, changed)
    finally:
        background.run(down.close())
        gate.close()
        background.run(up.close())
