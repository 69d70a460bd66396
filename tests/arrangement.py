"""A gate as a process of its own in front of a simulated SMSC, with a control socket to ask it through."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from typer.testing import Result

from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address
from smsgate.smpp.constants import RESPONSE, Command
from tests.gates import Peer, bind, pdu
from tests.programs import PACK, Program, invoke, pack_in, program


class Running:
    """A gate as a process, in front of a simulated SMSC."""

    def __init__(self, gate: Program, address: Address, config: Path) -> None:
        self.gate = gate
        self.address = address
        self.config = config
        self.peers: list[Peer] = []
        self.told_to_end = False

    def end(self) -> None:
        """Tell the gate to end, once: a second SIGTERM kills a program that is past its handlers. `send_signal` may reap it,
        and asyncio then knows no exit code."""
        if not self.told_to_end:
            self.told_to_end = True
            os.kill(self.gate.process.pid, signal.SIGTERM)

    async def bound(self, client: str) -> Peer:
        esme = Peer(*await asyncio.open_connection(self.address.host, self.address.port))
        self.peers.append(esme)
        esme.send(bind(system_id=client))
        assert (await esme.pdu())[4:12] == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1)[4:12]
        return esme

    async def ask(self, *arguments: str) -> Result:
        """One of the commands, in a thread: it blocks."""
        return await asyncio.to_thread(invoke, *arguments, "--config", self.config)


@asynccontextmanager
async def running(
    folder: Path,
    workers: int,
    more: str = "",
    settings: str = "",
    on_pdu: Callable[[bytes], None] | None = None,
    text: str = PACK,
) -> AsyncIterator[Running]:
    """`more` goes on in the listener, `settings` in the configuration; `on_pdu` sees what reaches the SMSC."""
    upstream = await serve(SimulatorSettings(receipt_delay_s=60.0, on_pdu=on_pdu))
    pack_in(folder, text)
    config = folder / "smsgate.yaml"
    config.write_text(
        f'listeners: [{{bind: "127.0.0.1:0"{more}}}]\nupstreams: [{{address: "{Address(*upstream.address)}"}}]\n'
        f"rules: [rules/]\nworkers: {workers}\ncontrol: gate.sock\ndrain_timeout: 1s\n{settings}"
    )
    try:
        async with program("run", "--config", config, folder=Path("/")) as gate:
            address = await gate.address("listening on ")
            await gate.line("ready")
            one = Running(gate, address, config)
            try:
                yield one
            finally:
                for peer in one.peers:
                    await peer.close()
            one.end()
            code, log = await gate.ended()
            assert (code, "Traceback" in log) == (0, False), log
        assert not (folder / "gate.sock").exists()
    finally:
        await upstream.close()
