"""The audit log: what its lines say and what they never do, and that nothing stops traffic for it."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from smsgate.rules.model import Action, Sample
from smsgate.rules.verdict import Verdict
from smsgate.settings import AuditSettings, Reveal
from smsgate.smpp.coding import GSM7
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.smpp.pdu import TEXT_BEARING
from smsgate.telemetry import audit
from smsgate.telemetry.audit import Entry, Journal
from smsgate.telemetry.digests import Digests
from smsgate.text.normalize import fold
from tests.gates import SCAM, pdu, submit
from tests.loglines import lines
from tests.packs import rule

KEY = b"k" * 32
SECRETS = ("solde", "33639980001", "639980001", "38100", "cpf-droits")


def settings_in(folder: Path, *reveal: Reveal) -> AuditSettings:
    key = folder / "audit.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    return AuditSettings(folder / "audit", key, reveal)


def entry(text: str = SCAM, **changes: Any) -> Entry:
    verdict = Verdict(Action.BLOCK, 0x66, (rule("link", name="R-1"),), (rule("link", name="R-2"),))
    made = Entry(perf_counter(), "bank1", False, verdict, "04ac8c8f4d80", Command.SUBMIT_SM, submit(text, 7), GSM7)
    return made._replace(**changes)


@contextmanager
def journal(folder: Path, *reveal: Reveal, worker: int = 0) -> Iterator[Journal]:
    made = Journal(settings_in(folder, *reveal), worker)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def files(folder: Path) -> list[Path]:
    return sorted((folder / "audit").iterdir())


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files(folder) for line in file.read_text().splitlines()]


def messages(folder: Path) -> list[dict[str, Any]]:
    return [line for line in written(folder) if "client" in line]


def test_a_line_says_when_who_which_rules_and_which_rule_set_and_shows_digests_only(tmp_path: Path) -> None:
    with journal(tmp_path) as made:
        made.note(entry())
    (line,) = messages(tmp_path)
    digests = Digests(KEY)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(line.pop("time"))).total_seconds()) < 60
    assert re.fullmatch(r"[0-9a-f]{24}", line.pop("template"))
    assert line == {
        "client": "bank1",
        "direction": "mt",
        "verdict": "block",
        "status": 0x66,
        "rules": [{"id": "R-1", "at": "pack.yaml:1", "action": "block", "mode": "enforce"}],
        "monitored": [{"id": "R-2", "at": "pack.yaml:1", "action": "block", "mode": "enforce"}],
        "rule_set": "04ac8c8f4d80",
        "sender": digests.address("38100"),
        "recipients": [digests.address("+33 6 39 98 00 01")],
        "text": digests.words(fold(SCAM)),
    }
    whole = "".join(file.read_text() for file in files(tmp_path))
    assert [secret for secret in SECRETS if secret in whole] == []


def test_what_is_revealed_is_what_the_settings_say_and_the_first_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with journal(tmp_path, Reveal.TEXT, Reveal.RECIPIENT) as made:
        made.note(entry())
    start, line = written(tmp_path)
    assert (start["event"], start["reveal"]) == ("start", ["text", "recipient"])
    assert line["revealed"] == {"text": SCAM, "recipient": ["33639980001"]}
    assert lines(caplog) == ['WARNING the audit log shows what digests would hide  reveal="text recipient"']


def test_nothing_is_revealed_unless_somebody_asks_for_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with journal(tmp_path) as made:
        made.note(entry())
    assert written(tmp_path)[0]["reveal"] == []
    assert "revealed" not in written(tmp_path)[1]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (pdu(Command.SUBMIT_SM | RESPONSE, 7, b"4f2a\0"), {"message_id": "4f2a"}),
        (pdu(Command.SUBMIT_SM | RESPONSE, 7, b""), {}),
        (pdu(Command.SUBMIT_SM | RESPONSE, 7, b"", 0x58), {"smsc_status": 0x58}),
        (pdu(Command.GENERIC_NACK, 7, b"", 3), {"smsc_status": 3}),
    ],
)
def test_what_the_smsc_answered(tmp_path: Path, answer: bytes, told: dict[str, Any]) -> None:
    with journal(tmp_path) as made:
        made.note(entry(verdict=Verdict(Action.FLAG, 0, (rule("link"),)), answer=answer))
    (line,) = messages(tmp_path)
    assert {name: value for name, value in line.items() if name in {"message_id", "smsc_status"}} == told


def test_files_are_the_owners_alone_one_for_each_worker_and_day(tmp_path: Path) -> None:
    for worker in (0, 3):
        with journal(tmp_path, worker=worker) as made:
            made.note(entry())
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    assert [file.name for file in files(tmp_path)] == [f"{day}.w0.001.jsonl", f"{day}.w3.001.jsonl"]
    assert {file.stat().st_mode & 0o777 for file in files(tmp_path)} == {0o600}
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o700


def test_a_file_that_has_grown_too_large_is_left_and_a_restart_goes_on_with_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_FILE_BYTES", 200)
    for _ in range(2):
        with journal(tmp_path) as made:
            made.note(entry())
    assert [file.name[-9:] for file in files(tmp_path)] == ["001.jsonl", "002.jsonl"]
    assert len(messages(tmp_path)) == 2


def test_what_finds_no_room_in_the_queue_is_lost_counted_and_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_QUEUED", 3)
    monkeypatch.setattr(audit, "POLL_S", 60.0)
    with journal(tmp_path) as made:
        for _ in range(5):
            made.note(entry())
    assert made.lost == {"queue": 2, "disk": 0}
    assert [(line["event"], line.get("lines")) for line in written(tmp_path) if "event" in line] == [
        ("start", None),
        ("lost", 2),
    ]
    assert len(messages(tmp_path)) == made.written == 3


def test_octets_bound_the_queue_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MAX_QUEUED_BYTES", 3 * len(submit(SCAM, 7)) - 1)
    monkeypatch.setattr(audit, "POLL_S", 60.0)
    with journal(tmp_path) as made:
        for _ in range(5):
            made.note(entry())
    assert made.lost["queue"] == 2


def failing(after: int) -> Callable[[int, bytes], int]:
    """A disk that takes so many octets and is full then."""
    left = after

    def write(descriptor: int, data: bytes) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = REAL_WRITE(descriptor, bytes(data)[:left])
        left -= taken
        return taken

    return write


REAL_WRITE = os.write


@pytest.mark.parametrize("taken", [0, 100])
def test_a_full_disk_costs_lines_and_nothing_else_and_what_follows_can_be_read(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = Journal(settings_in(tmp_path), 0)
    made.start()
    with monkeypatch.context() as full:
        full.setattr("smsgate.telemetry.audit.os.write", failing(taken))
        made.note(entry())
        made._stopping.set()
        made._thread.join()
    assert made.lost == {"queue": 0, "disk": 1}
    assert lines(caplog) == [
        'ERROR the audit log can\'t be written  reason="[Errno 28] No space left on device" lost=1'
    ]
    made.note(entry())
    made._write_queued()
    texts = [line for file in files(tmp_path) for line in file.read_text().splitlines()]
    assert [json.loads(text).get("lines") for text in texts[-2:]] == [1, None]
    assert len(texts) == (3 if not taken else 4)


def test_lines_that_had_room_on_a_full_disk_are_not_among_the_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Journal(settings_in(tmp_path), 0)
    made.start()
    made._stopping.set()
    made._thread.join()

    def write(messages: int, room: int) -> None:
        for _ in range(messages):
            made.note(entry())
        with monkeypatch.context() as full:
            full.setattr("smsgate.telemetry.audit.os.write", failing(room))
            made._write_queued()

    write(1, 10_000)
    line_octets = len(files(tmp_path)[0].read_bytes().splitlines()[1]) + 1
    write(4, line_octets * 2 + 10)
    assert (made.lost["disk"], made.written) == (2, 3)
    write(1, 30)  # not even for the line about those lost
    assert (made.lost["disk"], made.written) == (3, 3)
    write(1, 10_000)
    records = [record(text) for text in files(tmp_path)[0].read_text().splitlines()]
    assert sum("verdict" in each for each in records) == made.written == 4
    assert sum(each.get("lines", 0) for each in records) == made.lost["disk"] == 3


def record(text: str) -> dict[str, Any]:
    """That of a line; of one that is not whole nothing."""
    try:
        made: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return made


def test_a_fault_on_one_message_costs_its_line_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with journal(tmp_path) as made:
        made.note(entry(alphabet=None))
        made.note(entry())
    assert len(messages(tmp_path)) == 1
    assert made.lost["queue"] == 1
    assert "solde" not in "".join(lines(caplog))


@pytest.mark.parametrize("command", [*TEXT_BEARING, 0x99])
def test_any_octets_make_a_line(tmp_path: Path, command: int) -> None:
    with journal(tmp_path) as made:
        made.note(entry(command=command, pdu=b"\0" * 16))
        made.note(entry(command=command, pdu=pdu(command, 1, b"\xff" * 300)))
    assert len(messages(tmp_path)) == 2


def test_a_folder_or_key_that_can_not_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.key.unlink()
    with pytest.raises(FileNotFoundError, match=r"audit\.key"):
        Journal(settings, 0).start()
    (tmp_path / "in_the_way").touch()
    with pytest.raises(FileExistsError, match="in_the_way"):
        Journal(AuditSettings(tmp_path / "in_the_way", settings.key), 0).start()


def test_lines_of_two_generations_that_write_at_once_stay_whole(tmp_path: Path) -> None:
    with journal(tmp_path) as old, journal(tmp_path) as new:
        for number in range(200):
            (old, new)[number % 2].note(entry())
    assert len(messages(tmp_path)) == 200


def test_a_sampled_rule_says_by_its_place_whether_it_acted(tmp_path: Path) -> None:
    sampled = replace(rule("link", name="R-3"), mode=Sample(0.1))
    with journal(tmp_path) as made:
        made.note(entry(verdict=Verdict(Action.BLOCK, 0x66, (sampled,))))
        made.note(entry(verdict=Verdict(monitored=(sampled,))))
    acted, watched = messages(tmp_path)
    assert (
        acted["rules"]
        == watched["monitored"]
        == [{"id": "R-3", "at": "pack.yaml:1", "action": "block", "mode": "sample 10%"}]
    )
