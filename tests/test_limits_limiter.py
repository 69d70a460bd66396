"""Limits are all checked, then all debited, each under its own keys."""

from __future__ import annotations

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Counted, Limiter

TWO_A_MINUTE = Gcra.of(2 / 60, 2)
FIVE_A_MINUTE = Gcra.of(5 / 60, 5)


def test_a_key_is_exceeded_after_its_burst_and_recovers() -> None:
    limiter = Limiter([TWO_A_MINUTE])
    one = [Counted(0, "a")]
    for _ in range(2):
        assert limiter.exceeded(one, 100.0) == set()
        limiter.debit(one, 100.0)
    assert limiter.exceeded(one, 100.0) == {0}
    assert limiter.exceeded([Counted(0, "b")], 100.0) == set()
    assert limiter.exceeded(one, 129.0) == {0}
    assert limiter.exceeded(one, 130.0) == set()


def test_checking_debits_nothing() -> None:
    limiter = Limiter([TWO_A_MINUTE])
    assert all(limiter.exceeded([Counted(0, "a")], 100.0) == set() for _ in range(9))


def test_limits_do_not_share_keys() -> None:
    limiter = Limiter([TWO_A_MINUTE, FIVE_A_MINUTE])
    both = [Counted(0, "a"), Counted(1, "a")]
    for _ in range(2):
        limiter.debit(both, 100.0)
    assert limiter.exceeded(both, 100.0) == {0}
    for _ in range(3):
        limiter.debit([Counted(1, "a")], 100.0)
    assert limiter.exceeded(both, 100.0) == {0, 1}


def test_one_exceeded_key_of_several_is_enough() -> None:
    limiter = Limiter([TWO_A_MINUTE])
    limiter.debit([Counted(0, "a")] * 2, 100.0)
    assert limiter.exceeded([Counted(0, "b"), Counted(0, "a")], 100.0) == {0}


def test_the_number_of_keys_is_bounded() -> None:
    limiter = Limiter([TWO_A_MINUTE], max_keys=3)
    for index in range(100):
        limiter.debit([Counted(0, str(index))], 100.0)
    assert sum(len(table) for table in limiter._tables) == 3
