"""What is logged, and what never is: texts of messages, numbers, passwords."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from smsgate.settings import LogFormat, LogLevel, LogSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.telemetry import logs
from smsgate.telemetry.logs import EVENT_BURST, MAX_EVENTS
from smsgate.text.reading import Reading
from smsgate.worker import Gate
from tests.arrangement import running
from tests.gates import GENUINE, SCAM, Wire, bind, both_loops, pdu, rule_set, run_on, submit, until, wire
from tests.loglines import lines
from tests.test_telemetry_audit import settings_in

RESP = Command.SUBMIT_SM | RESPONSE
FLAGGED = "Votre pass expire demain"
"""Hit by a rule of `programs.PACK` that flags."""
SENDER = "33639981234"
SECRETS = ("secret", SENDER, "33639980001", "solde", "rendez-vous", "14h30", "cpf-droits", "votre pass")
"""The password of `gates.bind`, both numbers, and words of both messages."""


def rules_that_quote(readings: Sequence[Reading], sender: str, client: str, carrier: int = 0) -> NoReturn:
    """A fault of the filter in whose words the whole message stands."""
    raise KeyError(f"{readings[0].text} from {sender} of {client}")


class Everything(logging.Formatter):
    """Whatever a record holds, but for the exception itself, which the forms reduce to its type and places."""

    def format(self, record: logging.LogRecord) -> str:
        return repr({**vars(record), "exc_info": None, "exc_text": None, "told": record.getMessage()})


async def refused_bind(running: Wire[Gate]) -> None:
    esme = await running.esme()
    esme.send(bind(system_id="bank2"))
    upstream = await running.smsc.connection()
    assert await upstream.pdu() == bind(system_id="bank2")
    upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, status=Status.ESME_RINVPASWD))
    assert (await esme.pdu())[8:12] == Status.ESME_RINVPASWD.to_bytes(4, "big")
    await until(lambda: running.gate.metrics.binds_refused == 1)


@both_loops
def test_no_text_no_number_and_no_password_is_logged_at_any_level(
    loop_name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = SENDER.encode()

    async def body() -> None:
        async with wire() as running:
            await refused_bind(running)
            esme, upstream = await running.bound()
            esme.send(submit(SCAM, 2, sender=sender) + submit(GENUINE, 3, sender=sender))
            assert await esme.pdu() == pdu(RESP, 2, status=Status.ESME_RX_R_APPN)
            monkeypatch.setattr(running.gate.policy.rules, "find", rules_that_quote)
            esme.send(submit(SCAM, 4, sender=sender))
            assert await esme.pdu() == pdu(RESP, 4, status=Status.ESME_RSYSERR)
            monkeypatch.undo()
            esme.send(submit(SCAM, 5, sender=sender)[:-20] + b"\xff" * 20 + b"\0\0\0\x05" + SCAM.encode())
            assert await esme.eof()
            await upstream.eof()
        for form in (logs.Text({}), logs.Json({}), Everything()):
            logged = "\n".join(map(form.format, caplog.records))
            for told in ("bind refused by the SMSC", "bank2", "bound", "bank1", "filter failed", "ended"):
                assert told in logged
            assert [secret for secret in SECRETS if secret.lower() in logged.lower()] == []

    with caplog.at_level(1):
        run_on(loop_name, body)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gate_at_debug_level_tells_of_its_sessions_and_nothing_of_its_traffic(tmp_path: Path, workers: int) -> None:
    settings_in(tmp_path)
    settings = "log: {level: debug}\naudit: {folder: audit/, key: audit.key}\n"

    async def main() -> list[str]:
        async with running(tmp_path, workers, settings=settings) as gate:
            for client in ("bank1", "bank2"):
                esme = await gate.bound(client)
                for sequence, text in enumerate((SCAM, GENUINE, FLAGGED), 2):
                    esme.send(submit(text, sequence, sender=SENDER.encode()))
                    await esme.pdu()
                esme.send(b"\0\0\0\x05" + SCAM.encode())
                assert await esme.eof()
            process = gate.gate.process
            gate.end()
            assert process.stderr is not None
            return (await process.stderr.read()).decode().splitlines()

    told = [json.loads(line) for line in asyncio.run(main())]
    assert {"ready", "bound", "ended"} <= {line["event"] for line in told}
    assert {line["client"] for line in told if line["event"] == "bound"} == {"bank1", "bank2"}
    audited = "".join(file.read_text() for file in (tmp_path / "audit").iterdir())
    assert (audited.count('"verdict":"block"'), audited.count('"verdict":"flag"')) == (2, 2)
    for written in (json.dumps(told), audited):
        assert [secret for secret in SECRETS if secret.lower() in written.lower()] == []


@both_loops
def test_a_fault_of_the_filter_is_answered_0x08_counted_and_told_and_the_session_lives(
    loop_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        rules = rule_set()
        async with wire(rules) as running:
            esme, upstream = await running.bound()
            with pytest.MonkeyPatch.context() as broken:
                broken.setattr(rules, "find", rules_that_quote)
                esme.send(submit(GENUINE, 2) + submit(GENUINE, 3))
                assert await esme.pdus(2) == [pdu(RESP, number, status=Status.ESME_RSYSERR) for number in (2, 3)]
            esme.send(submit(GENUINE, 4) + submit(SCAM, 5))
            assert await upstream.pdu() == submit(GENUINE, 4)
            assert await esme.pdu() == pdu(RESP, 5, status=Status.ESME_RX_R_APPN)
            assert running.gate.metrics.filter_errors == 2
        told = [line for line in lines(caplog) if line.startswith("ERROR")]
        place = (
            r'ERROR filter failed  client=bank1 error="KeyError at test_telemetry_logs\.py:\d+ < policy\.py:\d+ < .*'
        )
        assert len(told) == 2
        assert all(re.fullmatch(place, line) for line in told)

    run_on(loop_name, body)


def test_an_exception_is_told_by_its_type_and_places_only() -> None:
    with pytest.raises(KeyError) as raised:
        rules_that_quote([Reading.of_text(SCAM)], SENDER, "bank1")
    places = r"KeyError at test_telemetry_logs\.py:\d+ < test_telemetry_logs\.py:\d+"
    assert re.fullmatch(places, logs.without_message(raised.value))
    assert logs.without_message(ValueError(SCAM)) == "ValueError"


@pytest.fixture
def _root_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def configured(**settings: Any) -> io.StringIO:
    """Logging as it is set up for a process, into a stream that is no terminal."""
    stream = io.StringIO()
    logs.configure(LogSettings(**settings), stream, worker=1)
    return stream


@pytest.mark.usefixtures("_root_restored")
def test_a_line_of_json_has_time_level_event_and_fields() -> None:
    stream = configured()
    log = logging.getLogger("smsgate.net")
    log.info("bound", extra={"client": 'ba"nk', "address": "192.0.2.1:7", "upstream": ""})
    log.debug("nothing")
    line = stream.getvalue()
    assert line.count("\n") == 1
    told = json.loads(line)
    assert datetime.fromisoformat(told.pop("time")).tzinfo is UTC
    assert told == {
        "level": "info", "event": "bound", "logger": "smsgate.net", "worker": 1, "client": 'ba"nk', "address": "192.0.2.1:7"
    }  # fmt: skip


@pytest.mark.usefixtures("_root_restored")
def test_a_line_of_text_is_one_line_whatever_is_in_the_fields() -> None:
    stream = configured(format=LogFormat.TEXT, level=LogLevel.DEBUG)
    logging.getLogger("smsgate.net").debug("bound", extra={"client": "a b=c\nforged", "address": "192.0.2.1:7"})
    time, rest = stream.getvalue().split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)
    assert rest == 'DEBUG bound  worker=1 client="a b=c\\nforged" address=192.0.2.1:7\n'


@pytest.mark.usefixtures("_root_restored")
def test_a_terminal_gets_text_if_nothing_else_is_said() -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    for settings, begin in ((LogSettings(), "2"), (LogSettings(LogFormat.JSON), "{")):
        terminal.truncate(0)
        terminal.seek(0)
        logs.configure(settings, terminal)
        logging.getLogger("smsgate").info("bound")
        assert terminal.getvalue().startswith(begin)


@pytest.mark.usefixtures("_root_restored")
def test_of_an_exception_in_another_librarys_words_the_places_are_told() -> None:
    stream = configured()
    with pytest.raises(ValueError) as raised:
        int(SCAM)
    words = "Exception in callback turn\nhandle: <Handle %s>"
    logging.getLogger("asyncio").error(words, SCAM, exc_info=raised.value)
    assert "solde" not in stream.getvalue()
    assert re.search(r'"event": "Exception in callback turn", .*"error": "ValueError at test_', stream.getvalue())


@pytest.mark.usefixtures("_root_restored")
def test_a_flood_of_one_event_is_paced_and_counted_and_keeps_no_other_event_out() -> None:
    stream = configured()
    log = logging.getLogger("smsgate.net")

    def at(second: float, event: str) -> None:
        record = log.makeRecord(log.name, logging.WARNING, __file__, 1, event, (), None)
        record.created = 1e9 + second
        log.handle(record)

    for number in range(10 * EVENT_BURST):
        at(number / 1_000, "bind refused")
    at(2.0, "rules in force")
    at(60.0, "bind refused")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert EVENT_BURST <= sum(line["event"] == "bind refused" for line in told) <= EVENT_BURST + 3
    assert sum(line["event"] == "rules in force" for line in told) == 1
    suppressed = sum(line.get("suppressed", 0) for line in told)
    assert suppressed + len(told) == 10 * EVENT_BURST + 2


def test_events_without_end_share_one_pace_and_no_more_memory() -> None:
    pace = logs.Pace()
    records = [logging.makeLogRecord({"msg": f"event {number}"}) for number in range(2 * MAX_EVENTS)]
    passed = sum(map(pace.filter, records))
    assert MAX_EVENTS + EVENT_BURST <= passed <= MAX_EVENTS + EVENT_BURST + 2
