"""Which messages of a session reach the audit log, with which answer, and what becomes of those that wait for one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smsgate.net import witness
from smsgate.rules.condition import parse
from smsgate.rules.model import Action, Mode, Rule
from smsgate.settings import ClientMode, ClientSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import GENUINE, SCAM, WHERE, crew, pack, pdu, rule_set, run_on, submit, until, wire
from tests.test_telemetry_audit import SECRETS, settings_in

RESP = Command.SUBMIT_SM | RESPONSE
FLAGGED = "Votre pass expire demain"
FLAG = Rule("T-2", "a word", parse("pull"), Action.FLAG, WHERE)
RULES = (*pack().rules, FLAG)


def told(folder: Path, *fields: str) -> list[tuple[Any, ...]]:
    """What the lines about messages say, oldest first."""
    found = []
    for file in (folder / "audit").iterdir():
        text = file.read_text()
        assert [secret for secret in SECRETS if secret in text] == []
        found += [json.loads(line) for line in text.splitlines()]
    found = sorted((line for line in found if "client" in line), key=lambda line: line["time"])
    return [tuple(line.get(field) for field in fields) for line in found]


def test_what_a_rule_hit_has_a_line_with_its_message_id_and_nothing_else_has(tmp_path: Path) -> None:
    async def body() -> None:
        async with wire(rule_set(rules=RULES), audit=settings_in(tmp_path)) as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2) + submit(FLAGGED, 3) + submit(SCAM, 4) + submit(FLAGGED, 5))
            assert await upstream.pdus(3) == [submit(GENUINE, 2), submit(FLAGGED, 3), submit(FLAGGED, 5)]
            answers = [pdu(RESP, number, b"id-%d\0" % number) for number in (5, 2, 3)]
            upstream.send(b"".join(answers))
            assert await esme.pdus(4) == [pdu(RESP, 4, status=Status.ESME_RX_R_APPN), *answers]
        assert set(told(tmp_path, "client", "verdict", "message_id")) == {
            ("bank1", "flag", "id-3"),
            ("bank1", "block", None),
            ("bank1", "flag", "id-5"),
        }
        version = running.gate.policy.rules.version
        assert set(told(tmp_path, "rule_set", "direction", "status")) == {
            (version, "mt", 0),
            (version, "mt", Status.ESME_RX_R_APPN),
        }

    run_on("uvloop", body)


def test_what_is_only_monitored_has_a_line_that_says_so(tmp_path: Path) -> None:
    watching = replace(pack().rules[0], mode=Mode.MONITOR)

    async def body() -> None:
        async with wire(rule_set(rules=(watching,)), audit=settings_in(tmp_path)) as running:
            esme, upstream = await running.bound()
            esme.send(submit(SCAM, 2))
            assert await upstream.pdu() == submit(SCAM, 2)
            upstream.send(pdu(RESP, 2, b"id\0"))
            await esme.pdu()
        ((verdict, rules, (monitored,), message_id),) = told(tmp_path, "verdict", "rules", "monitored", "message_id")
        assert (verdict, rules, monitored["id"], message_id) == ("allow", [], "T-1", "id")
        assert (monitored["at"], monitored["mode"]) == ("test.yaml:1", "monitor")

    run_on("uvloop", body)


def test_a_client_in_monitor_mode_and_one_over_its_own_rate(tmp_path: Path) -> None:
    clients = {
        "bank1": ClientSettings(mode=ClientMode.MONITOR),
        "fast": ClientSettings(rate_per_s=0.001, burst=1),
    }

    async def body() -> None:
        async with wire(clients=clients, audit=settings_in(tmp_path)) as running:
            esme, upstream = await running.bound()
            esme.send(submit(SCAM, 2))
            assert await upstream.pdu() == submit(SCAM, 2)
            fast, _ = await running.bound("fast")
            fast.send(submit(GENUINE, 2) + submit(GENUINE, 3))
            assert await fast.pdu() == pdu(RESP, 3, status=Status.ESME_RTHROTTLED)
        assert told(tmp_path, "client", "verdict") == [("bank1", "allow")]

    run_on("uvloop", body)


def test_a_message_dropped_on_a_bind_that_may_not_send_has_the_status_that_it_was_refused_with(tmp_path: Path) -> None:
    dropping = replace(pack().rules[0], action=Action.DROP)

    async def body() -> None:
        async with wire(rule_set(rules=(dropping,)), audit=settings_in(tmp_path)) as running:
            esme, _ = await running.bound(command=Command.BIND_RECEIVER)
            esme.send(submit(SCAM, 2))
            assert await esme.pdu() == pdu(RESP, 2, status=Status.ESME_RINVBNDSTS)
        assert told(tmp_path, "verdict", "smsc_status") == [("drop", Status.ESME_RINVBNDSTS)]

    run_on("uvloop", body)


def test_a_dropped_message_has_the_id_that_the_sender_was_told(tmp_path: Path) -> None:
    dropping = replace(pack().rules[0], action=Action.DROP)

    async def body() -> None:
        async with wire(rule_set(rules=(dropping,)), audit=settings_in(tmp_path)) as running:
            esme, _ = await running.bound()
            esme.send(submit(SCAM, 2))
            answer = await esme.pdu()
            message_id = answer[16:-1].decode()
            assert answer == pdu(RESP, 2, message_id.encode() + b"\0")
        assert told(tmp_path, "verdict", "message_id") == [("drop", message_id)]

    run_on("uvloop", body)


def test_what_the_smsc_delivers_has_its_direction(tmp_path: Path) -> None:
    deliver = submit(SCAM, 9).replace(pdu(Command.SUBMIT_SM, 0)[4:8], pdu(Command.DELIVER_SM, 0)[4:8], 1)

    async def body() -> None:
        async with wire(inspect_mo=True, audit=settings_in(tmp_path)) as running:
            _, upstream = await running.bound()
            upstream.send(deliver)
            assert (await upstream.pdu())[8:12] == Status.ESME_RX_R_APPN.to_bytes(4, "big")
        assert told(tmp_path, "direction", "verdict") == [("mo", "block")]

    run_on("uvloop", body)


def test_what_is_not_answered_has_a_line_when_the_session_ends_the_number_comes_again_or_the_time_is_up(
    tmp_path: Path,
) -> None:
    async def body() -> None:
        async with wire(rule_set(rules=RULES), audit=settings_in(tmp_path)) as running:
            esme, upstream = await running.bound()
            (relay,) = running.gate.sessions._relays
            assert relay.inspection.witness is not None
            for sent in range(1, 4):
                esme.send(submit(FLAGGED, 2) + submit(FLAGGED, 3))
                await upstream.pdus(2)
                assert len(relay.inspection.witness.awaited) == 2
                assert relay.inspection.witness._journal._bytes_in == (sent - 1) * 2 * len(submit(FLAGGED, 2))
            first = relay.inspection.witness.awaited[2].at
            relay.inspection.witness.tick(first + witness.AWAITED_S - 0.1)
            assert len(relay.inspection.witness.awaited) == 2
            relay.inspection.witness.tick(relay.inspection.witness.awaited[3].at + witness.AWAITED_S)
            assert not relay.inspection.witness.awaited
            esme.send(submit(FLAGGED, 4))
            await upstream.pdu()
        assert told(tmp_path, "verdict", "message_id") == [("flag", None)] * 7

    run_on("uvloop", body)


def test_no_more_wait_for_an_answer_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MAX_AWAITED", 2)

    async def body() -> None:
        async with wire(rule_set(rules=RULES), audit=settings_in(tmp_path)) as running:
            esme, upstream = await running.bound()
            esme.send(b"".join(submit(FLAGGED, number) for number in (2, 3, 4)))
            await upstream.pdus(3)
            (relay,) = running.gate.sessions._relays
            assert relay.inspection.witness is not None
            assert list(relay.inspection.witness.awaited) == [2, 3]
        assert len(told(tmp_path)) == 3

    run_on("uvloop", body)


def test_octets_of_all_sessions_bound_what_waits_for_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "MAX_AWAITED_BYTES", 2_000)

    async def body() -> None:
        async with wire(rule_set(rules=RULES), audit=settings_in(tmp_path)) as running:
            for first in (2, 12):
                esme, upstream = await running.bound()
                esme.send(b"".join(submit(FLAGGED, number) for number in range(first, first + 10)))
                await upstream.pdus(10)
            witnesses = [
                relay.inspection.witness
                for relay in running.gate.sessions._relays
                if relay.inspection.witness is not None
            ]
            assert sorted(number for each in witnesses for number in each.awaited) == [2, 3, 4, 5]
            upstream.send(pdu(RESP, 12, b"late\0"))
            await esme.pdu()
        assert len(told(tmp_path)) == 20
        assert witnesses[0]._journal.awaited_bytes == 0

    run_on("uvloop", body)


def test_without_an_audit_log_nothing_is_kept() -> None:
    async def body() -> None:
        async with wire(rule_set(rules=RULES)) as running:
            await running.bound()
            (relay,) = running.gate.sessions._relays
            assert relay.inspection.witness is None

    run_on("uvloop", body)


def test_workers_write_files_of_their_own_and_all_is_written_when_the_gate_has_ended(tmp_path: Path) -> None:
    async def body() -> None:
        async with crew(audit=settings_in(tmp_path)) as running:
            for client in ("bank1", "bank2", "bank3", "bank4"):
                esme, _ = await running.bound(client)
                esme.send(submit(SCAM, 2))
                assert await esme.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
        assert sorted(told(tmp_path, "client")) == [("bank1",), ("bank2",), ("bank3",), ("bank4",)]
        assert {file.name[10:13] for file in (tmp_path / "audit").iterdir()} == {".w0", ".w1"}

    run_on("uvloop", body)


def test_lost_lines_of_all_workers_are_counted_together(tmp_path: Path) -> None:
    async def body() -> None:
        async with crew(audit=settings_in(tmp_path)) as running:
            esme, _ = await running.bound()
            for file in (tmp_path / "audit").iterdir():
                file.unlink()
            (tmp_path / "audit").rmdir()
            esme.send(submit(SCAM, 2))
            await esme.pdu()
            await until(lambda: lost(running.gate.collect()) == {"queue": 0, "disk": 1})

    def lost(metrics: Any) -> dict[str, float]:
        (family,) = (metric for metric in metrics if metric.name == "smsgate_audit_lost")
        return {sample.labels["reason"]: sample.value for sample in family.samples}

    run_on("uvloop", body)
