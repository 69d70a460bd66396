"""Limits are all checked, then all debited, each under its own keys, wherever these lie."""

from __future__ import annotations

import pytest

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Counted, Limiter, Rate
from smsgate.limits.shared import SharedTable

TWO_A_MINUTE = Gcra.of(2 / 60, 2)
FIVE_A_MINUTE = Gcra.of(5 / 60, 5)

everywhere = pytest.mark.parametrize("is_local", [True, False], ids=["local", "shared"])


def table(places: int = 4096) -> SharedTable:
    return SharedTable.new(bytearray(64 + places * 16), 7)


def limiter(*rates: Gcra, is_local: bool = True, **fields: float) -> Limiter:
    made = [Rate(gcra, f"L-{index}", is_local, **fields) for index, gcra in enumerate(rates)]
    return Limiter(made, table())


@everywhere
def test_a_key_is_exceeded_after_its_burst_and_recovers(is_local: bool) -> None:
    limits = limiter(TWO_A_MINUTE, is_local=is_local)
    one = [Counted(0, "a")]
    for _ in range(2):
        assert limits.exceeded(one, 100.0) == {}
        limits.debit(one, 100.0)
    assert limits.exceeded(one, 100.0) == {0: pytest.approx(30.0, abs=1e-3)}
    assert limits.exceeded([Counted(0, "b")], 100.0) == {}
    assert limits.exceeded(one, 129.0) == {0: pytest.approx(1.0, abs=1e-3)}
    assert limits.exceeded(one, 130.0) == {}


@everywhere
def test_checking_debits_nothing(is_local: bool) -> None:
    limits = limiter(TWO_A_MINUTE, is_local=is_local)
    assert all(limits.exceeded([Counted(0, "a")], 100.0) == {} for _ in range(9))


@everywhere
def test_limits_do_not_share_keys(is_local: bool) -> None:
    limits = limiter(TWO_A_MINUTE, FIVE_A_MINUTE, is_local=is_local)
    both = [Counted(0, "a"), Counted(1, "a")]
    for _ in range(2):
        limits.debit(both, 100.0)
    assert limits.exceeded(both, 100.0).keys() == {0}
    for _ in range(3):
        limits.debit([Counted(1, "a")], 100.0)
    assert limits.exceeded(both, 100.0).keys() == {0, 1}


def test_one_exceeded_key_of_several_is_enough_and_the_longest_wait_counts() -> None:
    limits = limiter(TWO_A_MINUTE)
    limits.debit([Counted(0, "a")] * 2 + [Counted(0, "b")] * 3, 100.0)
    keys = [Counted(0, key) for key in ("c", "b", "a")]
    assert limits.exceeded(keys, 100.0) == {0: pytest.approx(60.0, abs=1e-3)}


def test_debts_run_no_further_than_they_may() -> None:
    limits = limiter(TWO_A_MINUTE, ahead_s=31.0)
    limits.debit([Counted(0, "a", 1000)], 100.0)
    assert limits.exceeded([Counted(0, "a")], 100.0) == {0: pytest.approx(1.0, abs=1e-3)}


def test_the_number_of_local_keys_is_bounded() -> None:
    limits = Limiter([Rate(TWO_A_MINUTE, "L")], table(), max_keys=3)
    for index in range(100):
        limits.debit([Counted(0, str(index))], 100.0)
    assert [(len(each), each.evicted) for each in limits.local.values()] == [(3, 97)]


def test_a_limit_goes_on_in_another_limiter_if_it_is_the_same() -> None:
    shared = table()
    rates = [Rate(TWO_A_MINUTE, "here"), Rate(TWO_A_MINUTE, "everywhere", is_local=False)]
    before = Limiter(rates, shared)
    before.debit([Counted(0, "a", 2), Counted(1, "a", 2)], 100.0)
    after = Limiter([*reversed(rates), Rate(TWO_A_MINUTE, "new", is_local=False)], shared, before.local)
    assert after.exceeded([Counted(index, "a") for index in range(3)], 100.0).keys() == {0, 1}


@everywhere
def test_different_values_are_counted_once_in_a_window(is_local: bool) -> None:
    limits = limiter(TWO_A_MINUTE, is_local=is_local, distinct_s=60.0)

    def over(value: str, now: float) -> bool:
        entry = [Counted(0, "host", values=(value,))]
        found = bool(limits.exceeded(entry, now))
        limits.debit(entry, now)
        return found

    assert [over(value, 100.0) for value in "aaabbbab"] == [False] * 8
    assert over("c", 101.0)
    assert over("a", 102.0), "one too many have come: it does not matter who sends"
    assert not over("a", 135.0), "and by now there are no more than two again"
    assert not over("b", 161.0), "counted again, after a window"


def test_several_values_at_once() -> None:
    limits = limiter(TWO_A_MINUTE, distinct_s=60.0)
    assert limits.exceeded([Counted(0, "x", values=("1", "2"))], 100.0) == {}
    assert limits.exceeded([Counted(0, "x", values=("1", "2", "3"))], 100.0)
