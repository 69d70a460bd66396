"""`smsgate audit`: what is found in the audit log, with the key and without it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from time import perf_counter

import pytest

from smsgate.rules.model import Action
from smsgate.rules.verdict import Verdict
from smsgate.settings import Reveal
from smsgate.smpp.coding import UCS2
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.telemetry import audit
from smsgate.telemetry.digests import Digests
from smsgate.text.normalize import fold
from tests.gates import GENUINE, SCAM, pdu, submit
from tests.packs import rule
from tests.programs import invoke
from tests.test_telemetry_audit import KEY, entry, files, journal

LONG = "Votre solde CPF expire demain, appelez vite. " * 5
FLAG = Verdict(Action.FLAG, 0, (rule("link", name="R-7"),))


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., list[str]]:
    """The lines of `audit find` with these arguments, in files that two workers have written."""
    answer = pdu(Command.SUBMIT_SM | RESPONSE, 7, b"4f2a\0")
    ucs2 = submit("x" * len(SCAM) * 2, 7).replace(b"x" * len(SCAM) * 2, SCAM.encode("utf-16-be"))
    with journal(tmp_path) as one, journal(tmp_path, worker=1) as two:
        one.note(entry())
        two.note(entry(alphabet=UCS2, pdu=ucs2, client="bank2"))
        one.note(entry(GENUINE, verdict=FLAG, answer=answer, client="bank2"))
        two.note(entry(pdu=submit(GENUINE, 3, sender=b"PPX Colis")))
        one.note(entry(LONG[153 : 2 * 153], client="long"))

    def find(*arguments: str, code: int = 0) -> list[str]:
        result = invoke("audit", "find", "--folder", tmp_path / "audit", "--key", tmp_path / "audit.key", *arguments)
        assert result.exit_code == code, result.output
        return result.stdout.splitlines()

    return find


Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    "number",
    [
        "+33639980001",
        "0639980001",
        "06 39 98 00 01",
        "0033.6.39.98.00.01",
        "0033 639 98 00 01",
        "06 39 980 001",
        "+33 (0)6 39 98 00 01",
        "(0033) 6 39 98 00 01",
        "06\u00a039\u00a098\u00a000\u00a001",
    ],
)
def test_a_number_is_found_in_any_spelling(found: Find, number: str) -> None:
    assert len(found("--number", number)) == 5


def test_a_number_is_found_as_sender_too(found: Find) -> None:
    assert len(found("--number", "38100")) == len(found("--sender", "38100")) == 4
    assert found("--number", "38101", code=1) == []


def test_a_text_is_found_whatever_alphabet_it_came_in_and_however_its_blanks_stand(found: Find) -> None:
    lines = found("--text", f"  {SCAM.upper()}  ")
    assert [line.split("  ")[1] for line in lines] == ["bank1", "bank2"]


def test_a_part_of_a_long_text_is_found_by_the_whole(found: Find) -> None:
    (line,) = found("--text", LONG)
    assert "  long  " in line


def test_a_name_is_found_without_regard_to_case_and_blanks(found: Find) -> None:
    assert len(found("--sender", "ppx-COLIS")) == 1


def test_what_is_given_must_all_be_met(found: Find) -> None:
    assert len(found("--client", "bank2")) == 2
    assert len(found("--rule", "R-7")) == 1
    assert len(found("--rule", "R-2")) == 4  # monitored
    assert len(found("--client", "bank2", "--rule", "R-2", "--text", SCAM)) == 1
    assert found("--client", "bank2", "--rule", "R-7", "--text", SCAM, code=1) == []


def test_a_line_for_people_names_rules_with_their_places_and_the_message_id(found: Find) -> None:
    (line,) = found("--rule", "R-7")
    time, client, verdict, rules, message_id, sender, *_ = line.split("  ")
    assert datetime.fromisoformat(time).year >= 2026
    assert (client, verdict, rules, message_id) == ("bank2", "mt flag", "R-7 pack.yaml:1", "id 4f2a")
    assert sender == f"sender {Digests(KEY).address('38100')[:8]}"


def test_json_is_the_lines_as_they_stand(found: Find, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in found("--json")]
    standing = [json.loads(line) for file in files(tmp_path) for line in file.read_text().splitlines()]
    assert len(lines) == 5
    assert all(line in standing for line in lines)
    assert lines == sorted(lines, key=lambda line: str(line["time"]))
    text = Digests(KEY).words(fold(SCAM))
    (template,) = {line["template"] for line in lines if line["text"] == text}
    assert len(found("--template", template)) == 2


def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    with journal(tmp_path) as made:
        made.note(entry(at=perf_counter() - 7200, client="old"))
        made.note(entry(client="new"))
    result = invoke("audit", "find", "--folder", tmp_path / "audit", "--since", "1h")
    assert [line.split("  ")[1] for line in result.stdout.splitlines()] == ["new"]
    old = tmp_path / "audit" / f"{datetime.now(UTC) - timedelta(days=9):%Y-%m-%d}.w0.001.jsonl"
    old.write_text("not looked at")
    assert invoke("audit", "find", "--folder", tmp_path / "audit", "--since", "1h").stderr == ""
    assert "1 lines can't be read" in invoke("audit", "find", "--folder", tmp_path / "audit").stderr


def test_compressed_files_are_read_and_broken_ones_told(found: Find, tmp_path: Path) -> None:
    for file in files(tmp_path):
        packed = gzip.compress(file.read_bytes())
        file.with_name(f"{file.name}.gz").write_bytes(packed)
        file.unlink()
    assert len(found("--number", "0639980001")) == 5
    file = files(tmp_path)[0]
    file.write_bytes(file.read_bytes()[:-20])
    found("--number", "0639980001", code=1)


def test_whoever_has_another_key_finds_nothing_and_is_told_why(found: Find, tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_bytes(b"another" * 8)
    result = invoke(
        "audit", "find", "--folder", tmp_path / "audit", "--key", tmp_path / "audit.key", "--number", "0639980001"
    )
    assert result.exit_code == 1
    assert "another key was in use" in result.stderr
    assert "nothing found in 7 lines" in result.stderr


def test_without_a_key_clients_and_rules_can_be_searched(found: Find, tmp_path: Path) -> None:
    assert invoke("audit", "find", "--folder", tmp_path / "audit", "--client", "bank2").exit_code == 0
    result = invoke("audit", "find", "--folder", tmp_path / "audit", "--number", "0639980001")
    assert (result.exit_code, "--key FILE" in result.stderr) == (2, True)


def test_the_configuration_names_folder_and_key(tmp_path: Path) -> None:
    with journal(tmp_path, Reveal.TEXT) as made:
        made.note(entry())
    config = tmp_path / "smsgate.yaml"
    head = 'listeners: [{bind: "127.0.0.1:0"}]\nupstreams: [{address: "127.0.0.1:9"}]\nrules: []\n'
    config.write_text(head)
    result = invoke("audit", "find", "-c", config)
    assert (result.exit_code, "audit: {folder: audit/, key: audit.key}" in result.stderr) == (1, True)
    config.write_text(f"{head}audit: {{folder: audit/, key: audit.key}}\n")
    result = invoke("audit", "find", "-c", config, "--number", "0639980001")
    assert result.stdout.rstrip().endswith(f"text: {SCAM}")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = invoke("audit", "find", "--folder", tmp_path / "aduit", "--client", "bank1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "aduit" in result.stderr
    assert "No such file or directory" in result.stderr


def test_a_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "audit.key"
    assert invoke("audit", "key", "--write", file).exit_code == 0
    assert (file.stat().st_mode & 0o777, len(file.read_bytes())) == (0o600, 32)
    before = file.read_bytes()
    result = invoke("audit", "key", "--write", file)
    assert (result.exit_code, "File exists" in result.stderr) == (1, True)
    assert file.read_bytes() == before


def test_lines_of_days_are_kept_apart_by_the_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=1)).timestamp(), tz)

    with journal(tmp_path) as made:
        monkeypatch.setattr(audit, "datetime", Clock)
        made.note(entry())
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert [file.name for file in files(tmp_path)][1] == f"{tomorrow}.w0.001.jsonl"
