"""The table that workers share: a plain dictionary says the same, and processes that write it at once hardly lose a debit."""

from __future__ import annotations

import os
from math import inf

from hypothesis import example, given
from hypothesis import strategies as st

from load_tests.limits import over_admitted
from smsgate.limits.shared import HEADER_OCTETS, PLACES, SAMPLED_SETS, SET_OCTETS, TABLE_OCTETS, WAYS, SharedTable

NOW = 1000.0


def table(sets: int = 64, seed: int = 7) -> SharedTable:
    return SharedTable.new(bytearray(HEADER_OCTETS + sets * SET_OCTETS), seed)


operations = st.lists(
    st.tuples(st.sampled_from(["L-1", "L-2"]), st.integers(0, 30), st.floats(0.1, 50), st.floats(0, 20)), max_size=80
)


@given(operations)
def test_a_dictionary_says_the_same_while_nothing_gives_way(steps: list[tuple[str, int, float, float]]) -> None:
    """A TAT that has passed may be forgotten at any time, so it is compared as none."""
    shared, naive, now = table(sets=4096), dict[tuple[str, int], float](), NOW
    limits = {name: shared.of(name) for name in ("L-1", "L-2")}
    for name, key, by_s, gap_s in steps:
        now += gap_s
        limits[name].push(str(key), now, by_s, 60.0)
        naive[name, key] = min(max(naive.get((name, key), 0.0), now) + by_s, now + 60.0)
        for (other, number), tat in naive.items():
            assert max(limits[other].get(str(number)), now) == max(tat, now)
    assert shared.evicted == 0
    assert shared.fill(now) <= 62 / (SAMPLED_SETS * WAYS)


@given(operations)
@example(
    [
        ("L-1", 0, 1.0, 0.0),
        ("L-1", 1, 1.0, 0.0),
        ("L-1", 2, 1.0, 0.0),
        ("L-1", 3, 1.0, 0.0),
        ("L-2", 0, 1.0, 0.0),
        ("L-1", 0, 1.0, 0.0),
    ]
)
def test_in_one_full_set_the_earliest_gives_way_and_nothing_else_changes(
    steps: list[tuple[str, int, float, float]],
) -> None:
    shared, naive, now, evicted = table(sets=1), dict[tuple[str, int], float](), NOW, 0
    places: list[tuple[str, int]] = []
    limits = {name: shared.of(name) for name in ("L-1", "L-2")}
    for name, key, by_s, gap_s in steps:
        now += gap_s
        if (name, key) not in naive:
            place = len(places)
            if place == WAYS:  # of those that are equally early, the one that stands first
                place = min(range(WAYS), key=[naive[each] for each in places].__getitem__)
                evicted += naive.pop(places[place]) > now
            places[place : place + 1] = [(name, key)]
        limits[name].push(str(key), now, by_s, inf)
        naive[name, key] = max(naive.get((name, key), 0.0), now) + by_s
        for each in ("L-1", "L-2"):
            for number in range(31):
                assert limits[each].get(str(number)) == naive.get((each, number), 0.0)
    assert shared.evicted == evicted
    assert shared.fill(now) == sum(tat > now for tat in naive.values()) / WAYS


def test_the_seed_says_where_a_key_stands() -> None:
    one, two = table(seed=1), table(seed=2)
    for shared in (one, two):
        shared.of("L-1").push("host.example", NOW, 1.0, inf)
    assert list(one.digests) != list(two.digests)


def test_another_process_that_maps_the_table_goes_on_counting() -> None:
    octets = bytearray(HEADER_OCTETS + 64 * SET_OCTETS)
    SharedTable.new(octets, 99).of("L-1").push("x", NOW, 5.0, inf)
    again = SharedTable(octets)
    again.of("L-1").push("x", NOW, 5.0, inf)
    assert (again.seed, again.of("L-1").get("x"), again.of("L-2").get("x")) == (99, NOW + 10.0, 0.0)


def test_the_table_has_the_size_it_says() -> None:
    assert (TABLE_OCTETS - HEADER_OCTETS) == PLACES // WAYS * SET_OCTETS == 16 << 20


def test_a_debit_that_another_process_has_written_over_is_repaired() -> None:
    """The other one has read the same TAT, and writes between this one's write and its second look."""
    octets = bytearray(HEADER_OCTETS + SET_OCTETS)
    SharedTable.new(octets, 7).of("L-1").push("x", NOW, 5.0, inf)

    class Meanwhile:
        """The TATs, as one sees them whom another process comes between."""

        def __init__(self, tats: memoryview[float]) -> None:
            self.tats = tats
            self.writes = 0

        def __getitem__(self, place: int) -> float:
            if self.writes == 1:
                self.tats[place] = NOW + 10.0
            return self.tats[place]

        def __setitem__(self, place: int, tat: float) -> None:
            self.writes += 1
            self.tats[place] = tat

    one = SharedTable(octets, process=1)
    limit = one.of("L-1")
    limit._tats = Meanwhile(one.tats)  # type: ignore[assignment]
    limit.push("x", NOW, 5.0, inf)
    assert one.of("L-1").get("x") == NOW + 15.0


def test_a_flood_of_keys_fills_the_table_and_no_more() -> None:
    shared = table(sets=256)
    limit = shared.of("L-1")
    for number in range(20_000):
        limit.push(str(number), NOW, 60.0, inf)
    assert shared.fill(NOW) == 1.0
    assert shared.evicted == 20_000 - 256 * WAYS
    assert shared.fill(NOW + 60.0) == 0.0


def test_processes_that_ask_at_once_admit_hardly_more_than_the_limit() -> None:
    """Twice as many as processors, so that some are stopped between reading and writing. The best of a few rounds: without the
    second look none comes near, and a busy machine may spoil one."""
    rounds = (over_admitted(2 * (os.cpu_count() or 1), seconds=0.7) for _ in range(4))
    assert any(-0.9 < surplus < 0.15 for surplus in rounds)
