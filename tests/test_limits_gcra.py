"""GCRA admits what a token bucket admits: the burst at once, then the rate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.limits.gcra import Gcra

rates = st.sampled_from([0.01, 0.1, 0.5, 1.0, 3.0, 7.0, 100.0, 200.0])
starts = st.sampled_from([0.0, 1.0, 12345.678, 1e7])


def admitted(limit: Gcra, times: list[float]) -> list[bool]:
    """Which of the messages at these times conform, each debited if it does."""
    tat = 0.0
    said = []
    for now in times:
        said.append(limit.conforms(tat, now))
        if said[-1]:
            tat = limit.debited(tat, now)
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


@pytest.mark.parametrize("messages", [1, 3, 10])
def test_a_message_to_many_debits_for_each_and_may_leave_a_debt(messages: int) -> None:
    limit = Gcra.of(1.0, 5)
    tat = limit.debited(0.0, 100.0, messages)
    assert tat == 100.0 + messages
    assert limit.conforms(tat, 100.0) is (messages < 5)
    assert limit.conforms(tat, 100.0 + messages)


def test_an_arrival_time_in_the_past_equals_none() -> None:
    limit = Gcra.of(2.0, 3)
    assert limit.debited(50.0, 100.0) == limit.debited(0.0, 100.0)
    assert limit.conforms(50.0, 100.0) is limit.conforms(0.0, 100.0) is True
