"""What is logged, and what never is: texts of messages, numbers, passwords."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest

from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.telemetry import logs
from smsgate.text.reading import Reading
from smsgate.worker import Gate
from tests.gates import GENUINE, SCAM, Wire, bind, both_loops, pdu, rule_set, run_on, submit, until, wire

RESP = Command.SUBMIT_SM | RESPONSE
SENDER = "33639981234"
SECRETS = ("secret", SENDER, "33639980001", "solde", "rendez-vous", "14h30", "cpf-droits")
"""The password of `gates.bind`, both numbers, and words of both messages."""


def rules_that_quote(readings: Sequence[Reading], sender: str, client: str, carrier: int = 0) -> NoReturn:
    """A fault of the filter in whose words the whole message stands."""
    raise KeyError(f"{readings[0].text} from {sender} of {client}")


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
            monkeypatch.setattr(running.gate.policy.rules, "check", rules_that_quote)
            esme.send(submit(SCAM, 4, sender=sender))
            assert await esme.pdu() == pdu(RESP, 4, status=Status.ESME_RSYSERR)
            monkeypatch.undo()
            esme.send(submit(SCAM, 5, sender=sender)[:-20] + b"\xff" * 20 + b"\0\0\0\x05" + SCAM.encode())
            assert await esme.eof()
            await upstream.eof()
        logged = "\n".join(logging.Formatter("%(message)s %(args)s").format(record) for record in caplog.records)
        for told in ("bind refused by the SMSC: client 'bank2'", "bound: client 'bank1'", "filter failed", "ended: "):
            assert told in logged
        assert [secret for secret in SECRETS if secret.lower() in logged.lower()] == []

    with caplog.at_level(1):
        run_on(loop_name, body)


@both_loops
def test_a_fault_of_the_filter_is_answered_0x08_counted_and_told_and_the_session_lives(
    loop_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        rules = rule_set()
        async with wire(rules) as running:
            esme, upstream = await running.bound()
            with pytest.MonkeyPatch.context() as broken:
                broken.setattr(rules, "check", rules_that_quote)
                esme.send(submit(GENUINE, 2) + submit(GENUINE, 3))
                assert await esme.pdus(2) == [pdu(RESP, number, status=Status.ESME_RSYSERR) for number in (2, 3)]
            esme.send(submit(GENUINE, 4) + submit(SCAM, 5))
            assert await upstream.pdu() == submit(GENUINE, 4)
            assert await esme.pdu() == pdu(RESP, 5, status=Status.ESME_RX_R_APPN)
            assert running.gate.metrics.filter_errors == 2
        told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        place = r"filter failed on a message of client 'bank1': KeyError at test_telemetry_logs\.py:\d+ < policy\.py:\d+ < .*"
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


@pytest.mark.usefixtures("_root_restored")
def test_a_line_has_utc_time_level_and_origin(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logging.getLogger("smsgate.net").info("bound")
    logging.getLogger("smsgate.net").debug("nothing")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO smsgate\.net: bound\n", capsys.readouterr().err)
