"""`smsgate explain`: what is promised to scripts, and what people see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import pdus
from tests.gates import GENUINE, SCAM
from tests.programs import PACK, RULE_LINES, invoke, pack_in


def explained(*arguments: str | Path) -> dict[str, Any]:
    result = invoke("explain", "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    record: dict[str, Any] = json.loads(result.stdout)
    return record


def test_json_has_verdict_status_and_the_rules_with_their_places(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    record = explained("--rules", rules, SCAM)
    assert (record["verdict"], record["status"]) == ("block", 0x66)
    file = str(rules / "test.yaml")
    assert record["rules"] == [
        {"id": "T-1", "file": file, "line": RULE_LINES["T-1"], "action": "block"},
        {"id": "T-2", "file": file, "line": RULE_LINES["T-2"], "action": "flag"},
    ]


def test_json_of_a_message_that_nothing_hits_or_that_is_only_flagged_has_no_status(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    clean = explained("--rules", rules, GENUINE)
    assert (clean["verdict"], clean["status"], clean["rules"]) == ("allow", None, [])
    flagged = explained("--rules", rules, "Votre abonnement expire")
    assert (flagged["verdict"], flagged["status"]) == ("flag", None)
    assert [rule["id"] for rule in flagged["rules"]] == ["T-2"]


def test_json_is_one_line_of_ascii_whatever_the_text(tmp_path: Path) -> None:
    result = invoke("explain", "--json", "--rules", pack_in(tmp_path), "é \U0001f600 \ud800\n[/b]")
    assert result.exit_code == 0
    assert result.stdout.isascii()
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout)["text"].startswith("é \U0001f600 \ud800")


def test_client_and_sender_are_what_the_message_would_come_with(tmp_path: Path) -> None:
    rules = pack_in(
        tmp_path,
        PACK.replace("if: pull\n", 'if: pull and sender in ["38100"]\n').replace(
            'matches: ["Votre pass expire demain"]', 'matches: [{text: "Votre pass expire demain", sender: "38100"}]'
        ),
    )
    trusted = explained("--rules", rules, "--client", "trusted", SCAM)
    assert (trusted["verdict"], [rule["id"] for rule in trusted["rules"]]) == ("allow", ["T-3"])
    assert explained("--rules", rules, "--sender", "38100", "Votre pass expire")["verdict"] == "flag"
    assert explained("--rules", rules, "--sender", "38101", "Votre pass expire")["verdict"] == "allow"


def test_people_see_the_verdict_the_rules_the_spans_and_the_folded_text(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    result = invoke("explain", "--rules", rules, "Votre solde C\u200bРF éxpire, voir https://cpf.example/x")
    assert result.exit_code == 0
    shown = result.stdout
    assert "verdict  block  answered 0x66 ESME_RX_R_APPN" in shown
    assert f"T-1  The account that expires [sic]  ({rules / 'test.yaml'}:{RULE_LINES['T-1']}:" in shown
    assert "folded   votre solde cpf expire" in shown
    assert "cpf.example" in shown
    assert "names(cpf)" in shown


def test_text_is_never_taken_for_markup(tmp_path: Path) -> None:
    result = invoke("explain", "--rules", pack_in(tmp_path), "[red]Votre code[/red] [/] expire [link]")
    assert result.exit_code == 0
    assert "[red]Votre code[/red] [/] expire [link]" in result.stdout


def test_faulty_rules_are_told_and_nothing_is_judged(tmp_path: Path) -> None:
    result = invoke("explain", "--json", "--rules", pack_in(tmp_path, "pack: [\n"), SCAM)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "test.yaml:" in result.stderr


def test_outside_a_folder_with_rules_the_shipped_packs_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = explained("Votre solde CPF expire demain, récupérez vos droits : https://droits.example/x")
    assert record["verdict"] == "block"
    assert record["rules"][0]["id"].startswith("FR-CPF-")


def test_a_pdu_is_judged_in_each_of_its_readings(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    pdu = pdus.submit_sm(b"Bonjour", payloads=[SCAM.encode()]).hex()
    record = explained("--rules", rules, "--pdu", pdu)
    assert (record["verdict"], record["status"]) == ("block", 0x66)
    assert [(each["alphabet"], each["verdict"]) for each in record["readings"]] == [
        ("gsm7", "allow"),
        ("gsm7", "block"),
        ("together", "block"),
    ]
    assert [each["text"] for each in record["readings"]] == ["Bonjour", SCAM, f"Bonjour {SCAM}"]
    assert all("ambiguous_body" in each["facts"] for each in record["readings"])
    shown = invoke("explain", "--rules", rules, "--pdu", pdu)
    assert shown.stdout.startswith("verdict  block  answered 0x66 ESME_RX_R_APPN")
    assert shown.stdout.count("read as gsm7") == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--pdu", "no"], "not hexadecimal"),
        (["--pdu", pdus.submit_sm(b"x").hex()[:-2]], "not one whole PDU"),
        (["--pdu", "00"], "not one whole PDU"),
        (["--pdu", pdus.pdu(pdus.ENQUIRE_LINK).hex()], "enquire_link has no text"),
        (["--pdu", pdus.submit_sm(b"x").hex(), "text"], "either a text, or a PDU"),
        ([], "either a text, or a PDU"),
    ],
)
def test_what_cannot_be_explained_is_refused(arguments: list[str], reason: str) -> None:
    result = invoke("explain", *arguments)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())
