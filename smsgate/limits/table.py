"""A bounded table of arrival times, of one process.

When it is full, the oldest few entries are looked at: one that lies in the past is dropped at no loss, else the one that
is due soonest goes (it is the nearest to being no limit at all). A flood of new keys can so push out debts, never grow the
memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

CANDIDATES = 8
"""Entries looked at to make room for one; a constant cost per insertion."""


class ArrivalTable:
    """`max_entries` TATs by key. A key that is absent was never due. `evicted` counts those that gave way before their time."""

    __slots__ = ("_max_entries", "_tats", "evicted")

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._tats: OrderedDict[Hashable, float] = OrderedDict()  # the first of a dict is found in linear time
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._tats)

    def get(self, key: Hashable) -> float:
        """The TAT of a key; 0.0 for one that isn't known."""
        return self._tats.get(key, 0.0)

    def push(self, key: Hashable, now: float, by_s: float, ahead_s: float) -> None:
        """Move a TAT on by so much from where it is, or from now if it has passed; but no further ahead of now than `ahead_s`."""
        tats = self._tats
        tat = tats.get(key)
        if tat is None and len(tats) >= self._max_entries:
            self._make_room(now)
        tat = (now if tat is None or tat < now else tat) + by_s
        most = now + ahead_s
        tats[key] = tat if tat < most else most  # noqa: FURB136  # min() would take 0.1 µs more

    def _make_room(self, now: float) -> None:
        tats = self._tats
        soonest: Hashable = None
        for _ in range(min(CANDIDATES, len(tats))):
            key, tat = tats.popitem(last=False)
            if tat <= now:
                return
            tats[key] = tat  # to the back: another eight are looked at next time
            if soonest is None or tat < tats[soonest]:
                soonest = key
        del tats[soonest]
        self.evicted += 1
