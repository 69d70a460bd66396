"""`smsgate demo`: the main job on one screen.

A simulated SMSC, the gate and a sender (an aiosmpplib ESME) run in this process on free ports and speak SMPP over real
sockets. The sender replays the sample traffic of `traffic`; the screen shows what came back for each message.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter, deque
from collections.abc import Iterator
from typing import Annotated
from urllib.request import urlopen

import typer
import uvloop
from aiosmpplib import ESME, NPI, TON, AbstractHook, PhoneNumber, SmppMessage, SubmitSm
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smsgate.cli.common import default_rules, out, status_name, told_faults
from smsgate.cli.traffic import SAMPLES, Sample
from smsgate.config.rules import load_rules
from smsgate.net.simulator import SimulatorSettings, serve
from smsgate.rules.engine import RuleSet
from smsgate.settings import Address, ListenerSettings, Settings, UpstreamSettings
from smsgate.smpp.constants import HEADER, RESPONSE, Command
from smsgate.worker import Gate

LOCAL = Address("127.0.0.1", 0)
CLIENT = "demo"
RECIPIENT = "33639980001"  # in the range that is set aside for fiction
SHOWN = 16
"""Messages on the screen."""
SHOWN_SAMPLES = 5
"""Of each family of metrics, at the end."""
PAUSE_S = 0.4
"""Between two messages, so that eyes can follow; `--once` does not wait."""
ANSWER_S = 10.0


def demo(
    once: Annotated[bool, typer.Option("--once", help="Replay the sample traffic once, then end.")] = False,
) -> None:
    """See the gate at work: sender, gate and a simulated SMSC on this machine, with sample traffic.

    Scams about training accounts (CPF) and health insurance (Ameli, carte Vitale) are answered with an error and never
    reach the SMSC; one-time passwords, appointments and genuine Ameli and CPF messages pass untouched.
    Ctrl-C ends it.

        smsgate demo --once
    """
    with told_faults():
        rules = load_rules([default_rules()])
    logging.getLogger("smsgate").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            scoreboard = runner.run(_play(rules, once=once))
        except KeyboardInterrupt:
            return
    if scoreboard.mistakes:
        raise typer.Exit(1)


class Scoreboard(AbstractHook):  # type: ignore[misc]  # aiosmpplib ships no types
    """What was sent and what came back. aiosmpplib calls it with every PDU."""

    def __init__(self) -> None:
        self.recent: deque[tuple[Sample, int]] = deque(maxlen=SHOWN)
        self.counts: Counter[tuple[bool, bool]] = Counter()  # (scam, refused)
        self.at_smsc = 0
        self.answered = asyncio.Event()
        self._sent: dict[int, Sample] = {}
        self._samples: dict[str, Sample] = {}

    @property
    def mistakes(self) -> int:
        """Scams that passed and genuine messages that did not."""
        return self.counts[True, False] + self.counts[False, True]

    def count_at_smsc(self, pdu: bytes) -> None:
        """The simulated SMSC has received a PDU."""
        self.at_smsc += HEADER.unpack_from(pdu)[1] == Command.SUBMIT_SM

    def message(self, sample: Sample) -> SubmitSm:
        """The submit_sm for a sample."""
        alphanumeric = not sample.sender.isdigit()
        ton = (
            TON.ALPHANUMERIC if alphanumeric else TON.INTERNATIONAL if len(sample.sender) > 6 else TON.NETWORK_SPECIFIC
        )
        message = SubmitSm(
            short_message=sample.text,
            source=PhoneNumber(sample.sender, ton=ton, npi=NPI.UNKNOWN if alphanumeric else NPI.ISDN),
            destination=PhoneNumber(RECIPIENT),
            registered_delivery=0,
            log_id=str(len(self._samples)),
        )
        self._samples[message.log_id] = sample
        return message

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:  # noqa: ARG002
        """A PDU leaves the ESME."""
        if isinstance(smpp_message, SubmitSm):
            self._sent[HEADER.unpack_from(pdu)[3]] = self._samples.pop(smpp_message.log_id)

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:  # noqa: ARG002
        """A PDU reaches the ESME."""
        _, command, status, sequence = HEADER.unpack_from(pdu)
        if command == Command.SUBMIT_SM | RESPONSE and sequence in self._sent:
            sample = self._sent.pop(sequence)
            self.counts[sample.scam, status != 0] += 1
            self.recent.append((sample, status))
            self.answered.set()

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:  # noqa: ARG002
        """The ESME could not send: the demo cannot go on."""
        raise error

    def screen(self) -> Table:
        """The table of the latest messages."""
        table = Table(title="sender -> smsgate -> SMSC", title_justify="left", expand=True, box=None, pad_edge=False)
        table.add_column("sender", width=12, no_wrap=True)
        table.add_column("message", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("verdict", width=32, no_wrap=True)
        for sample, status in self.recent:
            verdict = Text(f"blocked  {status_name(status)}", "bold red") if status else Text("passed", "green")
            table.add_row(Text(sample.sender, "cyan"), Text(" ".join(sample.text.split())), verdict)
        return table

    def summary(self) -> Text:
        """One line of totals."""
        scams, genuine = self._total(scam=True), self._total(scam=False)
        return Text.assemble(
            (f"{self.counts[True, True]} of {scams} scams blocked", "bold red"),
            "   ",
            (f"{self.counts[False, False]} of {genuine} genuine messages passed", "bold green"),
            f"   {self.at_smsc} reached the SMSC",
        )

    def _total(self, *, scam: bool) -> int:
        return self.counts[scam, True] + self.counts[scam, False]


async def _play(rules: RuleSet, *, once: bool) -> Scoreboard:
    scoreboard = Scoreboard()
    smsc = await serve(SimulatorSettings(on_pdu=scoreboard.count_at_smsc))
    settings = Settings(
        listeners=(ListenerSettings(LOCAL),),
        upstreams=(UpstreamSettings("smsc", Address(*smsc.address)),),
        rules=(),
        metrics=LOCAL,
    )
    gate = Gate(settings, rules)
    await gate.start()
    assert gate.admin is not None
    metrics = f"http://{gate.admin.address}/metrics"
    out.print(
        f"SMSC on {Address(*smsc.address)}, smsgate on {gate.addresses[0]} with {len(rules.rules)} rules, metrics on {metrics}"
    )
    esme = ESME(
        smsc_host=gate.addresses[0].host,
        smsc_port=gate.addresses[0].port,
        system_id=CLIENT,
        password="demo",  # noqa: S106  # the simulated SMSC takes any
        hook=scoreboard,
        log_level=logging.CRITICAL,
    )
    sending = asyncio.create_task(esme.start())
    try:
        with Live(console=out, refresh_per_second=10) as live:
            for sample in _traffic(once=once):
                await esme.broker.enqueue(scoreboard.message(sample))
                async with asyncio.timeout(ANSWER_S):
                    await scoreboard.answered.wait()
                scoreboard.answered.clear()
                live.update(Group(scoreboard.screen(), Text(), scoreboard.summary()))
                await asyncio.sleep(0 if once else PAUSE_S)
        out.print()
        page = await asyncio.to_thread(_fetch, metrics)
        out.print(f"from {metrics}:", style="dim")
        out.print(Text("\n".join(_shown(page, "smsgate_messages_total{") + _shown(page, "smsgate_rule_hits_total{"))))
    finally:
        await esme.stop()
        await asyncio.wait([sending])
        await gate.stop()
        await smsc.close()
    return scoreboard


def _traffic(*, once: bool) -> Iterator[Sample]:
    """Scams among the genuine, evenly; again and again unless `once`."""
    return iter(SAMPLES) if once else itertools.cycle(SAMPLES)


def _shown(page: str, family: str) -> list[str]:
    """The greatest samples of a family on a page of metrics, without those that are 0."""
    samples = [line for line in page.splitlines() if line.startswith(family) and not line.endswith(" 0.0")]
    return sorted(samples, key=lambda line: -float(line.rpartition(" ")[2]))[:SHOWN_SAMPLES]


def _fetch(url: str) -> str:
    with urlopen(url, timeout=5) as page:  # noqa: S310  # our own address
        text: str = page.read().decode()
    return text
