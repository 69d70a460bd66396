"""The table of arrival times never grows beyond its bound, and forgets what matters least."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsgate.limits.table import CANDIDATES, ArrivalTable

NOW = 100.0


def put(table: ArrivalTable, key: str, tat: float) -> None:
    """One debit after which the TAT of a new key is this."""
    begun = min(tat, NOW) - 1.0
    table.push(key, begun, tat - begun, inf)


def filled(tats: dict[str, float], size: int | None = None) -> ArrivalTable:
    table = ArrivalTable(size or len(tats))
    for key, tat in tats.items():
        put(table, key, tat)
    return table


def test_an_unknown_key_was_never_due() -> None:
    assert ArrivalTable(1).get("x") == 0.0


def test_debits_add_up_and_a_tat_in_the_past_equals_none() -> None:
    table = ArrivalTable(1)
    for _ in range(2):
        table.push("x", NOW, 10.0, inf)
    assert table.get("x") == 120.0
    table.push("x", 500.0, 10.0, inf)
    assert table.get("x") == 510.0


def test_a_debt_is_bounded() -> None:
    table = ArrivalTable(1)
    table.push("x", NOW, 1000.0, 7.0)
    assert table.get("x") == 107.0


def test_a_known_key_is_replaced_in_a_full_table() -> None:
    table = filled({"a": 200.0, "b": 300.0})
    table.push("a", NOW, 50.0, inf)
    assert (len(table), table.get("a"), table.get("b"), table.evicted) == (2, 250.0, 300.0, 0)


def test_an_entry_in_the_past_makes_room() -> None:
    table = filled({"a": 200.0, "past": 99.0, "b": 300.0})
    table.push("new", NOW, 300.0, inf)
    assert [table.get(key) for key in ("a", "past", "b", "new")] == [200.0, 0.0, 300.0, 400.0]
    assert table.evicted == 0


def test_else_the_one_that_is_due_soonest_goes() -> None:
    table = filled({"a": 300.0, "b": 200.0, "c": 400.0})
    table.push("new", NOW, 1.0, inf)
    assert [table.get(key) for key in ("a", "b", "c", "new")] == [300.0, 0.0, 400.0, 101.0]
    assert table.evicted == 1


def test_only_the_oldest_few_are_looked_at() -> None:
    table = filled({str(i): 200.0 for i in range(CANDIDATES)} | {"past": 1.0})
    table.push("new", NOW, 300.0, inf)
    assert table.get("past") == 1.0
    table.push("newer", NOW, 300.0, inf)
    assert table.get("past") == 0.0


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 12), st.floats(0, 200)), max_size=60))
def test_the_bound_holds_and_what_is_remembered_is_right(size: int, debits: list[tuple[int, float]]) -> None:
    table = ArrivalTable(size)
    naive: dict[str, float] = {}
    for key, by_s in debits:
        forgotten = table.get(str(key)) == 0.0
        naive[str(key)] = (NOW if forgotten else naive[str(key)]) + by_s
        table.push(str(key), NOW, by_s, inf)
        assert len(table) <= size
        assert table.get(str(key)) == naive[str(key)]
    assert all(table.get(key) in {0.0, tat} for key, tat in naive.items())


def test_room_is_made_in_constant_time() -> None:
    """300,000 insertions into a full table: one second; scanning over what was taken out made it a minute."""
    table = ArrivalTable(100_000)
    for key in range(400_000):
        table.push(str(key), NOW, 1e9 + key, inf)
    assert len(table) == 100_000
