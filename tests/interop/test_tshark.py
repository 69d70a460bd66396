"""What the gate says in its own name, read by Wireshark's SMPP dissector.

text2pcap makes a capture of the PDUs, so no interface has to be listened on. The gate's refusals are header-only: a
response with an error has no body (SMPP 3.4, 4.4.2).
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests import pdus
from tests.interop.messages import BLOCKED
from tests.interop.parties import TIMEOUT_S, Background, GateProcess, SimulatedSmsc, chain_to, free_port

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None or shutil.which("text2pcap") is None, reason="needs tshark: apt-get install tshark"
)
TEXT: Final = b"Votre solde CPF va expirer, voir https://cpf-droits.example/x"
NACK: Final = int(Command.GENERIC_NACK)
UNKNOWN: Final = 0x0BAD


def dissected(said: list[bytes], folder: Path) -> tuple[list[tuple[int, int]], str]:
    """command_id and command_status of each PDU as tshark reads them, and what it complains of."""
    dump, capture = folder / "pdus.txt", folder / "pdus.pcap"
    dump.write_text("".join(f"000000 {pdu.hex(' ')}\n" for pdu in said))
    subprocess.run(["text2pcap", "-q", "-T", "2775,40000", dump, capture], check=True, capture_output=True)
    fields = ["smpp.command_id", "smpp.command_status", "_ws.malformed", "_ws.expert"]
    arguments = [argument for field in fields for argument in ("-e", field)]
    output = subprocess.run(
        ["tshark", "-r", capture, "-d", "tcp.port==2775,smpp", "-T", "fields", *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line.split("\t") for line in output.splitlines()]
    # An empty field is one that the dissector hasn't got: the status of a request.
    numbers = [(int(line[0] or "0", 16), int(line[1] or "0", 16)) for line in lines]
    return numbers, "".join("".join(line[2:]) for line in lines)


def check(said: list[bytes], expected: list[tuple[int, int]], folder: Path) -> None:
    """tshark reads these PDUs, and has nothing to say about them."""
    assert dissected(said, folder) == (expected, "")


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=TIMEOUT_S)


def read_to_end(esme: socket.socket) -> bytes:
    return b"".join(iter(lambda: esme.recv(65536), b""))


def test_the_dissector_would_notice(tmp_path: Path) -> None:
    """A body that ends too soon."""
    whole = pdus.submit_sm(b"Bonjour")
    _, complaints = dissected([(len(whole) - 4).to_bytes(4, "big") + whole[4:-4]], tmp_path)
    assert complaints


REFUSALS: Final[list[tuple[Callable[[], bytes], tuple[int, int]]]] = [
    (lambda: pdus.submit_sm(TEXT, sequence=2), (Command.SUBMIT_SM | RESPONSE, BLOCKED)),
    (lambda: pdus.submit_multi(TEXT, sequence=3), (Command.SUBMIT_MULTI | RESPONSE, BLOCKED)),
    (lambda: pdus.data_sm(TEXT, sequence=4), (Command.DATA_SM | RESPONSE, BLOCKED)),
    (lambda: pdus.replace_sm(TEXT, sequence=5), (Command.REPLACE_SM | RESPONSE, BLOCKED)),
    (lambda: pdus.broadcast_sm(TEXT, sequence=6), (Command.BROADCAST_SM | RESPONSE, BLOCKED)),
    (lambda: pdus.pdu(UNKNOWN, b"text", sequence=7), (NACK, Status.ESME_RINVCMDID)),
    (lambda: b"\0\0\0\x08" + bytes(12), (NACK, Status.ESME_RINVCMDLEN)),
]


def test_refusals_and_nacks(smsc: SimulatedSmsc, background: Background, tmp_path: Path) -> None:
    with chain_to(smsc.address, tmp_path, background) as chain, closing(connect(chain.down.address)) as esme:
        esme.sendall(pdus.bind() + b"".join(build() for build, _ in REFUSALS))
        assert read_to_end(esme)
        said = chain.originated()
        assert [int.from_bytes(pdu[12:16], "big") for pdu in said[:-1]] == [2, 3, 4, 5, 6, 7]
    check(said, [answer for _, answer in REFUSALS], tmp_path)


def test_what_comes_before_a_bind_and_a_bind_without_an_smsc(tmp_path: Path) -> None:
    gate = GateProcess(tmp_path, ("127.0.0.1", free_port()))
    with closing(connect(gate.address)) as esme:
        esme.sendall(pdus.submit_sm(TEXT, sequence=1) + pdus.bind(sequence=2))
        said = pdus.cut(read_to_end(esme))
    gate.close()
    answers = [
        (Command.SUBMIT_SM | RESPONSE, int(Status.ESME_RINVBNDSTS)),
        (Command.BIND_TRANSCEIVER | RESPONSE, int(Status.ESME_RSYSERR)),
    ]
    check(said, answers, tmp_path)


def test_unbind_of_both_sides_at_sigterm(smsc: SimulatedSmsc, background: Background, tmp_path: Path) -> None:
    with chain_to(smsc.address, tmp_path, background) as chain, closing(connect(chain.down.address)) as esme:
        esme.sendall(pdus.bind())
        chain.wait(lambda: chain.down.received(Command.BIND_TRANSCEIVER | RESPONSE))
        chain.gate.terminate()
        (unbind,) = chain.wait(lambda: chain.down.received(Command.UNBIND))
        esme.sendall(pdus.response(Command.UNBIND, sequence=int.from_bytes(unbind[12:16], "big")))
        said = [unbind, *chain.wait(lambda: chain.up.sent(Command.UNBIND))]
        chain.wait(lambda: chain.up.received(Command.UNBIND | RESPONSE))
    check(said, [(Command.UNBIND, 0)] * 2, tmp_path)
