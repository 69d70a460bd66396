"""Files of messages: JSONL and CSV, and what is wrong in them with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.config.diagnostics import DiagnosticsError
from smsgate.config.messages import Message, read_messages


def test_both_forms_give_the_same_messages(tmp_path: Path) -> None:
    lines, table = tmp_path / "m.jsonl", tmp_path / "m.CSV"
    lines.write_text(
        '\ufeff{"text": "a, \\"b\\"", "sender": "38100", "x": "1"}\n\n{"text": "c", "label": null}\n', "utf-8"
    )
    table.write_text('\ufefftext,sender,x\n"a, ""b""",38100,1\nc,,\n', "utf-8")
    for file in (lines, table):
        first, second = read_messages(file)
        assert first == Message('a, "b"', "", "38100", "", {"text": 'a, "b"', "sender": "38100", "x": "1"})
        assert second[:4] == ("c", "", "", "")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("m.jsonl", '{"text": "a"}\nnone\n', "m.jsonl:2:1: found no JSON, expected one object a line"),
        ("m.jsonl", "[1]\n", 'm.jsonl:1:1: found no text, expected an object with a "text"'),
        ("m.jsonl", '{"text": "a", "sender": [1]}\n', "m.jsonl:1:1: found a list as sender, expected a text"),
        ("m.csv", "message,sender\na,b\n", "m.csv:1:1: found no column 'text', expected a first line with the names"),
        ("m.csv", "", "m.csv:1:1: found no column 'text'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DiagnosticsError) as caught:
        list(read_messages(tmp_path / name))
    assert str(tmp_path / fault) in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DiagnosticsError, match="no such file or directory"):
        list(read_messages(tmp_path / "none.jsonl"))
