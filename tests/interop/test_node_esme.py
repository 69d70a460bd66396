"""node-smpp as the ESME."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import ALPHABETS, BLOCKED, EMOJI, GSM, LATIN, LONG, RECIPIENT, SCAM, SENDER, Sample
from tests.interop.node_party import NodeParty, needs_node_smpp
from tests.interop.parties import Chain, SimulatedSmsc

pytestmark = needs_node_smpp
CODINGS = {GSM: 1, LATIN: 3, EMOJI: 8}
"""What node-smpp chooses by itself. 1 is ASCII in SMPP 3.4; node-smpp writes GSM-7 under it."""


class Esme:
    """A node-smpp session."""

    def __init__(self, chain: Chain) -> None:
        self.party = NodeParty("esme.js", str(chain.down.address[1]))
        self.party.hear("connect")

    def bind(self, password: str = "secret") -> int:
        self.party.tell("bind_transceiver", system_id="bank1", password=password)
        return int(self.party.hear("bind_transceiver_resp")["status"])

    def submit(self, text: str, **fields: Any) -> dict[str, Any]:
        """Send a message; the answer as node-smpp reports it."""
        fields = {"short_message": text, "source_addr": SENDER, "destination_addr": RECIPIENT, **fields}
        self.party.tell("submit_sm", **fields)
        return self.party.hear("submit_sm_resp")


@pytest.fixture
def esme(chain: Chain) -> Iterator[Esme]:
    running = Esme(chain)
    yield running
    running.party.close()


@pytest.mark.parametrize("sample", ALPHABETS, ids=lambda sample: sample.name)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(chain: Chain, esme: Esme, sample: Sample) -> None:
    assert esme.bind() == Status.ESME_ROK
    answer = esme.submit(sample.text)
    assert (answer["status"], answer["message_id"]) == (Status.ESME_ROK, "00000001")
    assert esme.submit(sample.scam)["status"] == BLOCKED
    (arrived,) = chain.submits()
    assert (arrived.short_message, arrived.data_coding) == (sample.octets, CODINGS[sample])


def test_accents_of_gsm7_under_the_ascii_coding_are_read(esme: Esme) -> None:
    """A scam that a rule knows by an accented word alone."""
    esme.bind()
    assert esme.submit("Vos droits CPF : récupérez-les sur https://droits.example")["status"] == BLOCKED


def test_a_long_message_in_segments(chain: Chain, esme: Esme) -> None:
    esme.bind()
    parts = [LONG[:153], LONG[153:306], LONG[306:]]
    for number, part in enumerate(parts, 1):
        esme.submit(part, udh=f"0500032a{len(parts):02x}{number:02x}")
    arrived = chain.submits()
    assert [pdu.short_message for pdu in arrived] == [
        bytes((5, 0, 3, 0x2A, 3, number)) + part.encode() for number, part in enumerate(parts, 1)
    ]
    assert {pdu.esm_class for pdu in arrived} == {0x40}


def test_a_long_message_in_message_payload(chain: Chain, esme: Esme) -> None:
    esme.bind()
    assert esme.submit("", message_payload=LONG)["status"] == Status.ESME_ROK
    assert esme.submit("", message_payload=LONG + SCAM)["status"] == BLOCKED
    (arrived,) = chain.submits()
    assert arrived.message_payload == LONG.encode()


def test_a_receipt_comes_back(chain: Chain, esme: Esme) -> None:
    esme.bind()
    answer = esme.submit("Bonjour", registered_delivery=1)
    assert esme.party.hear("deliver_sm")["receipted_message_id"] == answer["message_id"]
    chain.wait(lambda: chain.up.sent(Command.DELIVER_SM | RESPONSE))


def test_enquire_link_and_unbind(chain: Chain, esme: Esme) -> None:
    esme.bind()
    esme.party.tell("enquire_link")
    assert esme.party.hear("enquire_link_resp")["status"] == Status.ESME_ROK
    esme.party.tell("unbind")
    assert esme.party.hear("unbind_resp")["status"] == Status.ESME_ROK
    esme.party.hear("close")
    assert chain.up.received(Command.UNBIND | RESPONSE)


def test_errors_pass_and_a_refusal_looks_like_one(chain: Chain, smsc: SimulatedSmsc, esme: Esme) -> None:
    esme.bind()
    smsc.behave(error_rate=1.0, error_status=Status.ESME_RMSGQFUL)
    assert esme.submit("Bonjour")["status"] == Status.ESME_RMSGQFUL
    smsc.behave(error_rate=0.0, throttle_rate=1.0)
    assert esme.submit("Bonjour")["status"] == Status.ESME_RTHROTTLED
    assert not chain.refused()
    refused = esme.submit(SCAM)
    assert refused == {"event": "submit_sm_resp", "status": BLOCKED}  # no message_id, nothing that looks like one


def test_a_refused_bind(esme: Esme) -> None:
    assert esme.bind("wrong") == Status.ESME_RINVPASWD
