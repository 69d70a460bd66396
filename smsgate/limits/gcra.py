"""GCRA, the generic cell rate algorithm (ITU-T I.371, annex A): a token bucket whose whole state is one number.

The number is the theoretical arrival time (TAT): when the next message would be due if all came evenly. Time is an
argument, in seconds of any monotonic clock. A TAT in the past is the same as none, so state may be dropped when it is.
"""

from __future__ import annotations

from typing import NamedTuple

ROUNDING = 1e-6
"""Share of an interval by which each addition may be off, a clock of some months' uptime allowed for: without it the last
message of a burst may be refused."""


class Gcra(NamedTuple):
    """`interval_s` between messages at the sustained rate; `tolerance_s`: how far ahead of it a sender may run."""

    interval_s: float
    tolerance_s: float

    @classmethod
    def of(cls, rate_per_s: float, burst: int) -> Gcra:
        """`burst` messages at once, then `rate_per_s`. Both must be above 0."""
        interval = 1.0 / rate_per_s
        return cls(interval, interval * (burst - 1 + min(0.5, burst * ROUNDING)))

    def room_s(self, messages: int) -> float:
        """How far ahead a sender may be for so many messages at once to be within the limit. More than a burst are, while none
        of it is used up."""
        return max(0.0, self.tolerance_s - (messages - 1) * self.interval_s)

    def conforms(self, tat: float, now: float) -> bool:
        """Whether a message at `now` is within the limit."""
        return tat - now <= self.tolerance_s
