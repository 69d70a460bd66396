"""Arrival times that all workers share: one table over memory that each of them maps, without locks.

    header (64 octets: the seed)
    set    (64 octets, a cache line): four digests of keys, then their four TATs

A key is an xxh3 digest of 64 bits, seeded by the table (so that nobody can choose keys that meet) and by the limit, whose
arrival times so go on through reloads and restarts of workers. It may stand in the four places of one set. A free place
equals one whose TAT has passed; if none is left the earliest gives way: the nearest to being no limit at all.

Each number is written in one aligned store (a `memoryview.cast`; `struct` writes octet by octet and is read torn). Two workers
that debit one key at once would lose one debit, and go on losing in step; so what was written is looked at again, later than
another could write that had read the same, and repaired if it did. (So that look must not be made faster.) What is still lost is
that of a process which is stopped between reading and writing. Processes that do nothing but ask, two to eight on two
processors, admitted less than 1 % too many (`load_tests limits`).

A check takes 0.25 µs and a debit 0.4 (1.2 for a new key); a Python dictionary 0.07 and 0.12. Who maps the memory is not known
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from xxhash import xxh3_64_intdigest

if TYPE_CHECKING:
    from mmap import mmap

WAYS: Final = 4
HEADER_OCTETS: Final = 64
SET_OCTETS: Final = 64
SET_WORDS: Final = 8
_SET_SHIFT: Final = 3
PLACES: Final = 1 << 20
"""Keys that may be under way at once, over all limits: 16 MB, of which only the pages in use are taken. The destinations of ten
minutes at 1,700 messages/s."""
TABLE_OCTETS: Final = HEADER_OCTETS + PLACES // WAYS * SET_OCTETS
MARK_S: Final = 4e-9
MARKS: Final = 64
"""By so many times so little each process falls short of the TATs that it writes, so that it knows its own again. More than
the last digit of a clock that has run for 100 days, and no loss: 0.1 % of a limit of 5,000/s at most."""
SAMPLED_SETS: Final = 256
"""Sets looked at for `fill`: digests spread evenly, so any thousand places tell it to some 3 %."""


class SharedTable:
    """The table over `octets`, whose length says how many sets it has: a power of two. `evicted` counts keys that this process
    made give way before their time."""

    def __init__(self, octets: bytearray | mmap, process: int = 0) -> None:
        """`process` tells this one from the others that write the table."""
        sets = (len(octets) - HEADER_OCTETS) // SET_OCTETS
        assert sets & (sets - 1) == 0 < sets
        self.evicted = 0
        self.mark_s = process % MARKS * MARK_S
        self.sets = sets
        words = memoryview(octets)
        self.seed: int = words.cast("Q")[0]
        self.digests = words[HEADER_OCTETS:].cast("Q")
        self.tats = words[HEADER_OCTETS:].cast("d")

    @classmethod
    def new(cls, octets: bytearray | mmap, seed: int) -> Self:
        """Begin a table in memory that is all zero."""
        memoryview(octets).cast("Q")[0] = seed
        return cls(octets)

    def of(self, limit: str) -> SharedArrivals:
        """The arrival times of one limit; `limit` says what makes it the same one in all processes and rule sets."""
        return SharedArrivals(self, xxh3_64_intdigest(limit.encode(), self.seed))

    def fill(self, now: float) -> float:
        """The share of places that hold a key under way, 0 to 1, from a sample."""
        sampled = min(self.sets, SAMPLED_SETS)
        under_way = 0
        for first in range(WAYS, WAYS + sampled * SET_WORDS, SET_WORDS):
            under_way += sum(tat > now for tat in self.tats[first : first + WAYS].tolist())
        return under_way / (sampled * WAYS)


class SharedArrivals:
    """The part of a `SharedTable` that is one limit's; used as a `table.ArrivalTable` is."""

    __slots__ = ("_digests", "_mark_s", "_mask", "_seed", "_table", "_tats")

    def __init__(self, table: SharedTable, seed: int) -> None:
        self._table = table
        self._seed = seed
        self._mask = table.sets - 1
        self._digests = table.digests
        self._tats = table.tats
        self._mark_s = table.mark_s

    def get(self, key: str) -> float:
        """The TAT of a key; 0.0 for one that isn't known."""
        digest = xxh3_64_intdigest(key.encode(), self._seed) or 1
        first = (digest & self._mask) << _SET_SHIFT
        if self._digests[first] == digest:  # as in most sets: saves 0.15 µs
            return self._tats[first + WAYS]
        place = self._find(first, digest)
        return self._tats[place] if place else 0.0

    def push(self, key: str, now: float, by_s: float, ahead_s: float) -> None:
        """See `ArrivalTable.push`."""
        digest = xxh3_64_intdigest(key.encode(), self._seed) or 1
        first = (digest & self._mask) << _SET_SHIFT
        tats = self._tats
        place = self._find(first, digest) or self._make_room(first, digest, now)
        step_s = by_s - self._mark_s
        tat = tats[place]
        tats[place] = mine = (tat if tat > now else now) + step_s  # noqa: FURB136  # max() would take as long again
        most = now + ahead_s
        if self._digests[first : first + WAYS].tolist()[place - first - WAYS] != digest:
            return  # given to another key meanwhile; and by now whoever had read the same TAT has written too
        found = tats[place]
        if found != mine and found < mine + by_s / 2:
            tats[place] = found = found + by_s
        if found > most:
            tats[place] = most

    def _find(self, place: int, digest: int) -> int:
        """Where the TAT of a key stands, in the set that begins at a place; 0 for a key that isn't known."""
        digests = self._digests
        if (  # written out, since mostly the first one is it: 0.15 µs less than by a list of the four
            digests[place] == digest
            or digests[place := place + 1] == digest
            or digests[place := place + 1] == digest
            or digests[place := place + 1] == digest
        ):
            return place + WAYS
        return 0

    def _make_room(self, first: int, digest: int, now: float) -> int:
        tats = self._tats
        place = min(range(first + WAYS, first + SET_WORDS), key=tats.__getitem__)
        if tats[place] > now:
            self._table.evicted += 1
        tats[place] = 0.0  # before the digest: nobody may read another key's debt under it
        self._digests[place - WAYS] = digest
        return place
