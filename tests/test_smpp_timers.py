"""Session timers as one pure value: who waits since when, and what is overdue."""

from __future__ import annotations

import pytest

from smsgate.settings import TimerSettings
from smsgate.smpp.timers import Overdue, Timers

SETTINGS = TimerSettings(session_init_s=10, pdu_read_s=30, inactivity_s=600)


@pytest.mark.parametrize(
    ("timers", "begun", "now", "due"),
    [
        (Timers(SETTINGS, opened=100, active=100), (0, 0), 109.9, None),
        (Timers(SETTINGS, opened=100, active=109), (0, 0), 110, Overdue.SESSION_INIT),
        (Timers(SETTINGS, opened=100, active=100, bound=True), (0, 0), 699, None),
        (Timers(SETTINGS, opened=100, active=100, bound=True), (0, 0), 700, Overdue.INACTIVITY),
        (Timers(SETTINGS, opened=100, active=129, bound=True), (100, 0), 130, Overdue.PDU_READ),
        (Timers(SETTINGS, opened=100, active=129, bound=True), (0, 100), 130, Overdue.PDU_READ),
        (Timers(SETTINGS, opened=100, active=129, bound=True), (101, 0), 130, None),
        (Timers(TimerSettings(0, 0, 0), opened=0, active=0), (1, 0), 9e9, None),
    ],
)
def test_what_is_due(timers: Timers, begun: tuple[float, float], now: float, due: Overdue | None) -> None:
    assert timers.due(now, *begun) is due
