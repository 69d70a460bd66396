"""Kannel as the ESME: bearerbox and smsbox, messages given to smsbox's HTTP interface, reports fetched from us.

One Kannel serves all tests of the file, and no test rests on what another left behind.
"""

from __future__ import annotations

import shutil
import socket
import string
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import BLOCKED, EMOJI, GSM, LATIN, LONG, RECIPIENT, SENDER, Sample
from tests.interop.parties import SUBMIT_RESP, TIMEOUT_S, Background, Chain, SimulatedSmsc, chain_to, free_port, status

TEMPLATE: Final = Path(__file__).parent / "kannel" / "kannel.conf"
DELIVERED, ACCEPTED, REFUSED = "1", "8", "16"
"""Kannel's names of delivery reports: from the handset, by the SMSC, refused by the SMSC."""
LATIN_OF_KANNEL: Final = b"Votre h?tel vous re\xc7oit d\xe8s 15h, \xe0 bient?t"
"""Kannel keeps text as GSM-7, and makes Latin-1 of that: what GSM-7 hasn't got is lost before it is sent."""

pytestmark = [
    pytest.mark.skipif(
        shutil.which("bearerbox", path="/usr/sbin:/usr/bin") is None, reason="needs Kannel: apt-get install kannel"
    ),
    pytest.mark.timeout(120),
]


class Reports(ThreadingHTTPServer):
    """Keeps the delivery reports that Kannel sends: one query string each."""

    def __init__(self, chain: Chain) -> None:
        super().__init__(("127.0.0.1", 0), ReportHandler)
        self.chain = chain
        self.kept: list[dict[str, str]] = []
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class ReportHandler(BaseHTTPRequestHandler):
    """Takes one report."""

    server: Reports

    def do_GET(self) -> None:
        report = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        with self.server.chain.changed:
            self.server.kept.append(report)
            self.server.chain.changed.notify_all()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Kannel:
    """A running bearerbox and smsbox, both binds accepted."""

    def __init__(self, chain: Chain, reports: Reports, folder: Path) -> None:
        self.chain = chain
        self.reports = reports
        self._send_port = free_port()
        self._config = folder / "kannel.conf"
        self._config.write_text(
            string.Template(TEMPLATE.read_text()).substitute(
                ADMIN_PORT=free_port(), BOX_PORT=free_port(), SEND_PORT=self._send_port, GATE_PORT=chain.down.address[1]
            )
        )
        self.log = folder / "kannel.log"

    def run(self, stack: ExitStack) -> None:
        """Start both boxes; the stack ends them."""
        self._start("bearerbox", stack)
        self.chain.wait(lambda: len(self.chain.down.received(Command.BIND_TRANSCEIVER | RESPONSE)) == 2)
        self._start("smsbox", stack)
        deadline = monotonic() + TIMEOUT_S
        while not self._smsbox_listens():  # which nothing announces
            assert monotonic() < deadline, self.log.read_text()
            with self.chain.changed:
                self.chain.changed.wait(0.02)

    def _start(self, box: str, stack: ExitStack) -> None:
        log = stack.enter_context(self.log.open("ab"))
        process = subprocess.Popen([f"/usr/sbin/{box}", "-v", "1", self._config], stdout=log, stderr=log)
        stack.callback(process.kill)
        stack.callback(process.wait, TIMEOUT_S)
        stack.callback(process.terminate)

    def _smsbox_listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._send_port)) == 0

    def send(self, text: str, number: str, **fields: str) -> None:
        """Give a message to smsbox. Its reports carry `number`, which should be its own."""
        report = f"http://127.0.0.1:{self.reports.server_port}/?number={number}&kind=%d&answer=%A"
        query = {"username": "test", "password": "test", "from": SENDER, "to": RECIPIENT, "charset": "UTF-8"}
        query |= {"smsc": "gsm", "text": text, "dlr-mask": "31", "dlr-url": report, **fields}
        url = f"http://127.0.0.1:{self._send_port}/cgi-bin/sendsms?{urlencode(query)}"
        with urlopen(url, timeout=TIMEOUT_S) as answer:
            assert answer.status == 202

    def report(self, number: str, kind: str) -> dict[str, str]:
        """Wait for a report of a kind on a message."""
        found = self.chain.wait(
            lambda: [one for one in self.reports.kept if (one["number"], one["kind"]) == (number, kind)]
        )
        return found[0]


