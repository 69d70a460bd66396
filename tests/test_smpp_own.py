"""The gate's own requests: numbered apart, their answers told from others, and passing ones with the same number held up."""

from __future__ import annotations

import pytest

from smsgate.smpp.constants import Command
from smsgate.smpp.own import OWN_ANSWER_S, OwnRequests
from tests import pdus

FIRST = 0x7FFE0000
UNBIND_RESP = 0x80000006


def test_an_unbind_takes_the_first_number_that_is_not_in_flight() -> None:
    own = OwnRequests({FIRST: 1.0, FIRST + 1: 1.0})
    assert own.send(Command.UNBIND, FIRST, 5.0) == (pdus.pdu(pdus.UNBIND, sequence=FIRST + 2), FIRST + 3)


@pytest.mark.parametrize(
    ("command", "sequence", "ours"),
    [
        (UNBIND_RESP, FIRST, True),
        (pdus.GENERIC_NACK, FIRST, True),
        (UNBIND_RESP, FIRST + 1, False),
        (0x80000015, FIRST, False),
        (UNBIND_RESP, 1, False),
    ],
)
def test_answers_are_told_by_number_and_command_late_ones_too(command: int, sequence: int, ours: bool) -> None:
    own = OwnRequests({})
    own.send(Command.UNBIND, FIRST, 5.0)
    assert [own.is_answer(command, sequence) for _ in range(2)] == [ours, ours]


def test_the_answer_to_a_passing_request_with_the_same_number_is_not_ours() -> None:
    passing: dict[int, float] = {}
    own = OwnRequests(passing)
    own.send(Command.UNBIND, FIRST, 5.0)
    passing[FIRST] = 6.0
    assert not own.is_answer(UNBIND_RESP, FIRST)


def test_a_passing_request_with_the_same_number_waits_for_the_answer_or_so_many_seconds() -> None:
    own = OwnRequests({})
    own.send(Command.UNBIND, FIRST, 5.0)
    assert own.holds_up(FIRST, 5.0)
    assert not own.holds_up(FIRST + 1, 5.0)
    assert not own.holds_up(FIRST, 5.0 + OWN_ANSWER_S)
    own.is_answer(UNBIND_RESP, FIRST)
    assert not own.holds_up(FIRST, 5.0)
