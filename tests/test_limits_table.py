"""The table of arrival times never grows beyond its bound, and forgets what matters least."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smsgate.limits.table import CANDIDATES, ArrivalTable

NOW = 100.0


def filled(tats: dict[str, float], size: int | None = None) -> ArrivalTable:
    table = ArrivalTable(size or len(tats))
    for key, tat in tats.items():
        table.set(key, tat, NOW)
    return table


def test_an_unknown_key_was_never_due() -> None:
    assert ArrivalTable(1).get("x") == 0.0


def test_a_known_key_is_replaced_in_a_full_table() -> None:
    table = filled({"a": 200.0, "b": 300.0})
    table.set("a", 250.0, NOW)
    assert (len(table), table.get("a"), table.get("b")) == (2, 250.0, 300.0)


def test_an_entry_in_the_past_makes_room() -> None:
    table = filled({"a": 200.0, "past": 99.0, "b": 300.0})
    table.set("new", 400.0, NOW)
    assert [table.get(key) for key in ("a", "past", "b", "new")] == [200.0, 0.0, 300.0, 400.0]


def test_else_the_one_that_is_due_soonest_goes() -> None:
    table = filled({"a": 300.0, "b": 200.0, "c": 400.0})
    table.set("new", 101.0, NOW)
    assert [table.get(key) for key in ("a", "b", "c", "new")] == [300.0, 0.0, 400.0, 101.0]


def test_only_the_oldest_few_are_looked_at() -> None:
    tats = {str(i): 200.0 for i in range(CANDIDATES)} | {"past": 1.0}
    table = filled(tats)
    table.set("new", 400.0, NOW)
    assert table.get("past") == 1.0
    table.set("newer", 400.0, NOW)
    assert table.get("past") == 0.0


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 12), st.floats(0, 200)), max_size=60))
def test_the_bound_holds_and_what_is_remembered_is_the_latest(size: int, entries: list[tuple[int, float]]) -> None:
    table = ArrivalTable(size)
    latest: dict[int, float] = {}
    for key, tat in entries:
        table.set(key, tat, NOW)
        latest[key] = tat
        assert len(table) <= size
        assert table.get(key) == tat
    assert all(table.get(key) in {0.0, tat} for key, tat in latest.items())


def test_room_is_made_in_constant_time() -> None:
    """300,000 insertions into a full table: one second; scanning over what was taken out made it a minute."""
    table = ArrivalTable(100_000)
    for key in range(400_000):
        table.set(key, 1e9 + key, NOW)
    assert len(table) == 100_000
