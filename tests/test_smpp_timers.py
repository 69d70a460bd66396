"""Session timers as one pure value: who waits since when, and what is overdue."""

from __future__ import annotations

import pytest

from smsgate.settings import TimerSettings
from smsgate.smpp.timers import Overdue, Timers

SETTINGS = TimerSettings(session_init_s=10, pdu_read_s=30, inactivity_s=600)


@pytest.mark.parametrize(
    ("timers", "now", "due"),
    [
        (Timers(SETTINGS, opened=100, active=100), 109.9, None),
        (Timers(SETTINGS, opened=100, active=109), 110, Overdue.SESSION_INIT),
        (Timers(SETTINGS, opened=100, active=100, bound=True), 699, None),
        (Timers(SETTINGS, opened=100, active=100, bound=True), 700, Overdue.INACTIVITY),
        (Timers(SETTINGS, opened=100, active=129, bound=True, esme_pdu_begun=100), 130, Overdue.PDU_READ),
        (Timers(SETTINGS, opened=100, active=129, bound=True, smsc_pdu_begun=100), 130, Overdue.PDU_READ),
        (Timers(SETTINGS, opened=100, active=129, bound=True, esme_pdu_begun=101), 130, None),
        (Timers(TimerSettings(0, 0, 0), opened=0, active=0, esme_pdu_begun=1), 9e9, None),
    ],
)
def test_what_is_due(timers: Timers, now: float, due: Overdue | None) -> None:
    assert timers.due(now) is due
