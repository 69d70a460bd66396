"""The bind that a session stands on: who may be let through, and which answer decides."""

from __future__ import annotations

import pytest

from smsgate.smpp.binding import Binding, refusal_unbound
from smsgate.smpp.states import Event
from tests import pdus
from tests.pdus import bind, nack, pdu, response

BIND = bind(sequence=7)
OTHER = bind(b"another", sequence=7)
UNTERMINATED = pdu(pdus.BIND_TRANSCEIVER, b"bank1")
ACCEPTED = (pdus.BIND_TRANSCEIVER | pdus.RESPONSE, 0, 7)


def requested(binding: Binding, octets: bytes, status: int = 0) -> int:
    return binding.request(b"xx" + octets, 2, 2 + len(octets), lambda _: status)


def test_a_bind_that_is_admitted_says_who_the_client_is() -> None:
    binding = Binding()
    assert requested(binding, BIND, status=0x0D) == 0x0D
    assert len(binding.system_id) == 0
    assert requested(binding, BIND) == 0
    assert binding.system_id == "bank1"
    assert (binding.command, binding.sequence) == (pdus.BIND_TRANSCEIVER, 7)


def test_a_bind_that_is_no_such_is_refused() -> None:
    assert requested(Binding(), UNTERMINATED) == 0x0D


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (ACCEPTED, Event.BIND_ACCEPTED),
        ((*ACCEPTED[:2], 8), Event.BIND_REFUSED),
        ((ACCEPTED[0], 0x0E, 7), Event.BIND_REFUSED),
        ((pdus.BIND_RECEIVER | pdus.RESPONSE, 0, 7), Event.BIND_REFUSED),
        ((pdus.GENERIC_NACK, 0x03, 0), Event.BIND_REFUSED),
        ((pdus.ENQUIRE_LINK | pdus.RESPONSE, 0, 7), None),
    ],
)
def test_only_the_right_answer_accepts_and_only_one_to_a_bind_refuses(
    answer: tuple[int, int, int], event: Event | None
) -> None:
    binding = Binding()
    requested(binding, BIND)
    assert binding.answered(*answer) is event


def test_after_a_refusal_only_the_same_client_may_try_again() -> None:
    binding = Binding()
    requested(binding, BIND)
    binding.answered(ACCEPTED[0], 0x0E, 7)
    assert requested(binding, OTHER) == 0x0D
    assert requested(binding, BIND) == 0


def test_a_bind_on_a_bound_session_may_only_be_the_same_clients() -> None:
    binding = Binding()
    requested(binding, BIND)
    assert binding.another(BIND, 0, len(BIND)) == 0
    assert binding.another(OTHER, 0, len(OTHER)) == 0x05
    assert binding.another(UNTERMINATED, 0, len(UNTERMINATED)) == 0x0D


def test_before_a_bind_requests_are_refused_and_responses_ignored() -> None:
    assert refusal_unbound(pdus.SUBMIT_SM, 3) == response(pdus.SUBMIT_SM, status=0x04, sequence=3)
    assert refusal_unbound(pdus.OUTBIND, 3) == nack(0x03, sequence=3)
    assert refusal_unbound(pdus.SUBMIT_SM | pdus.RESPONSE, 3) is None
