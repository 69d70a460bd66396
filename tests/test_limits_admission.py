"""Caps on sessions and binds, and the pace of failed binds."""

from __future__ import annotations

from smsgate.limits.admission import Admission, Refusal
from smsgate.settings import Caps


def test_sessions_are_capped_per_address_and_in_all() -> None:
    admission = Admission(Caps(sessions=3, sessions_per_address=2))
    assert [admission.connect("a") for _ in range(3)] == [None, None, Refusal.SESSIONS_PER_ADDRESS]
    assert [admission.connect("b") for _ in range(2)] == [None, Refusal.SESSIONS]
    admission.disconnect("a")
    assert admission.connect("b") is None


def test_binds_are_capped_per_client() -> None:
    admission = Admission(Caps(binds_per_client=1))
    admission.bound("bank1")
    assert admission.bind("bank1", "a", 0.0) is Refusal.BINDS_PER_CLIENT
    assert admission.bind("bank2", "a", 0.0) is None
    admission.unbound("bank1")
    assert admission.bind("bank1", "a", 0.0) is None


def test_failed_binds_slow_down_one_guesser_and_nobody_else() -> None:
    admission = Admission(Caps(failed_binds_per_minute=3))
    for _ in range(3):
        assert admission.bind("bank1", "attacker", 100.0) is None
        admission.failed("bank1", "attacker", 100.0)
    assert admission.bind("bank1", "attacker", 100.0) is Refusal.FAILED_BINDS
    assert admission.bind("bank1", "office", 100.0) is None
    assert admission.bind("bank2", "attacker", 100.0) is None
    assert admission.bind("bank1", "attacker", 121.0) is None
