"""`smsgate simulate`: parties to try the gate with."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
import uvloop

from smsgate.cli.common import out, refuse, status_name
from smsgate.cli.sender import Sender, answers
from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.settings import Address

simulate = typer.Typer(no_args_is_help=True, help="Simulate an SMSC or a sender to try the gate with.")


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
    settings = SimulatorSettings(
        listen=_address(listen),
        latency_s=latency,
        error_rate=error_rate,
        throttle_rate=throttle_rate,
        receipt_delay_s=receipt_delay,
    )
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except OSError as error:
        refuse(f"can't listen on {listen}: {error.strerror}")


@simulate.command()
def esme(
    connect: Annotated[str, typer.Option(metavar="HOST:PORT", help="The gate, or an SMSC.")],
    system_id: Annotated[str, typer.Option(help="The client to be.")] = "demo",
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.01, max=1000)] = 10.0,
    scams: Annotated[float, typer.Option(help="Share of scams among them.", min=0, max=1)] = 0.1,
) -> None:
    """Simulate a sender: binds, and sends the demo's messages at random moments until Ctrl-C.

    smsgate simulate esme --connect 127.0.0.1:2775
    """
    sender = Sender(system_id, rate, scams)
    gate = _address(connect)
    out.print(f"client {system_id!r} sends to {gate}, {rate:g} messages a second", markup=False)
    out.file.flush()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_send(sender, gate))
    out.print(f"{sender.answered} answers, {sender.refused} of them refusals")


@simulate.command()
def message(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="What to send, one after the other.")],
    connect: Annotated[str, typer.Option(metavar="HOST:PORT", help="The gate, or an SMSC.")],
    sender: Annotated[str, typer.Option(help="The source address.")] = "33639981301",
    system_id: Annotated[str, typer.Option(help="The client to be.")] = "demo",
) -> None:
    """Send messages to a gate and show what each is answered.

    smsgate simulate message --connect 127.0.0.1:2775 "Votre solde CPF expire : https://cpf.example"
    """
    gate = _address(connect)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_show_answers(gate, system_id, sender, texts))
        except OSError as error:
            refuse(f"{gate}: {error.strerror or str(error) or 'no answer'}")


async def _show_answers(gate: Address, system_id: str, sender: str, texts: list[str]) -> None:
    async for status in answers(gate, system_id, sender, texts):
        out.print(f"answered {status_name(status)}", style="bold red" if status else "green")


async def _send(sender: Sender, gate: Address) -> None:
    sending = asyncio.create_task(sender.run(gate))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, sending.cancel)
    await asyncio.wait([sending])


def _address(text: str) -> Address:
    """HOST:PORT. Raises BadParameter when it is none."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise typer.BadParameter(f"found {text!r}, expected HOST:PORT such as 127.0.0.1:2776")
    return Address(host.strip("[]"), int(port))


async def _serve(settings: SimulatorSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await serve(settings)
    out.print(f"simulated SMSC listening on {Address(*server.address)}", markup=False)
    out.file.flush()
    await stop.wait()
    await server.close()
