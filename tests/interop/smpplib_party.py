"""An ESME of smpplib: blocking, one call a PDU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest
from smpplib import consts, exceptions, gsm, smpp
from smpplib.client import Client

from tests.interop.messages import EMOJI, GSM, LATIN, RECIPIENT, SENDER, Sample
from tests.interop.parties import TIMEOUT_S, Chain

CODINGS: Final[dict[Sample, int]] = {
    GSM: consts.SMPP_ENCODING_DEFAULT,
    LATIN: consts.SMPP_ENCODING_ISO88591,
    EMOJI: consts.SMPP_ENCODING_ISO10646,
}


class Esme:
    """A connected smpplib client that keeps what it is told."""

    def __init__(self, chain: Chain) -> None:
        self.client = Client(*chain.down.address, timeout=TIMEOUT_S, allow_unknown_opt_params=True)
        self.receipts: list[Any] = []
        self.answers: list[Any] = []
        # smpplib passes the PDU by name, which append doesn't take.
        self.client.set_message_received_handler(lambda pdu: self.receipts.append(pdu))  # noqa: PLW0108
        self.client.set_message_sent_handler(lambda pdu: self.answers.append(pdu))  # noqa: PLW0108
        self.client.connect()

    def bind(self, password: str = "secret") -> None:
        """Bind as a transceiver. Raises PDUError when refused."""
        self.client.bind_transceiver(system_id="bank1", password=password)

    def submit(self, octets: bytes, coding: int = 0, **fields: Any) -> None:
        """Send a message and wait for its answer. Raises PDUError when it is an error."""
        fields = {"source_addr": SENDER, "destination_addr": RECIPIENT, **fields}
        self.client.send_message(short_message=octets, data_coding=coding, **fields)
        self.client.read_once()

    def submit_status(self, text: str, coding: int = 0, **fields: Any) -> int:
        """The error that smpplib reports for a text."""
        parts, coding, _ = gsm.make_parts(text, coding)
        with pytest.raises(exceptions.PDUError) as caught:
            self.submit(parts[0], coding, **fields)
        code: int = caught.value.args[1]
        return code

    def enquire_link(self) -> None:
        """Ask, and read the answer."""
        self.client.send_pdu(smpp.make_pdu("enquire_link", client=self.client))
        assert self.client.read_pdu().command == "enquire_link_resp"

    def unbind(self) -> None:
        """Unbind, and read the answer or the end of the connection."""
        with suppress(exceptions.ConnectionError):
            assert self.client.unbind().command == "unbind_resp"
        self.client.state = consts.SMPP_CLIENT_STATE_OPEN

    def disconnect(self) -> None:
        """Close the connection."""
        self.client.disconnect()
        self.client.state = consts.SMPP_CLIENT_STATE_OPEN  # nothing is left to unbind

    def answer_unbind(self) -> None:
        """Read the SMSC's unbind and answer it, which smpplib leaves to its user."""
        unbind = self.client.read_pdu()
        assert unbind.command == "unbind"
        answer = smpp.make_pdu("unbind_resp", client=self.client)
        answer.sequence = unbind.sequence
        self.client.state = consts.SMPP_CLIENT_STATE_BOUND_TRX
        self.client.send_pdu(answer)
        self.client.state = consts.SMPP_CLIENT_STATE_OPEN


@contextmanager
def connected(chain: Chain) -> Iterator[Esme]:
    """A client that unbinds in the end if it is still bound."""
    esme = Esme(chain)
    try:
        yield esme
    finally:
        if esme.client.state != consts.SMPP_CLIENT_STATE_OPEN:
            esme.unbind()
        esme.disconnect()
