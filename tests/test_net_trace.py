"""The wire trace: one record a PDU however the stream is cut, and no octet of a body."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from smsgate.net.trace import MAX_BACKLOG_BYTES, Tap, bounded
from smsgate.smpp.constants import RESPONSE, Command, Status
from tests.gates import SCAM, bind, pdu, submit

STREAM = bind() + submit(SCAM, 2) + pdu(0x0BAD, 3, b"x") + pdu(Command.ENQUIRE_LINK, 4)
SAID = [
    ("esme > gate", "bind_transceiver", len(bind()), 0, 1),
    ("esme > gate", "submit_sm", len(submit(SCAM, 2)), 0, 2),
    ("esme > gate", "0x00000BAD", 17, 0, 3),
    ("esme > gate", "enquire_link", 16, 0, 4),
]


def rows(records: list[dict[str, Any]]) -> list[tuple[str, str, int, int, int]]:
    return [(r["way"], r["command"], r["length"], r["status"], r["sequence"]) for r in records]


@pytest.mark.parametrize("step", [1, 3, 15, 16, 17, len(STREAM)])
def test_each_pdu_is_told_once_however_the_stream_is_cut(step: int) -> None:
    records: list[dict[str, Any]] = []
    tap = Tap("esme", {"session": 7}, records.append, b"")
    for position in range(0, len(STREAM), step):
        tap.said(STREAM[position : position + step])
    assert rows(records) == SAID
    assert {record["session"] for record in records} == {7}


def test_what_is_pending_when_a_trace_begins_belongs_to_the_first_pdu() -> None:
    records: list[dict[str, Any]] = []
    tap = Tap("esme", {}, records.append, STREAM[:50])
    tap.said(STREAM[50:])
    assert rows(records) == SAID


def test_both_ways_are_told_apart_and_statuses_told() -> None:
    records: list[dict[str, Any]] = []
    tap = Tap("smsc", {}, records.append, b"")
    answer = pdu(Command.SUBMIT_SM | RESPONSE, 2, status=Status.ESME_RTHROTTLED)
    tap.said(answer[:5])
    tap.told([submit(SCAM, 2), memoryview(submit(SCAM, 3))])
    tap.said(answer[5:])
    assert rows(records) == [
        ("gate > smsc", "submit_sm", len(submit(SCAM, 2)), 0, 2),
        ("gate > smsc", "submit_sm", len(submit(SCAM, 3)), 0, 3),
        ("smsc > gate", "submit_sm_resp", 16, Status.ESME_RTHROTTLED, 2),
    ]


def test_no_octet_of_a_body_is_told_or_kept() -> None:
    records: list[dict[str, Any]] = []
    tap = Tap("esme", {"session": 7, "client": "bank1"}, records.append, b"")
    marked = pdu(Command.SUBMIT_SM, 5, b"\xee" * 40)
    for position in range(len(marked)):
        tap.said(marked[position : position + 1])
        for headers in (tap._said, tap._told):
            assert b"\xee" not in headers._part
    (record,) = records
    assert set(record) == {"at", "session", "client", "way", "command", "length", "status", "sequence"}
    assert datetime.fromisoformat(record["at"]).tzinfo is not None
    assert "238" not in json.dumps({**record, "at": ""})


def test_records_that_a_slow_reader_has_no_room_for_are_counted_in_the_next() -> None:
    told: list[dict[str, Any]] = []
    backlog = 0
    emit = bounded(told.append, lambda: backlog)
    emit({"n": 1})
    backlog = MAX_BACKLOG_BYTES + 1
    emit({"n": 2})
    emit({"n": 3, "left_out": 5})  # left out on the way here, too
    backlog = MAX_BACKLOG_BYTES
    emit({"n": 4})
    emit({"n": 5})
    assert told == [{"n": 1}, {"n": 4, "left_out": 7}, {"n": 5}]
