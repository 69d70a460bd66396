"""A limit is asked under each key of a message, and debited afterwards, wherever its arrival times lie."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from smsgate.limits.gcra import Gcra
from smsgate.limits.limiter import Debit, Limiter
from smsgate.limits.shared import SharedArrivals, SharedTable
from smsgate.limits.table import ArrivalTable

TWO_A_MINUTE = Gcra.of(2 / 60, 2)
FIVE_A_MINUTE = Gcra.of(5 / 60, 5)

everywhere = pytest.mark.parametrize("is_local", [True, False], ids=["local", "shared"])


def arrivals(is_local: bool = True) -> ArrivalTable | SharedArrivals:
    return ArrivalTable(1000) if is_local else SharedTable.new(bytearray(64 + 4096 * 16), 7).of("L-1")


class Key:
    """What a limit says to one message after another."""

    def __init__(self, limiter: Limiter, *keys: str) -> None:
        self.limiter = limiter
        self.keys = keys

    def wait_s(self, now: float) -> float:
        return self.limiter.ask(self.keys, 1, now, [])

    def debit(self, now: float, units: int = 1) -> float:
        debits: list[Debit] = []
        wait_s = self.limiter.ask(self.keys, units, now, debits)
        _push(debits, now)
        return wait_s

    def debit_distinct(self, now: float, *values: str) -> float:
        debits: list[Debit] = []
        wait_s = self.limiter.ask_distinct(self.keys, values, now, debits)
        _push(debits, now)
        return wait_s


def _push(debits: Sequence[Debit], now: float) -> None:
    for push, key, by_s, ahead_s in debits:
        push(key, now, by_s, ahead_s)


@everywhere
def test_a_key_has_no_room_after_its_burst_and_recovers(is_local: bool) -> None:
    limiter = Limiter(TWO_A_MINUTE, arrivals(is_local))
    key = Key(limiter, "a")
    assert [key.debit(100.0) <= 0.0 for _ in range(2)] == [True, True]
    assert key.wait_s(100.0) == pytest.approx(30.0, abs=1e-3)
    assert Key(limiter, "b").wait_s(100.0) <= 0.0
    assert key.wait_s(129.0) == pytest.approx(1.0, abs=1e-3)
    assert key.wait_s(130.0) <= 0.0


@everywhere
def test_asking_debits_nothing(is_local: bool) -> None:
    key = Key(Limiter(TWO_A_MINUTE, arrivals(is_local)), "a")
    assert all(key.wait_s(100.0) <= 0.0 for _ in range(9))


def test_two_limits_in_the_table_of_all_workers_do_not_share_keys() -> None:
    shared = SharedTable.new(bytearray(64 + 4096 * 16), 7)
    two, five = Key(Limiter(TWO_A_MINUTE, shared.of("L-1")), "a"), Key(Limiter(FIVE_A_MINUTE, shared.of("L-2")), "a")
    for key in (two, five) * 2:
        key.debit(100.0)
    assert (two.wait_s(100.0) > 0.0, five.wait_s(100.0) > 0.0) == (True, False)
    five.debit(100.0, units=3)
    assert five.wait_s(100.0) > 0.0


def test_the_longest_wait_of_several_keys_counts() -> None:
    limiter = Limiter(TWO_A_MINUTE, arrivals())
    Key(limiter, "a").debit(100.0, units=2)
    Key(limiter, "b").debit(100.0, units=3)
    assert Key(limiter, "c", "b", "a").wait_s(100.0) == pytest.approx(60.0, abs=1e-3)
    assert Key(limiter).wait_s(100.0) == 0.0, "no key, no limit"


def test_debts_run_no_further_than_they_may() -> None:
    key = Key(Limiter(TWO_A_MINUTE, arrivals(), ahead_s=31.0), "a")
    key.debit(100.0, units=1000)
    assert key.wait_s(100.0) == pytest.approx(1.0, abs=1e-3)


@everywhere
def test_different_values_are_counted_once_in_a_window(is_local: bool) -> None:
    host = Key(Limiter(TWO_A_MINUTE, arrivals(is_local), distinct_s=60.0), "host")
    assert [host.debit_distinct(100.0, value) > 0.0 for value in "aaabbbab"] == [False] * 8
    assert host.debit_distinct(101.0, "c") > 0.0
    assert host.debit_distinct(102.0, "a") > 0.0, "one too many have come: it does not matter who sends"
    assert host.debit_distinct(135.0, "a") <= 0.0, "and by now there are no more than two again"
    assert host.debit_distinct(161.0, "b") <= 0.0, "counted again, after a window"


def test_several_values_at_once() -> None:
    limiter = Limiter(TWO_A_MINUTE, arrivals(), distinct_s=60.0)
    assert limiter.ask_distinct(("x",), ("1", "2"), 100.0, []) <= 0.0
    assert limiter.ask_distinct(("x",), ("1", "2", "3"), 100.0, []) > 0.0
