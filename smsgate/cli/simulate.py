"""`smsgate simulate`: parties to try the gate with."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
import uvloop

from smsgate.cli.common import err, out
from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address

simulate = typer.Typer(no_args_is_help=True, help="Simulated parties to try the gate with.")


@simulate.callback()
def _simulate() -> None:
    """Keeps `smsc` a subcommand while it is the only one."""


@simulate.command()
def smsc(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 lets the system choose.")],
    latency: Annotated[float, typer.Option(help="Seconds before each answer.", min=0)] = 0.0,
    error_rate: Annotated[float, typer.Option(help="Share of messages refused with 0x08.", min=0, max=1)] = 0.0,
    throttle_rate: Annotated[float, typer.Option(help="Share of messages refused with 0x58.", min=0, max=1)] = 0.0,
    receipt_delay: Annotated[float, typer.Option(help="Seconds before a delivery receipt.", min=0)] = 0.1,
) -> None:
    """Simulate an SMSC: accepts every bind, answers every message, sends delivery receipts where asked.

    smsgate simulate smsc --listen 127.0.0.1:2776 --latency 0.02
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        err.print(
            f"smsgate: found {listen!r}, expected HOST:PORT such as 127.0.0.1:2776", style="bold red", markup=False
        )
        raise typer.Exit(2)
    settings = SimulatorSettings(
        listen=Address(host.strip("[]"), int(port)),
        latency_s=latency,
        error_rate=error_rate,
        throttle_rate=throttle_rate,
        receipt_delay_s=receipt_delay,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except OSError as error:
        err.print(f"smsgate: can't listen on {listen}: {error.strerror}", style="bold red", markup=False)
        raise typer.Exit(1) from None


async def _serve(settings: SimulatorSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await serve(settings)
    out.print(f"simulated SMSC listening on {Address(*server.address)}", markup=False)
    out.file.flush()
    await stop.wait()
    await server.close()
