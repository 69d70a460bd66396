"""node-smpp as the SMSC behind the gate, smpplib as the ESME."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from smpplib import consts, exceptions, gsm

from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.interop.messages import ALPHABETS, BLOCKED, LONG, SCAM, Sample
from tests.interop.node_party import NodeParty, needs_node_smpp
from tests.interop.parties import Background, Chain, chain_to
from tests.interop.smpplib_party import CODINGS, Esme, connected

pytestmark = needs_node_smpp


@pytest.fixture
def node() -> Iterator[NodeParty]:
    """The SMSC."""
    running = NodeParty("smsc.js")
    yield running
    running.close()


@pytest.fixture
def chain(node: NodeParty, background: Background, tmp_path: Path) -> Iterator[Chain]:
    """A gate in front of node-smpp."""
    with chain_to(("127.0.0.1", node.hear("listening")["port"]), tmp_path, background) as running:
        yield running
    running.check_untouched()


@pytest.fixture
def esme(chain: Chain) -> Iterator[Esme]:
    with connected(chain) as running:
        yield running


@pytest.mark.parametrize("sample", ALPHABETS, ids=lambda sample: sample.name)
def test_each_alphabet_passes_and_a_scam_in_it_does_not(node: NodeParty, esme: Esme, sample: Sample) -> None:
    esme.bind()
    parts, coding, _ = gsm.make_parts(sample.text, CODINGS[sample])
    esme.submit(parts[0], coding)
    heard = node.hear("submit_sm")
    assert (heard["text"], heard["data_coding"]) == (sample.text, coding)
    assert esme.answers[0].message_id == b"n1"
    assert esme.submit_status(sample.scam, CODINGS[sample]) == BLOCKED


def test_long_messages(node: NodeParty, esme: Esme) -> None:
    esme.bind()
    for part in gsm.make_parts(LONG)[0]:
        esme.submit(part, esm_class=consts.SMPP_GSMFEAT_UDHI)
    assert "".join(node.hear("submit_sm")["text"] for _ in range(3)) == LONG
    esme.submit(b"", message_payload=LONG.encode())
    assert node.hear("submit_sm")["text"] == LONG


def test_a_receipt_comes_back(node: NodeParty, esme: Esme) -> None:
    esme.bind()
    esme.submit(b"Bonjour", registered_delivery=1)
    node.hear("submit_sm")
    esme.client.read_once()
    assert esme.receipts[0].receipted_message_id == esme.answers[0].message_id
    assert node.hear("deliver_sm_resp")["status"] == Status.ESME_ROK


def test_errors_pass_and_a_refusal_never_arrives(node: NodeParty, chain: Chain, esme: Esme) -> None:
    esme.bind()
    for status in (Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL, 0x432):  # the last is a vendor's
        assert esme.submit_status("Bonjour", service_type=f"{status:x}") == status
        node.hear("submit_sm")
    assert not chain.refused()
    assert esme.submit_status(SCAM) == BLOCKED


def test_a_refused_bind(esme: Esme) -> None:
    with pytest.raises(exceptions.PDUError) as caught:
        esme.bind("wrong")
    assert caught.value.args[1] == Status.ESME_RINVPASWD


def test_enquire_link_and_unbind_by_the_esme(node: NodeParty, esme: Esme) -> None:
    esme.bind()
    esme.enquire_link()
    assert esme.client.unbind().command == "unbind_resp"
    esme.disconnect()
    node.hear("close")


def test_unbind_by_the_smsc(node: NodeParty, chain: Chain, esme: Esme) -> None:
    esme.bind()
    esme.submit(b"Bonjour", destination_addr="0")
    node.hear("submit_sm")
    esme.answer_unbind()
    assert node.hear("unbind_resp")["status"] == Status.ESME_ROK
    assert chain.up.sent(Command.UNBIND | RESPONSE)
