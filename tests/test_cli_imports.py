"""`smsgate import` writes list files that packs can name, tells what it left out, and writes no text unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smsgate.config.lists import read_list
from smsgate.rules.model import ListKind
from tests.programs import invoke, pack_in


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return pack_in(tmp_path)


def test_hosts_become_a_list_file_and_come_again_only_where_new(tmp_path: Path, rules: Path) -> None:
    file, into = tmp_path / "bad.hosts", tmp_path / "lists" / "bad.txt"
    file.write_text("0.0.0.0 bad.example\n0.0.0.0 www.moncompteformation.gouv.fr\n10.0.0.1 x\n")
    result = invoke("import", "hosts", file, "--into", into, "--rules", rules)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{into}: 1 domain, 1 of them new",
        "kept out: www.moncompteformation.gouv.fr, official for cpf",
        f"{file}: line 3: found '10.0.0.1', expected 0.0.0.0 or 127.0.0.1 before a host",
        "3 lines read, 1 of them unreadable",
    ]
    assert read_list(into, ListKind.DOMAINS).entries == ("bad.example",)
    before = into.read_text()
    assert before.startswith("# from bad.hosts, 20")
    more = tmp_path / "more.txt"
    more.write_text("bad.example\n")
    assert "1 domain, 0 of them new" in invoke("import", "domains", more, "--into", into, "--rules", rules).stdout
    assert into.read_text() == before
    more.write_text("bad.example\nworse.example\n")
    invoke("import", "domains", more, "--into", into, "--rules", rules)
    assert read_list(into, ListKind.DOMAINS).entries == ("bad.example", "worse.example")
    assert into.read_text().startswith(before)


def test_reports_become_hosts_and_numbers_and_texts_only_where_asked_for(tmp_path: Path, rules: Path) -> None:
    file, into, texts = tmp_path / "reports.csv", tmp_path / "r.txt", tmp_path / "texts.jsonl"
    file.write_text("tel;message\n06 39 98 00 01;payez sur http://a.bad.com/x\n36180;Bonjour\n")
    result = invoke("import", "reports", file, "--into", into, "--rules", rules)
    assert result.stdout.splitlines()[:2] == ["number: the column 'tel'", "text: the column 'message'"]
    assert read_list(tmp_path / "r-hosts.txt", ListKind.DOMAINS).entries == ("bad.com",)
    assert read_list(tmp_path / "r-numbers.txt", ListKind.NUMBERS).entries == ("+33639980001", "36180")
    assert not [
        file for file in tmp_path.iterdir() if file.is_file() and "payez" in file.read_text() and file.suffix != ".csv"
    ]
    invoke("import", "reports", file, "--into", into, "--rules", rules, "--texts", texts)
    assert [json.loads(line)["text"] for line in texts.read_text().splitlines()][1] == "Bonjour"
    assert texts.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("encoding", "told"), [("cp1252", "Windows-1252"), ("utf-16", "UTF-16")])
def test_tables_of_a_spreadsheet_are_read_in_its_alphabet(
    tmp_path: Path, rules: Path, encoding: str, told: str
) -> None:
    file, into, texts = tmp_path / "reports.csv", tmp_path / "r.txt", tmp_path / "texts.jsonl"
    file.write_bytes("Numéro;Texte\r\n06 39 98 00 01;réglez http://a.bad.com/x\r\n".encode(encoding))
    result = invoke("import", "reports", file, "--into", into, "--rules", rules, "--texts", texts)
    assert result.stdout.splitlines()[:2] == [f"{file}: read as {told}", "number: the column 'Numéro'"]
    assert json.loads(texts.read_text())["text"] == "réglez http://a.bad.com/x"


def test_what_can_not_be_read_or_written_is_told(tmp_path: Path, rules: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("a;b\n1;2\n")
    result = invoke("import", "reports", table, "--into", tmp_path / "x.txt", "--rules", rules)
    assert (result.exit_code, "expected a header with a column" in result.stderr) == (2, True)
    result = invoke("import", "hosts", tmp_path / "none", "--into", tmp_path / "x.txt", "--rules", rules)
    assert (result.exit_code, "no such file" in result.stderr) == (2, True)
    good = tmp_path / "good"
    good.write_text("bad.example\n")
    result = invoke("import", "domains", good, "--into", table / "x.txt", "--rules", rules)
    assert (result.exit_code, "can't be written" in result.stderr) == (1, True)
