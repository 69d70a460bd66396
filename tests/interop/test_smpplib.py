"""smpplib as the ESME."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from smpplib import consts, exceptions, gsm

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import ALPHABETS, BLOCKED, LONG, SCAM, Sample
from tests.interop.parties import Chain, SimulatedSmsc
from tests.interop.smpplib_party import CODINGS, Esme, connected


@pytest.fixture
def esme(chain: Chain) -> Iterator[Esme]:
    with connected(chain) as running:
        yield running


@pytest.mark.parametrize("sample", ALPHABETS, ids=lambda sample: sample.name)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(chain: Chain, esme: Esme, sample: Sample) -> None:
    esme.bind()
    parts, coding, _ = gsm.make_parts(sample.text, CODINGS[sample])
    esme.submit(parts[0], coding)
    assert esme.answers[0].message_id == b"00000001"
    assert esme.submit_status(sample.scam, CODINGS[sample]) == BLOCKED
    (arrived,) = chain.submits()
    assert (arrived.short_message, arrived.data_coding) == (sample.octets, coding)


def test_a_long_message_in_segments(chain: Chain, esme: Esme) -> None:
    esme.bind()
    parts, coding, esm_class = gsm.make_parts(LONG)
    for part in parts:
        esme.submit(part, coding, esm_class=esm_class)
    arrived = chain.submits()
    assert len(arrived) == 3
    assert {pdu.esm_class for pdu in arrived} == {consts.SMPP_GSMFEAT_UDHI}
    assert b"".join(pdu.short_message[6:] for pdu in arrived).decode() == LONG


def test_a_long_message_in_message_payload(chain: Chain, esme: Esme) -> None:
    esme.bind()
    esme.submit(b"", message_payload=LONG.encode())
    with pytest.raises(exceptions.PDUError):
        esme.submit(b"", message_payload=gsm.gsm_encode(LONG + SCAM))
    (arrived,) = chain.submits()
    assert arrived.message_payload == LONG.encode()


def test_a_receipt_comes_back(chain: Chain, esme: Esme) -> None:
    esme.bind()
    esme.submit(b"Bonjour", registered_delivery=1)
    esme.client.read_once()
    assert esme.receipts[0].receipted_message_id == esme.answers[0].message_id
    chain.wait(lambda: chain.up.sent(Command.DELIVER_SM | RESPONSE))


def test_enquire_link_and_unbind(chain: Chain, esme: Esme) -> None:
    esme.bind()
    esme.enquire_link()
    assert esme.client.unbind().command == "unbind_resp"
    assert chain.up.received(Command.UNBIND | RESPONSE)


def test_errors_pass_and_a_refusal_looks_like_one(chain: Chain, smsc: SimulatedSmsc, esme: Esme) -> None:
    esme.bind()
    smsc.behave(error_rate=1.0, error_status=Status.ESME_RMSGQFUL)
    assert esme.submit_status("Bonjour") == Status.ESME_RMSGQFUL
    smsc.behave(error_rate=0.0, throttle_rate=1.0)
    assert esme.submit_status("Bonjour") == Status.ESME_RTHROTTLED
    assert not chain.refused()
    assert esme.submit_status(SCAM) == BLOCKED


def test_a_refused_bind(esme: Esme) -> None:
    with pytest.raises(exceptions.PDUError) as caught:
        esme.bind("wrong")
    assert caught.value.args[1] == Status.ESME_RINVPASWD
