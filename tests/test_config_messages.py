"""Files of messages: JSONL and CSV, and what is wrong in them with its line."""

from __future__ import annotations

import json
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.messages import (
    CHUNK_MESSAGES,
    MAX_LINE_OCTETS,
    STANDARD_INPUT,
    Message,
    read_chunks,
    read_messages,
)
from tests import pdus
from tests.packs import rule, rule_set


def test_both_forms_give_the_same_messages(tmp_path: Path) -> None:
    lines, table = tmp_path / "m.jsonl", tmp_path / "m.CSV"
    lines.write_text(
        '\ufeff{"text": "a, \\"b\\"", "sender": "38100", "x": "1"}\n\n{"text": "c", "label": null}\n', "utf-8"
    )
    table.write_text('\ufefftext,sender,x\n"a, ""b""",38100,1\nc,,\n', "utf-8")
    for file in (lines, table):
        first, second = read_messages(file)
        assert first == Message('a, "b"', "", "38100", "", {"text": 'a, "b"', "sender": "38100", "x": "1"}, first.line)
        assert second[:4] == ("c", "", "", "")


def test_what_a_spreadsheet_writes_keeps_its_accents(tmp_path: Path) -> None:
    table = tmp_path / "m.csv"
    table.write_bytes("Étiquette;Texte\r\nscam;réglez l'échéance\r\n".encode("cp1252"))
    assert [(message.label, message.text) for message in read_messages(table)] == [("scam", "réglez l'échéance")]
    table.write_bytes("text\r\nréglez\r\n".encode("utf-16"))
    with pytest.raises(DiagnosticsError, match=r"m\.csv:1:1: found UTF-16, expected UTF-8 or Windows-1252"):
        list(read_messages(table))


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("m.jsonl", '{"text": "a"}\nnone\n', "m.jsonl:2:1: found no JSON, expected one object a line"),
        ("m.jsonl", "[1]\n", 'm.jsonl:1:1: found no text, expected an object with a "text"'),
        ("m.jsonl", '{"text": "a", "sender": [1]}\n', "m.jsonl:1:1: found [1] as sender, expected a text"),
        ("m.csv", "number,date\na,b\n", "m.csv:1:1: found no column 'text', expected a first line with the names"),
        ("m.csv", "", "m.csv:1:1: found no column 'text'"),
        ("m.jsonl", '{"pdu": "00"}\n', "m.jsonl:1:1: found a pdu that is not one whole PDU"),
        ("m.jsonl", '{"pdu": []}\n', "m.jsonl:1:1: found [] as pdu, expected a text"),
        ("m.jsonl", f'{{"text": "{"a" * MAX_LINE_OCTETS}"}}', "m.jsonl:1:1: found a line without an end"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DiagnosticsError) as caught:
        list(read_messages(tmp_path / name))
    assert str(tmp_path / fault) in str(caught.value)


def test_columns_are_found_by_their_words_whatever_parts_them(tmp_path: Path) -> None:
    table = tmp_path / "m.tsv"
    table.write_text('Contenu\tSystem ID\tClasse\n"deux\nlignes"\tbank1\tscam\n\na\t\t\n')
    assert [(each.text, each.client, each.label, each.line) for each in read_messages(table)] == [
        ("deux\nlignes", "bank1", "scam", 3),
        ("a", "", "", 5),
    ]


@pytest.mark.parametrize("octets", [b'{"text": "a"}\n{"text": "b"}\n', b"text,x\na,\nb,\n", b"\xef\xbb\xbftext\na\nb"])
def test_standard_input_is_what_it_looks_like(octets: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BufferedReader(BytesIO(octets))))
    assert [message.text for message in read_messages(STANDARD_INPUT)] == ["a", "b"]


def test_a_pdu_is_judged_in_all_its_readings(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    octets = pdus.submit_sm(b"Bonjour", payloads=[b"mauvais"])
    file.write_text(json.dumps({"pdu": octets.hex(), "label": "scam"}))
    (message,) = read_messages(file)
    assert (message.text, message.sender, message.label) == ("Bonjour", pdus.SOURCE.decode(), "scam")
    assert message.judge(rule_set(rule("bad"), sets={"bad": ["mauvais"]})).refused


def test_chunks_are_bounded_and_say_how_much_was_read(tmp_path: Path) -> None:
    file = tmp_path / "m.jsonl"
    file.write_text('{"text": "a"}\n' * (2 * CHUNK_MESSAGES + 1))
    chunks = list(read_chunks(file))
    assert [len(chunk.rows) for chunk in chunks] == [CHUNK_MESSAGES, CHUNK_MESSAGES, 1]
    assert sum(chunk.octets for chunk in chunks) == file.stat().st_size
    assert next(message.line for message in chunks[1].messages()) == CHUNK_MESSAGES + 1


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="no such file or directory"):
        list(read_messages(tmp_path / "none.jsonl"))
