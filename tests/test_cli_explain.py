"""`smsgate explain`: what is promised to scripts, and what people see."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smsgate.cli import app
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


def test_json_has_the_conditions_of_rules_that_hit_and_nearly_hit(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    record = explained("--rules", rules, "Votre pass éxpire, voir http://pay.example/x")
    assert [(each["id"], each["hits"], each["missing"]) for each in record["conditions"]] == [
        ("T-2", True, 0),
        ("T-1", False, 1),
        ("T-3", False, 1),
    ]
    assert record["conditions"][0]["condition"] == {
        "text": "pull",
        "holds": True,
        "because": [{"fact": "pull", "shown": ["éxpir"]}],
    }
    near = record["conditions"][1]["condition"]
    assert (near["text"], near["kind"], near["holds"]) == ("names(cpf) and pull and not official(cpf)", "all of", False)
    assert [part["holds"] for part in near["parts"]] == [False, True, True]


def test_one_rule_or_all_of_them(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    assert [each["id"] for each in explained("--rules", rules, "Bonjour")["conditions"]] == []
    assert [each["id"] for each in explained("--rules", rules, "--all", "Bonjour")["conditions"]] == [
        "T-2",
        "T-1",
        "T-3",
    ]
    assert [each["id"] for each in explained("--rules", rules, "--rule", "T-3", SCAM)["conditions"]] == ["T-3"]
    result = invoke("explain", "--rules", rules, "--rule", "T-33", SCAM)
    assert result.exit_code == 2
    assert "no rule 'T-33' is in force, did you mean T-3?" in " ".join(result.stderr.replace("│", " ").split())


def test_people_see_conditions_as_trees(tmp_path: Path) -> None:
    shown = invoke("explain", "--rules", pack_in(tmp_path), SCAM).stdout
    assert (
        f"T-1  hits  The account that expires [sic]  ({tmp_path / 'rules' / 'test.yaml'}:{RULE_LINES['T-1']}:" in shown
    )
    assert "├── ✓ names(cpf)  CPF\n├── ✓ pull  expir\n└── ✓ not official(cpf)\n" in shown
    assert "T-3  misses by 1" in shown
    assert "✗ client in [trusted]" in shown
    silent = invoke("explain", "--rules", pack_in(tmp_path), "--rule", "T-1", "Bonjour").stdout
    assert silent.endswith("✗ names(cpf) and pull and not official(cpf)\n")


def test_the_text_may_come_by_standard_input(tmp_path: Path) -> None:
    environment = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    arguments = ["explain", "--json", "--rules", str(pack_in(tmp_path)), "-"]
    result = CliRunner(env=environment).invoke(app, arguments, input=f"{SCAM}\n")
    record = json.loads(result.stdout)
    assert (record["text"], record["verdict"]) == (SCAM, "block")


def test_limits_that_would_count_the_message_are_told(tmp_path: Path) -> None:
    limit = "limits:\n  - {id: L-1, title: Hosts, per: link_host, over: 5 in 10m}\n"
    rules = pack_in(tmp_path, PACK + limit)
    assert [each["id"] for each in explained("--rules", rules, "Voir http://pay.example")["limits"]] == ["L-1"]
    assert explained("--rules", rules, "Bonjour")["limits"] == []
    assert "counted by     L-1  Hosts  (" in invoke("explain", "--rules", rules, "Voir http://pay.example").stdout


def test_a_pdu_is_taken_apart_and_its_recipients_are_masked(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    body = b"\x05\x00\x03\x2a\x02\x01Bonjour"
    octets = pdus.submit_sm(body, esm_class=pdus.UDHI, data_coding=3, source=b"38100")
    record = explained("--rules", rules, "--pdu", octets.hex())
    (pdu,) = record["pdus"]
    assert {key: pdu[key] for key in ("command", "sender", "destinations", "esm_class", "data_coding", "part")} == {
        "command": "submit_sm",
        "sender": "38100",
        "destinations": ["0639******"],
        "esm_class": 0x40,
        "data_coding": 3,
        "part": {"reference": 42, "total": 2, "number": 1},
    }
    shown = invoke("explain", "--rules", rules, "--pdu", octets.hex()).stdout
    fields = "submit_sm, from 38100, to 0639******, esm_class 0x40, data_coding 0x03, part 1 of 2, reference 42"
    assert f"pdu      {fields}\n" in shown
    assert pdus.DESTINATION.decode() not in shown


def test_parts_say_what_each_adds_and_the_part_that_decides_is_explained(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    texts = [b"Votre solde C", b"PF et tous vos droits vont exp", b"irer demain"]
    parts = [
        pdus.submit_sm(bytes([5, 0, 3, 7, 3, number]) + text, esm_class=pdus.UDHI, data_coding=3)
        for number, text in enumerate(texts, 1)
    ]
    digits = [option for part in (parts[1], parts[0], parts[2]) for option in ("--pdu", part.hex())]
    record = explained("--rules", rules, *digits)
    assert (record["verdict"], [rule["id"] for rule in record["rules"]]) == ("block", ["T-1", "T-2"])
    added = [[fact for fact in each["added"] if "sender" not in fact] for each in record["pdus"]]
    answers = [(each["part"]["number"], each["verdict"]) for each in record["pdus"]]
    assert [(*answer, facts) for answer, facts in zip(answers, added, strict=True)] == [
        (2, "allow", []),
        (1, "allow", ["names(cpf)"]),
        (3, "block", ["pull"]),
    ]
    assert [reading["text"] for reading in record["readings"]] == [
        "Votre solde CPF et tous vos droits vont expirer demain"
    ]
    (condition,) = (each["condition"] for each in record["conditions"] if each["id"] == "T-1")
    assert [part.get("because") for part in condition["parts"]] == [
        [{"fact": "names(cpf)", "shown": ["CPF"]}],
        [{"fact": "pull", "shown": ["expir"]}],
        None,
    ]
    shown = invoke("explain", "--rules", rules, *digits).stdout
    assert "answer   allow  adds names(cpf)\n" in shown
    assert "answer   block  adds pull\n" in shown
    assert "together, read as latin1\ntext     Votre solde CPF et tous vos droits vont expirer demain\n" in shown


def test_pdus_of_several_messages_are_explained_by_the_one_that_is_refused(tmp_path: Path) -> None:
    rules = pack_in(tmp_path)
    digits = [pdus.submit_sm(text.encode("latin-1"), data_coding=3).hex() for text in (GENUINE, SCAM, GENUINE)]
    record = explained("--rules", rules, *(option for each in digits for option in ("--pdu", each)))
    assert record["verdict"] == "block"
    assert [each["verdict"] for each in record["pdus"]] == ["allow", "block", "allow"]
    assert [each["text"] for each in record["readings"]] == [SCAM]


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


def test_a_line_of_a_condition_is_whole_where_there_is_no_terminal(tmp_path: Path) -> None:
    words = [f"expir{letter * 120}" for letter in "ab"]
    rules = pack_in(tmp_path, PACK.replace("[expir*]", f"[expir*, {', '.join(words)}]"))
    result = invoke("explain", "--rules", rules, " ".join(words))
    assert re.search(f"✓ pull  .*{words[0]}, {words[1]}", result.stdout)
