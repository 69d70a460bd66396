"""The notation of the dialogues: its lines stand for the octets that the README and the specification say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import pdus
from tests.conformance.notation import NotationError, line_octets, parse

HEAD = "A title\nrests on: SMPP 3.4, 4.11\ntopics: enquire-link\nkind: relay\n"
EXAMPLES = re.findall(
    r"^(.+?)   +([0-9A-F ]+)$", (Path(__file__).parent / "README.md").read_text().split("```")[1], re.MULTILINE
)


def test_the_readme_has_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(("line", "octets"), EXAMPLES)
def test_the_examples_of_the_readme_hold(line: str, octets: str) -> None:
    assert line_octets(line) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('submit_sm seq=7 registered_delivery=1 short_message="Hi"', pdus.submit_sm(b"Hi", sequence=7)),
        (
            'submit_sm registered_delivery=1 esm_class=0x40 data_coding=8 sm_length=1 short_message="Hi" tlv=0424:"x"',
            pdus.submit_sm(b"Hi", esm_class=0x40, data_coding=8, sm_length=1, payloads=[b"x"]),
        ),
        ('deliver_sm registered_delivery=1 short_message="Hi"', pdus.submit_sm(b"Hi", command=pdus.DELIVER_SM)),
        ('submit_multi registered_delivery=1 short_message="Hi"', pdus.submit_multi(b"Hi")),
        ('data_sm tlv=0424:"Hi"', pdus.data_sm(b"Hi")),
        ('replace_sm short_message="Hi"', pdus.replace_sm(b"Hi")),
        ('broadcast_sm tlv=0424:"Hi"', pdus.broadcast_sm(b"Hi")),
        ("bind_transmitter", pdus.bind(command=pdus.BIND_TRANSMITTER)),
        ("bind_transceiver_resp seq=3", pdus.bind_resp(sequence=3)),
    ],
)
def test_a_line_is_the_pdu_that_the_other_builders_make(line: str, expected: bytes) -> None:
    assert line_octets(line).hex() == expected.hex()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('esme> submit_sm text="x"', "line 5: no such parameter: text"),
        ('esme> submit_sm short_message="é"', "line 5: .*ascii"),
        ('esme> submit_sm short_message=klingon"x"', "line 5: .*klingon"),
        ("esme> submit_sm esm_class=256", "line 5: "),
        ("esme> submit sm", "line 5: not octets: submit"),
        ("esme> 000", "line 5: "),
        ("esme> 00+*", "line 5: not octets"),
        ("smsc< same", "line 5: "),
        ("esme: 00", "line 5: neither a heading nor a step"),
        ("kind: refused", "line 5: neither a heading nor a step"),
        ("rests on: experience", "line 5: neither a heading nor a step"),
    ],
)
def test_what_is_no_notation_is_told_with_its_line(line: str, fault: str) -> None:
    with pytest.raises(NotationError, match=fault):
        parse(HEAD + line)


def test_a_dialogue_says_what_it_rests_on() -> None:
    with pytest.raises(NotationError, match="no heading rests on"):
        parse(HEAD.replace("rests on: SMPP 3.4, 4.11\n", ""))
