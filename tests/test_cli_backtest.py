"""`smsgate backtest`: counts for people and scripts, verdicts a line, and files that are not what they should be."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smsgate.config.messages import CHUNK_MESSAGES
from tests.gates import GENUINE, SCAM
from tests.programs import PACK, invoke, pack_in

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
    record = json.loads(result.stdout)
    assert {key: record[key] for key in ("messages", "by_label", "rules")} == {
        "messages": 5,
        "by_label": {"genuine": {"allow": 2}, "scam": {"block": 1}, "unlabelled": {"flag": 1, "block": 1}},
        "rules": {"T-1": 2, "T-2": 3, "T-3": 1},
    }
    assert record["per_rule"]["T-2"]["by_label"] == {"scam": 1, "unlabelled": 2}


def test_precision_and_recall_by_the_labels_that_say_what_to_stop(tmp_path: Path) -> None:
    lines = [{"text": SCAM, "label": "Spam"}, {"text": SCAM, "label": "ham"}, {"text": GENUINE, "label": "Spam"}]
    lines += [{"text": SCAM}, {"text": GENUINE, "label": "Spam"}]
    rules, file = pack_in(tmp_path), messages_in(tmp_path, *lines)
    record = json.loads(invoke("backtest", "--json", "--rules", rules, file).stdout)
    assert record["bad"] == ["Spam"]
    assert record["refused"] == {"precision": 0.5, "recall": 0.3333}
    assert record["per_rule"]["T-1"] == {
        "by_label": {"Spam": 1, "ham": 1, "unlabelled": 1},
        "precision": 0.5,
        "recall": 0.3333,
    }
    record = json.loads(invoke("backtest", "--json", "--rules", rules, "--bad", "ham", file).stdout)
    assert (record["bad"], record["refused"]) == (["ham"], {"precision": 0.5, "recall": 1.0})
    shown = invoke("backtest", "--rules", rules, file).stdout
    assert "refused: precision 50.0%, recall 33.3% (labels to stop: Spam)" in shown
    assert "precision" not in invoke("backtest", "--rules", rules, messages_in(tmp_path, {"text": SCAM})).stdout


def other_rules(folder: Path) -> Path:
    """As the pack of `pack_in`, but T-1 asks for a word more, T-2 throttles, and nobody may write anything."""
    folder.mkdir()
    changed = PACK.split("  - id: T-3")[0].replace("if: names(cpf) and pull", "if: names(cpf) and soon and pull")
    changed = changed.replace("keywords:\n", "keywords:\n  soon: [demain]\n").replace(
        "action: flag", "action: throttle"
    )
    changed = re.sub(r"passes: .*gouv.*", 'passes: ["Bonjour"]', changed)
    return pack_in(folder, changed.replace("CPF expire,", "CPF expire demain,"))


CHANGING = [
    {"text": "Votre solde CPF expire", "label": "scam"},  # block T-1, was throttle T-2
    {"text": "Votre pass expire", "label": "genuine"},  # flag T-2, was throttle T-2
    {"text": "Le CPF expire demain", "label": "scam", "client": "trusted"},  # allow T-3, was block T-1
    {"text": "Le CPF expire demain"},  # block T-1 both times
    {"text": "Bonjour"},
]


def test_what_would_change_is_counted_by_kind_label_and_rule(tmp_path: Path) -> None:
    rules, before, file = pack_in(tmp_path), other_rules(tmp_path / "before"), messages_in(tmp_path, *CHANGING)
    result = invoke("backtest", "--json", "--rules", rules, "--against", before, file)
    against = json.loads(result.stdout)["against"]
    assert against == {
        "newly_blocked": {},
        "newly_passed": {"genuine": 1, "scam": 1},
        "other_verdict": {"scam": 1},
        "other_rule": {},
        "rules": {"T-1": {"gained": 1, "lost": 1}, "T-2": {"gained": 0, "lost": 1}, "T-3": {"gained": 1, "lost": 0}},
    }
    result = invoke("backtest", "--json", "--rules", before, "--against", rules, "--samples", "1", file)
    against = json.loads(result.stdout)["against"]
    assert against["newly_blocked"] == {"genuine": 1, "scam": 1}
    (sample,) = against["samples"]["newly_blocked"]
    assert (sample["line"], sample["before"], sample["after"]) == (2, "flag T-2", "throttle T-2")
    assert sample["text"] == "Votre pass expire"


def test_texts_are_shown_on_a_terminal_or_where_they_are_asked_for(tmp_path: Path) -> None:
    rules, before, file = pack_in(tmp_path), other_rules(tmp_path / "before"), messages_in(tmp_path, *CHANGING)
    silent = invoke("backtest", "--rules", rules, "--against", before, file).stdout
    assert "newly passed" in silent
    assert "Votre pass" not in silent
    told = invoke("backtest", "--rules", rules, "--against", before, "--samples", "1", file).stdout
    assert "newly passed  throttle T-2 -> flag T-2  genuine\n" in told
    assert f"  {file}:2  Votre pass expire\n" in told
    assert "Le CPF expire demain" not in told


def test_the_same_rules_change_nothing(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    result = invoke("backtest", "--json", "--rules", rules, "--against", rules, messages_in(tmp_path, *MESSAGES))
    against = json.loads(result.stdout)["against"]
    assert not any(against.values())


def test_several_processes_count_as_one_does(tmp_path: Path) -> None:
    rules, out = pack_in(tmp_path), tmp_path / "verdicts.jsonl"
    lines = [{**MESSAGES[number % 5], "number": number} for number in range(4 * CHUNK_MESSAGES + 7)]
    file = messages_in(tmp_path, *lines)
    common = ("backtest", "--json", "--rules", rules, "--against", other_rules(tmp_path / "before"), "--samples", "3")
    one, two = (invoke(*common, "--processes", n, "--out", out, file, file) for n in ("1", "3"))
    assert json.loads(one.stdout)["messages"] == 2 * len(lines)
    assert one.stdout == two.stdout
    written = [json.loads(line)["number"] for line in out.read_text().splitlines()]
    assert written == 2 * [line["number"] for line in lines]


def test_a_bad_line_is_found_by_whichever_process_reads_it(tmp_path: Path) -> None:
    file = messages_in(tmp_path, *({"text": "a"} for _ in range(3 * CHUNK_MESSAGES)), {"text": 5})
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), "--processes", "2", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{file}:{3 * CHUNK_MESSAGES + 1}:1: found no text")


def test_tables_and_standard_input_are_read_too(tmp_path: Path) -> None:
    table = tmp_path / "messages.csv"
    table.write_text(f'Message;Classe\n"{SCAM}";scam\n')
    command = Path(sys.executable).with_name("smsgate")
    result = subprocess.run(
        [command, "backtest", "--json", "--rules", pack_in(tmp_path), table, "-"],
        input=json.dumps({"text": GENUINE, "label": "genuine"}),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    record = json.loads(result.stdout)
    assert record["by_label"] == {"genuine": {"allow": 1}, "scam": {"block": 1}}


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
        ("[]", 'found no text, expected an object with a "text"'),
        ('{"label": "scam"}', 'found no text, expected an object with a "text"'),
        ('{"text": 5}', 'found no text, expected an object with a "text"'),
        ('{"text": "a", "sender": 38100}', "found 38100 as sender, expected a text"),
        ('{"text": "a", "label": ["[/b]"]}', 'found ["[/b]"] as label, expected a text'),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_text(f'{{"text": "a"}}\n\n{line}\n')
    result = invoke("backtest", "--json", "--rules", pack_in(tmp_path), file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{file}:3:1: {complaint}")


def test_files_that_can_not_be_read_or_written_are_named(tmp_path: Path) -> None:
    rules, file = pack_in(tmp_path), messages_in(tmp_path, *MESSAGES)
    missing, nowhere = tmp_path / "none.jsonl", tmp_path / "nowhere" / "out.jsonl"
    result = invoke("backtest", "--rules", rules, missing)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{missing}:1:1: found no such file or directory")
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
