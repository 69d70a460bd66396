"""GCRA admits what a token bucket admits: the burst at once, then the rate."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsgate.limits.gcra import Gcra
from smsgate.limits.table import ArrivalTable

rates = st.sampled_from([0.01, 0.1, 0.5, 1.0, 3.0, 7.0, 100.0, 200.0])
starts = st.sampled_from([0.0, 1.0, 12345.678, 1e7])


def admitted(limit: Gcra, times: list[float]) -> list[bool]:
    """Which of the messages at these times conform, each debited if it does."""
    table = ArrivalTable(1)
    said = []
    for now in times:
        said.append(limit.conforms(table.get("x"), now))
        if said[-1]:
            table.push("x", now, limit.interval_s, inf)
    return said


def bucket(rate: float, burst: int, times: list[float]) -> list[bool]:
    """A token bucket of `burst` tokens, filled at `rate`; a thousandth of a token is forgiven for rounding."""
    tokens, last = float(burst), times[0] if times else 0.0
    said = []
    for now in times:
        tokens, last = min(float(burst), tokens + (now - last) * rate), now
        said.append(tokens >= 0.999)
        if said[-1]:
            tokens -= 1.0
    return said


@given(rates, st.integers(1, 1000), starts)
def test_the_burst_is_exact(rate: float, burst: int, start: float) -> None:
    assert admitted(Gcra.of(rate, burst), [start] * (burst + 2)) == [True] * burst + [False] * 2


@given(rates, st.integers(1, 20), starts, st.lists(st.integers(0, 40), max_size=40))
def test_a_token_bucket_says_the_same(rate: float, burst: int, start: float, gaps: list[int]) -> None:
    """Gaps in quarters of an interval: sums of them are never so near to a token that rounding decides."""
    times = [start]
    for gap in gaps:
        times.append(times[-1] + gap / (4 * rate))
    assert admitted(Gcra.of(rate, burst), times) == bucket(rate, burst, times)


def test_the_sustained_rate() -> None:
    limit = Gcra.of(10.0, 5)
    times = [100.0 + step / 100 for step in range(1000)]  # 100/s for ten seconds
    assert sum(admitted(limit, times)) in range(5 + 99, 5 + 101)


@given(rates, st.integers(1, 300), starts, st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_several_at_once_need_room_for_all(rate: float, burst: int, start: float, several: list[int]) -> None:
    """What is more than a burst passes only while none of it is used up."""
    limit, table, left = Gcra.of(rate, burst), ArrivalTable(1), burst
    for messages in several:
        fits = messages <= left if messages <= burst else left == burst
        assert (table.get("x") - start <= limit.room_s(messages)) is fits
        if fits:
            table.push("x", start, messages * limit.interval_s, inf)
            left -= messages
