"""The table that workers share: a plain dictionary says the same, and processes that write it at once hardly lose a debit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

from hypothesis import given
from hypothesis import strategies as st

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
def test_in_one_full_set_the_earliest_gives_way_and_nothing_else_changes(
    steps: list[tuple[str, int, float, float]],
) -> None:
    shared, naive, now, evicted = table(sets=1), dict[tuple[str, int], float](), NOW, 0
    limits = {name: shared.of(name) for name in ("L-1", "L-2")}
    for name, key, by_s, gap_s in steps:
        now += gap_s
        if (name, key) not in naive and len(naive) == WAYS:
            earliest = min(naive, key=naive.__getitem__)
            evicted += naive.pop(earliest) > now
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


@contextmanager
def memory(sets: int = 64) -> Iterator[int]:
    """The descriptor of memory with a table in it."""
    descriptor = os.memfd_create("table")
    try:
        os.write(descriptor, (7).to_bytes(8, sys.byteorder))
        os.truncate(descriptor, HEADER_OCTETS + sets * SET_OCTETS)
        yield descriptor
    finally:
        os.close(descriptor)


HAMMER = """\
import mmap, sys
from math import inf
from time import monotonic
from smsgate.limits.gcra import Gcra
from smsgate.limits.shared import SharedTable
limit = SharedTable(mmap.mmap(int(sys.argv[1]), 0), int(sys.argv[2])).of("L-1")
gcra = Gcra.of({rate}, {burst})
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
admitted, began = 0, monotonic()
now = began
while now < began + {seconds}:
    for key in ("a", "b", "c", "d"):
        if gcra.conforms(limit.get(key), now):
            limit.push(key, now, gcra.interval_s, inf)
            admitted += 1
    now = monotonic()
print(admitted, began, now)
"""
RATE, BURST, SECONDS = 2_000.0, 100, 0.7


def test_processes_that_ask_at_once_admit_hardly_more_than_the_limit() -> None:
    """Twice as many as processors, so that some are stopped between reading and writing."""
    program = HAMMER.format(rate=RATE, burst=BURST, seconds=SECONDS)
    with memory() as descriptor:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(descriptor), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor],
                text=True,
            )
            for number in range(2 * (os.cpu_count() or 1))
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=30)[0].split() for process in running]
    began, ended = min(float(each[1]) for each in said), max(float(each[2]) for each in said)
    admitted, allowed = sum(int(each[0]) for each in said), 4 * (BURST + RATE * (ended - began))
    assert allowed * 0.2 < admitted < allowed * 1.15
