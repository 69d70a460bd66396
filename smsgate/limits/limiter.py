"""The limits of packs: which keys a message counts under, and whether all of them have room.

All limits that apply are checked, then all are debited; a refusal debits none (`exceeded` and `debit` are two calls, because a
limit may be one of several).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from smsgate.limits.gcra import Gcra
from smsgate.limits.table import ArrivalTable

MAX_KEYS: Final = 200_000
"""Keys remembered per limit: some 30 MB when full, and more than the destinations of ten minutes at 300 messages/s."""


class Counted(NamedTuple):
    """One debit that a message is about to make: under which limit (its index), for which key, of how many messages."""

    limit: int
    key: str
    messages: int = 1


class Limiter:
    """The state of a rule set's limits."""

    __slots__ = ("_rates", "_tables")

    def __init__(
        self, rates: Sequence[Gcra], max_keys: int = MAX_KEYS, kept: Mapping[int, ArrivalTable] | None = None
    ) -> None:
        """`kept`: the state of limits that go on, by their index here; the others start afresh."""
        tables = kept or {}
        self._rates = tuple(rates)
        self._tables = tuple(
            tables[index] if index in tables else ArrivalTable(max_keys) for index in range(len(rates))
        )

    def table(self, limit: int) -> ArrivalTable:
        """The state of one limit, for a limiter that takes this one's place."""
        return self._tables[limit]

    def exceeded(self, counted: Sequence[Counted], now: float) -> set[int]:
        """The indices of the limits that have no room for one of their keys."""
        return {
            limit for limit, key, _ in counted if not self._rates[limit].conforms(self._tables[limit].get(key), now)
        }

    def debit(self, counted: Sequence[Counted], now: float) -> None:
        """Count an admitted message under its keys."""
        for limit, key, messages in counted:
            table = self._tables[limit]
            table.set(key, self._rates[limit].debited(table.get(key), now, messages), now)
