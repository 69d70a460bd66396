"""The numbers agree with those of two independent SMPP libraries wherever both name one."""

from __future__ import annotations

import pytest
from aiosmpplib import state
from smpplib import consts
from smpplib.command_codes import commands

from smsgate.smpp.constants import (
    BINDS,
    FROM_ESME,
    HEADER_BYTES,
    OWN_SEQUENCE_FIRST,
    OWN_SEQUENCE_LAST,
    RESPONSE,
    Command,
    Status,
    Tag,
)

ONLY_IN_5_0 = {Command.BROADCAST_SM, Command.QUERY_BROADCAST_SM, Command.CANCEL_BROADCAST_SM}


@pytest.mark.parametrize("command", [one for one in Command if one not in ONLY_IN_5_0], ids=lambda one: one.name)
def test_commands(command: Command) -> None:
    assert command == state.SmppCommand[command.name]
    assert command == commands[command.name.lower()]


@pytest.mark.parametrize("command", sorted(FROM_ESME - ONLY_IN_5_0), ids=lambda one: one.name)
def test_responses(command: Command) -> None:
    assert command | RESPONSE == state.SmppCommand[f"{command.name}_RESP"]


@pytest.mark.parametrize("status", list(Status), ids=lambda one: one.name)
def test_statuses(status: Status) -> None:
    assert status == state.SmppCommandStatus[status.name]
    assert status == getattr(consts, f"SMPP_{status.name}")


@pytest.mark.parametrize("tag", list(Tag), ids=lambda one: one.name)
def test_tags(tag: Tag) -> None:
    assert tag == getattr(state, tag.name)
    assert tag == consts.OPTIONAL_PARAMS[tag.name.lower()]


def test_what_an_esme_may_ask() -> None:
    assert BINDS < FROM_ESME
    assert {Command.OUTBIND, Command.ALERT_NOTIFICATION, Command.GENERIC_NACK} == set(Command) - FROM_ESME
    assert not any(command & RESPONSE for command in FROM_ESME)


def test_sizes() -> None:
    assert HEADER_BYTES == 16
    assert 0x7FFE0000 == OWN_SEQUENCE_FIRST < OWN_SEQUENCE_LAST == 0x7FFEFFFF
