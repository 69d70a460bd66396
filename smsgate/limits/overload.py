"""Whether the event loop keeps up, told from how late it runs. Pure: the lags are arguments."""

from __future__ import annotations

from typing import Final

SAMPLE_S: Final = 0.1
"""How often the lag is measured."""
LATE_SAMPLES: Final = 3
"""So many late samples in a row are an overload: one is a garbage collection, or a neighbour on the machine."""
CALM_SAMPLES: Final = 10
"""So many in a row below half the limit end it: a second of calm, lest binds be let in and shed by turns."""


class Overload:
    """`active` while the loop is overloaded. A limit of 0 seconds switches it off."""

    __slots__ = ("_calm", "_late", "_limit_s", "active")

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s or float("inf")
        self._late = 0
        self._calm = 0
        self.active = False

    def note(self, lag_s: float) -> bool:
        """Take one sample, in seconds. True when it begins or ends an overload."""
        self._late = self._late + 1 if lag_s >= self._limit_s else 0
        self._calm = self._calm + 1 if lag_s < self._limit_s / 2 else 0
        turned = self._calm >= CALM_SAMPLES if self.active else self._late >= LATE_SAMPLES
        if turned:
            self.active = not self.active
        return turned