@pytest.fixture(scope="module")
def smsc(background: Background) -> Iterator[SimulatedSmsc]:
    running = SimulatedSmsc(background)
    yield running
    running.close()


@pytest.fixture(scope="module")
def chain(smsc: SimulatedSmsc, background: Background, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with chain_to(smsc.address, tmp_path_factory.mktemp("gate"), background) as running:
        yield running
    running.check_untouched()


@pytest.fixture(scope="module")
def kannel(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    with Reports(chain) as reports, ExitStack() as stack:
        running = Kannel(chain, reports, tmp_path_factory.mktemp("kannel"))
        running.run(stack)
        yield running
        stack.close()
        reports.shutdown()
    assert len(chain.up.received(Command.UNBIND | RESPONSE)) == 2  # Kannel ended both binds, and heard so


@pytest.mark.parametrize(
    ("sample", "octets", "fields", "coding"),
    [
        pytest.param(GSM, GSM.octets, {"coding": "0"}, 0, id="gsm7"),
        pytest.param(LATIN, LATIN_OF_KANNEL, {"coding": "0", "smsc": "latin"}, 0, id="latin1 under data_coding 0"),
        pytest.param(EMOJI, EMOJI.octets, {"coding": "2"}, 8, id="ucs2"),
    ],
)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(
    chain: Chain, kannel: Kannel, sample: Sample, octets: bytes, fields: dict[str, str], coding: int
) -> None:
    kannel.send(sample.text, sample.name, **fields)
    kannel.report(sample.name, ACCEPTED)
    assert (octets, coding) in [(pdu.short_message, pdu.data_coding) for pdu in chain.submits()]
    kannel.send(sample.scam, sample.name + "-scam", **fields)
    answer = kannel.report(sample.name + "-scam", REFUSED)["answer"]
    assert answer.startswith(f"NACK/0x{BLOCKED:08x}/")


def test_a_long_message_in_segments(chain: Chain, kannel: Kannel) -> None:
    kannel.send(LONG, "long")
    parts = chain.wait(lambda: three(pdu.short_message for pdu in chain.submits() if pdu.esm_class & 0x40))
    assert b"".join(part[6:] for part in parts).decode() == LONG
    kannel.report("long", DELIVERED)


def three(parts: Iterable[bytes]) -> list[bytes]:
    """The segments, once there are three."""
    found = list(parts)
    return found if len(found) == 3 else []


def test_a_receipt_comes_back(kannel: Kannel) -> None:
    kannel.send("Bonjour", "receipt")
    assert "stat:DELIVRD" in kannel.report("receipt", DELIVERED)["answer"]


def test_enquire_link(chain: Chain, kannel: Kannel) -> None:
    chain.wait(lambda: chain.down.received(Command.ENQUIRE_LINK | RESPONSE))


def test_an_error_of_the_smsc_is_final(kannel: Kannel, smsc: SimulatedSmsc) -> None:
    smsc.behave(error_rate=1.0, error_status=Status.ESME_RINVDSTADR)
    try:
        kannel.send("Bonjour", "error")
        assert kannel.report("error", REFUSED)["answer"].startswith(f"NACK/0x{Status.ESME_RINVDSTADR:08x}/")
    finally:
        smsc.behave(error_rate=0.0)


def test_a_throttled_message_is_sent_again(chain: Chain, kannel: Kannel, smsc: SimulatedSmsc) -> None:
    smsc.behave(throttle_rate=1.0)
    try:
        kannel.send("Bonjour", "throttled")
        chain.wait(lambda: Status.ESME_RTHROTTLED in map(status, chain.down.received(SUBMIT_RESP)))
    finally:
        smsc.behave(throttle_rate=0.0)
    kannel.report("throttled", ACCEPTED)
