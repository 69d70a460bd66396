"""Every dialogue of this folder, whole and in pieces, on both event loops; and what the dialogues are about, all together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.notation import load, parse
from tests.conformance.stage import Split, in_pieces, perform, whole
from tests.gates import both_loops, run_on

FOLDER = Path(__file__).parent
FILES = sorted(FOLDER.glob("*/*.dialogue"))
LEAST_DIALOGUES = 196

TOPICS = {
    # the stream
    "coalesced": "several PDUs in a segment, PDUs over several segments",
    "behind-bind": "PDUs right behind a bind or a bind_resp",
    "bad-length": "command_length below 16 or above the cap, other protocols",
    "large": "PDUs of 64 KiB",
    "damaged-body": "bodies that can't be parsed, in a stream that goes on",
    "padding": "octets behind a PDU's fields",
    "sm-length": "sm_length that lies, and 0",
    # numbers and order
    "odd-numbers": "sequence_number 0, above 0x7FFFFFFF, falling",
    "duplicate-numbers": "one number in flight twice, both ways, for two commands",
    "own-numbers": "the numbers of the gate's own requests",
    "overtaking": "answers in another order than requests, and to none",
    "window": "refusals neither wait for the SMSC nor take a place in the window",
    # binds and ends
    "bind-fields": "what a bind and its answer say reaches the other side",
    "bind-state": "commands that the bind doesn't allow",
    "bind-refused": "binds that the SMSC refuses",
    "bind-again": "binds on a bound session",
    "wrong-bind": "binds that go nowhere, answers that accept nothing",
    "not-bound": "requests without a bind",
    "many-binds": "several binds of a client, several clients",
    "unbind": "unbind from each side, and the gate's own",
    "lost-upstream": "streams that end in the midst of it",
    # commands
    "text-commands": "every command that carries a text",
    "unknown-command": "commands that nobody knows, and those of the other side",
    "later-versions": "SMPP 5.0 and vendors' versions",
    "multi": "several destinations, distribution lists",
    "message-ids": "query_sm, replace_sm, cancel_sm, and ids letter for letter",
    "enquire-link": "enquire_link both ways",
    "outbind": "outbind",
    "alert": "alert_notification",
    "generic-nack": "generic_nack from both sides",
    # answers
    "error-shape": "error responses without a body, with an empty one, with a whole one, with TLVs",
    "statuses": "which status a refusal bears",
    "vendor-status": "statuses 0x400 to 0x4FF, and others of nobody's",
    "throttling": "rates of a client, and the SMSC's own",
    "receipt-owed": "no receipt for what was refused",
    "receipts": "receipts pass, forged ones are judged",
    "tlvs": "TLVs keep order, duplicates and lengths",
    # finding the text
    "payload": "message_payload",
    "several-bodies": "more than one text in a PDU",
    "header": "user data headers",
    "sar": "parts told by TLVs",
    "ports": "texts and data for a port",
    "default-alphabet": "data_coding 0 and 1 as senders mean them",
    "gsm7": "escapes, octet 0, accents, look-alikes",
    "ucs2": "surrogates, odd lengths, byte order marks, look-alikes",
    "data-coding": "every other data_coding",
    "flash": "class 0",
}


@both_loops
@pytest.mark.parametrize("split", [whole, in_pieces])
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_is_said_comes_out_to_the_octet_and_nothing_else(
    file: Path, split: Split, loop_name: str, tmp_path: Path
) -> None:
    run_on(loop_name, lambda: perform(load(file), split, tmp_path))


FAULTY = {
    "an answer that no step has": 'esme> submit_sm short_message="Votre CPF expire"',
    "a request that no step has": "smsc> enquire_link",
    "an octet at the end": "ends: closed\nsmsc> unbind",
    "another octet": "esme> enquire_link seq=2\nsmsc< enquire_link seq=3",
    "a session that doesn't stand": "esme> 00000000\nesme< 00000010 80000000 00000002 00000000\nesme< ends",
}


@pytest.mark.parametrize("lines", FAULTY.values(), ids=FAULTY)
def test_a_dialogue_that_the_gate_does_not_follow_fails(lines: str, tmp_path: Path) -> None:
    dialogue = parse(f"A title\nrests on: SMPP 3.4, 4\ntopics: unbind\nkind: relay\n{lines}\n")
    with pytest.raises(AssertionError):
        run_on("uvloop", lambda: perform(dialogue, whole, tmp_path))


def test_there_are_enough_dialogues_and_a_third_of_them_are_refusals() -> None:
    refusals = [file for file in FILES if load(file).kind == "refusal"]
    assert len(FILES) >= LEAST_DIALOGUES
    assert 3 * len(refusals) >= len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_refusal_has_an_answer_of_the_gates_own_and_a_relay_has_none(file: Path) -> None:
    dialogue = load(file)
    assert bool(dialogue.refusals()) is (dialogue.kind == "refusal")


def test_every_topic_has_its_dialogues() -> None:
    assert {topic for file in FILES for topic in load(file).topics} == set(TOPICS)


def test_no_file_is_overlooked_and_no_title_is_used_twice() -> None:
    others = {path for path in FOLDER.glob("*/*") if "__pycache__" not in path.parts} - set(FILES)
    assert others == set()
    titles = [load(file).title for file in FILES]
    assert sorted(titles) == sorted(set(titles))
