"""`smsgate backtest`: counts for people and scripts, verdicts a line, and files that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gates import GENUINE, SCAM
from tests.programs import invoke, pack_in

MESSAGES: list[dict[str, Any]] = [
    {"text": SCAM, "label": "scam", "sender": "38100"},
    {"text": GENUINE, "label": "genuine", "extra": {"kept": True}},
    {"text": SCAM, "label": "genuine", "client": "trusted"},
    {"text": "Votre pass expire"},
    {"text": SCAM, "label": None, "sender": None, "client": None},
]


def messages_in(folder: Path, *lines: object) -> Path:
    file = folder / "messages.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_json_counts_by_label_and_verdict_and_by_rule(tmp_path: Path) -> None:
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), messages_in(tmp_path, *MESSAGES))
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "messages": 5,
        "by_label": {"genuine": {"allow": 2}, "scam": {"block": 1}, "unlabelled": {"flag": 1, "block": 1}},
        "rules": {"T-1": 2, "T-2": 3, "T-3": 1},
    }


def test_people_see_labels_rules_and_messages_per_second(tmp_path: Path) -> None:
    lines = [*MESSAGES, {"text": GENUINE, "label": "[/b] odd"}]
    result = invoke("backtest", "--rules", pack_in(tmp_path), messages_in(tmp_path, *lines))
    assert result.exit_code == 0
    for word in ("unlabelled", "scam", "[/b] odd", "T-1", "The account that expires [sic]", "6 messages in ", "/s"):
        assert word in result.stdout


def test_out_gets_a_line_for_each_message_in_order_with_verdict_and_rules(tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), "--out", out, messages_in(tmp_path, *MESSAGES))
    assert result.exit_code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["verdict"], line["rules"]) for line in lines] == [
        ("block", ["T-1", "T-2"]),
        ("allow", []),
        ("allow", ["T-3"]),
        ("flag", ["T-2"]),
        ("block", ["T-1", "T-2"]),
    ]
    assert [{key: line[key] for key in message} for line, message in zip(lines, MESSAGES, strict=True)] == MESSAGES


def test_blank_lines_and_octets_that_are_no_utf8_are_no_obstacle(tmp_path: Path) -> None:
    file, out = tmp_path / "messages.jsonl", tmp_path / "verdicts.jsonl"
    file.write_bytes(b'\n{"text": "caf\xe9 \\ud800 expire"}\n\n{"text": "b"}\n')
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), "--out", out, file)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["messages"] == 2
    assert [json.loads(line)["verdict"] for line in out.read_text(encoding="utf-8").splitlines()] == ["flag", "allow"]


def test_a_file_without_messages_gives_zeros(tmp_path: Path) -> None:
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), messages_in(tmp_path))
    assert json.loads(result.stdout) == {"messages": 0, "by_label": {}, "rules": {}}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "found no JSON, expected one object a line"),
        ("[]", 'expected an object with a "text"'),
        ('{"label": "scam"}', 'expected an object with a "text"'),
        ('{"text": 5}', 'expected an object with a "text"'),
        ('{"text": "a", "sender": 38100}', 'expected text in "sender", found 38100'),
        ('{"text": "a", "label": ["[/b]"]}', 'expected text in "label", found ["[/b]"]'),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(f'{{"text": "a"}}\n\n{line}\n')
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{file}:3: {complaint}")


def test_files_that_can_not_be_read_or_written_are_named(tmp_path: Path) -> None:
    rules, file = pack_in(tmp_path), messages_in(tmp_path, *MESSAGES)
    missing, nowhere = tmp_path / "none.jsonl", tmp_path / "nowhere" / "out.jsonl"
    result = invoke("backtest", "--rules", rules, missing)
    assert (result.exit_code, result.stderr) == (2, f"{missing}: No such file or directory\n")
    result = invoke("backtest", "--rules", rules, "--out", nowhere, file)
    assert (result.exit_code, result.stderr) == (2, f"{nowhere}: No such file or directory\n")
    result = invoke("backtest", "--rules", tmp_path / "nowhere", file)
    assert result.exit_code == 2
    assert "nowhere:1:1: found no such file" in result.stderr


def test_the_messages_are_never_overwritten_by_the_verdicts(tmp_path: Path) -> None:
    file = messages_in(tmp_path, *MESSAGES)
    before = file.read_bytes()
    result = invoke("backtest", "--rules", pack_in(tmp_path), "--out", file, file)
    assert result.exit_code == 2
    assert "would overwrite the messages" in result.stderr
    assert file.read_bytes() == before
