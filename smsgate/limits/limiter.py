"""The state of one limit: whether a key has room for a message, and what the message debits.

All limits that apply to a message are asked, then all are debited; a refusal debits none. So asking changes nothing: it adds to a
list what there will be to debit, if the message passes.

How many *different* values (senders, say) a key has met is counted with the same arrival times: a pair of key and value has one
of its own, and only while that is none, for a window, does the value debit the key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from smsgate.limits.gcra import Gcra
from smsgate.limits.shared import SharedArrivals
from smsgate.limits.table import ArrivalTable

Debit = tuple[Callable[[str, float, float, float], None], str, float, float]
"""What is debited if the message passes: by which table's `push`, under which key, how many seconds, and how far debts may run.
A tuple: anything with names takes 0.1 µs more to make, for each limit."""


class Limiter:
    """`ahead_s`: how far debts may run. `distinct_s`: how long a value counts once, where values are counted. `get` and `push`
    are the table's."""

    __slots__ = ("_distinct_s", "_gcra", "ahead_s", "get", "interval_s", "push", "tolerance_s")

    def __init__(
        self, gcra: Gcra, table: ArrivalTable | SharedArrivals, ahead_s: float = inf, distinct_s: float = 0.0
    ) -> None:
        self._gcra = gcra
        self.interval_s, self.tolerance_s = gcra
        self.get = table.get
        self.push: Callable[[str, float, float, float], None] = table.push
        self.ahead_s = ahead_s
        self._distinct_s = distinct_s

    def ask(self, keys: Iterable[str], units: int, now: float, debits: list[Debit]) -> float:
        """The seconds until all units of a message have room under each of these keys, 0 when they have now; what it debits is
        added to `debits`."""
        by_s = units * self.interval_s
        room_s = self.tolerance_s if units == 1 else self._gcra.room_s(units)
        longest_s = 0.0
        for key in keys:
            debits.append((self.push, key, by_s, self.ahead_s))
            wait_s = self.get(key) - now - room_s
            if wait_s > longest_s:  # noqa: PLR1730  # max() would take 0.1 µs more
                longest_s = wait_s
        return longest_s

    def ask_distinct(self, keys: Iterable[str], values: Iterable[str], now: float, debits: list[Debit]) -> float:
        """`ask`, of a message with these values: those count that the key has not met within the window."""
        longest_s = 0.0
        for key in keys:
            new = 0
            for value in values:
                pair = f"{key}\0\0{value}"
                if self.get(pair) <= now:
                    debits.append((self.push, pair, self._distinct_s, inf))
                    new += 1
            if new:
                debits.append((self.push, key, new * self.interval_s, self.ahead_s))
            # Over as long as more have come than may, whoever this one is.
            tat = max(self.get(key), now) + (new - 1) * self.interval_s
            longest_s = max(longest_s, tat - now - self.tolerance_s)
        return longest_s
