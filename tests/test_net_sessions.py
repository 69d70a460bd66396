"""What is counted of a process's sessions while they work."""

from __future__ import annotations

from smsgate.telemetry.metrics import Histogram
from tests import pdus
from tests.gates import GENUINE, SCAM, both_loops, run_on, until, wire


def seen(histogram: Histogram) -> int:
    return sum(histogram.counts)


@both_loops
def test_the_time_from_arrival_to_writing_on_is_measured_on_both_sides(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            metrics = running.gate.metrics
            down, up = seen(metrics.added_downstream), seen(metrics.added_upstream)
            message = pdus.submit_sm(GENUINE.encode(), sequence=2)
            esme.send(message)
            assert await upstream.pdu() == message
            assert (seen(metrics.added_downstream), seen(metrics.added_upstream)) == (down + 1, up)
            upstream.send(pdus.submit_resp(sequence=2))
            await esme.pdu()
            assert (seen(metrics.added_downstream), seen(metrics.added_upstream)) == (down + 1, up + 1)
            assert 0 < metrics.added_downstream.total < 1

    run_on(loop_name, body)


def part(number: int, text: str, sequence: int) -> bytes:
    header = bytes([5, 0, 3, 0x2A, 2, number])
    return pdus.submit_sm(header + text.encode(), esm_class=pdus.UDHI, sequence=sequence)


@both_loops
def test_long_messages_under_way_and_refused_are_counted(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            metrics = running.gate.metrics
            esme.send(part(1, GENUINE, 2))
            await upstream.pdu()
            await until(lambda: metrics.segment_sets == 1)
            esme.send(part(2, SCAM, 3))
            assert await esme.pdu() == pdus.response(pdus.SUBMIT_SM, status=0x66, sequence=3)
            await until(lambda: metrics.segments_refused == 1)

    run_on(loop_name, body)
