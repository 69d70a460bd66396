"""The state of limits: which keys have room for a message, and what it debits.

All limits that apply are checked, then all are debited; a refusal debits none (`exceeded` and `debit` are two calls, because a
limit may be one of several).

How many *different* values (senders, say) a key has met is counted with the same arrival times: a pair of key and value has one
of its own, and only while that is none, for a window, does the value debit the key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from smsgate.limits.gcra import Gcra
from smsgate.limits.shared import SharedArrivals, SharedTable
from smsgate.limits.table import ArrivalTable

MAX_KEYS: Final = 200_000
"""Keys with a client remembered per limit: some 30 MB when full, and more than the destinations of ten minutes at
300 messages/s."""


class Rate(NamedTuple):
    """What a limit needs to count. `identity` makes it the same one in another rule set. `is_local`: each key is one client's, so
    one process sees all of it. `ahead_s`: how far debts may run. `distinct_s`: how long a value counts once; 0: messages
    count."""

    gcra: Gcra
    identity: str
    is_local: bool = True
    ahead_s: float = inf
    distinct_s: float = 0.0


class Counted(NamedTuple):
    """One debit that a message is about to make: under which limit (its index), for which key, of how many messages or of which
    values."""

    limit: int
    key: str
    messages: int = 1
    values: Sequence[str] = ()


class Limiter:
    """The state of a rule set's limits. Keys of one client lie here and are exact, all others in the table of all workers."""

    __slots__ = ("_local", "_rates", "_tables")

    def __init__(
        self,
        rates: Sequence[Rate],
        shared: SharedTable,
        kept: Mapping[str, ArrivalTable] | None = None,
        max_keys: int = MAX_KEYS,
    ) -> None:
        """`kept`: the local state of limits that go on, by their identity; the others start afresh."""
        known = kept or {}
        self._rates = tuple(rates)
        self._local = {
            rate.identity: known[rate.identity] if rate.identity in known else ArrivalTable(max_keys)
            for rate in rates
            if rate.is_local
        }
        self._tables: tuple[ArrivalTable | SharedArrivals, ...] = tuple(
            self._local[rate.identity] if rate.is_local else shared.of(rate.identity) for rate in rates
        )

    @property
    def local(self) -> Mapping[str, ArrivalTable]:
        """The local state by identity, for a limiter that takes this one's place."""
        return self._local

    def exceeded(self, counted: Sequence[Counted], now: float) -> dict[int, float]:
        """The indices of the limits that have no room for one of their keys, and in how many seconds they have."""
        waits: dict[int, float] = {}
        for entry in counted:
            wait_s = self._wait_s(entry, now)
            if wait_s > 0.0:
                waits[entry.limit] = max(wait_s, waits.get(entry.limit, 0.0))
        return waits

    def _wait_s(self, entry: Counted, now: float) -> float:
        rate = self._rates[entry.limit]
        tat = self._tables[entry.limit].get(entry.key)
        if rate.distinct_s:  # over as long as more have come than may, whoever this one is
            tat = max(tat, now) + (len(self._new(entry, now)) - 1) * rate.gcra.interval_s
        return rate.gcra.wait_s(tat, now)

    def debit(self, counted: Sequence[Counted], now: float) -> None:
        """Count a message under its keys."""
        for entry in counted:
            rate, table = self._rates[entry.limit], self._tables[entry.limit]
            debits = entry.messages
            if rate.distinct_s:
                new = self._new(entry, now)
                debits = len(new)
                for pair in new:
                    table.push(pair, now, rate.distinct_s, inf)
            if debits:
                table.push(entry.key, now, debits * rate.gcra.interval_s, rate.ahead_s)

    def _new(self, entry: Counted, now: float) -> list[str]:
        """The pairs of the key with those of its values that have not been counted within the window."""
        table = self._tables[entry.limit]
        pairs = [f"{entry.key}\0\0{value}" for value in entry.values]
        return [pair for pair in pairs if table.get(pair) <= now]
