"""What is known of a message beside its text and where it comes from: to whom it goes, in how many parts, in which alphabets,
and at what hour.

These are facts like others, but no part of a long message adds to them or takes from them, and only rule sets that ask for
them pay for them (`Envelope.asked`). The clock is somebody else's: `hours_at` is given the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache, partial, reduce
from operator import or_
from typing import Final

from smsgate.rules.lists import as_number

QUARTER_S: Final = 900
"""Clocks of all time zones are quarters of an hour apart, so that an hour begins with a quarter everywhere."""

HourTests = Sequence[tuple[tzinfo, Callable[[int], bool], int]]


class Envelope:
    """Built once per rule set, of tests with the bits that they set. `alphabets`: bits by what readings call theirs; one stands
    for its varieties too: `gsm7` for national tables and packed septets, `ucs2` for both orders of octets."""

    def __init__(
        self,
        destinations: Sequence[tuple[Callable[[str], bool], int]] = (),
        segments: Sequence[tuple[Callable[[int], bool], int]] = (),
        alphabets: Mapping[str, int] | None = None,
        hours: HourTests = (),
    ) -> None:
        self._destinations = tuple(destinations)
        self._segments = tuple(segments)
        self._alphabets = dict(alphabets or {})
        self._hours = tuple(hours)
        self.bits = reduce(
            or_,
            [
                *(bit for _, bit in (*self._destinations, *self._segments)),
                *self._alphabets.values(),
                *(bit for *_, bit in self._hours),
            ],
            0,
        )
        self.asked = self.bits != 0
        self._in_quarter = lru_cache(maxsize=1)(partial(_in_quarter, self._hours))

    def facts(
        self, destinations: Iterable[str] = (), segments: Iterable[int] = (1,), alphabets: Iterable[str] = ()
    ) -> int:
        """The bits of some destination address, of how many parts there are (in several headers, if they disagree), and of
        the alphabets of all readings."""
        bits = 0
        if self._destinations:
            numbers = list(map(as_number, destinations))
            bits |= reduce(or_, (bit for test, bit in self._destinations if any(map(test, numbers))), 0)
        for count in segments:
            bits |= reduce(or_, (bit for test, bit in self._segments if test(count)), 0)
        for alphabet in alphabets if self._alphabets else ():
            for name, bit in self._alphabets.items():
                if alphabet == name or alphabet.startswith(f"{name}-"):
                    bits |= bit
        return bits

    def hours(self, hour: int) -> int:
        """The bits of this hour, in whichever zone a pack asks for it."""
        return _hour_bits(self._hours, lambda _: hour)

    def hours_at(self, time_s: float) -> int:
        """The bits of the hour that it is in each zone; `time_s` counts from 1970 (UTC). They are remembered for a quarter."""
        return self._in_quarter(int(time_s // QUARTER_S)) if self._hours else 0


def _in_quarter(tests: HourTests, quarter: int) -> int:
    moment = datetime.fromtimestamp(quarter * QUARTER_S, UTC)
    return _hour_bits(tests, lambda zone: moment.astimezone(zone).hour)


def _hour_bits(tests: HourTests, hour_in: Callable[[tzinfo], int]) -> int:
    return reduce(or_, (bit for zone, test, bit in tests if test(hour_in(zone))), 0)
