"""The latency test sees what a sender with a window hides, refuses to report its own lateness, and adds up as it says."""

from __future__ import annotations

import socket
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

import pytest

from load_tests import latency, open_loop, report
from load_tests.corpus import GENUINE, Corpus, Message
from load_tests.harness import ANSWER_BYTES, Run, bind
from load_tests.open_loop import Measured, OpenLoop, Schedule, TooLate, percentile
from load_tests.proxies import GATE
from smsgate.smpp.constants import HEADER, RESPONSE

FACTS = {"date": "2026-11-22", "commit": "abc1234"}
STALL_S = 1.0


@pytest.fixture(scope="module")
def run() -> Run:
    return Run([Message(text) for text in Corpus(keywords=200, domains=100).texts(GENUINE, 4096)])


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextmanager
def stalling_gate(run: Run, after: int) -> Iterator[tuple[str, int]]:
    """A gate of one session that answers everything itself, and once, `after` so many messages, stands still for STALL_S."""
    ended = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        answered, rest = 0, b""
        with connection, suppress(ConnectionError):  # a sender that gives up resets it
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := connection.recv(1 << 16):
                rest += data
                while len(rest) >= HEADER.size and len(rest) >= HEADER.unpack_from(rest)[0]:
                    length, command, _, sequence = HEADER.unpack_from(rest)
                    rest = rest[length:]
                    if answered == after + 1:
                        ended.wait(STALL_S)  # nobody sets it before the end
                    answered += 1
                    answer = HEADER.pack(HEADER.size, command | RESPONSE, 0, sequence)
                    connection.sendall(run.answers[sequence] if command == open_loop.SUBMIT_SM else answer)

    with listening() as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            ended.set()
            thread.join()


def every(seconds: float, count: int) -> Schedule:
    return Schedule(array("d", (number * seconds for number in range(count))), array("i", [0] * count))


def closed_loop(run: Run, address: tuple[str, int], count: int) -> list[float]:
    """What a sender with a window of 1 makes of the same gate: it waits for the answer, and so for the stall, once."""
    latencies = []
    with socket.create_connection(address) as opened, opened.makefile("rb") as answers:
        opened.sendall(bind("bank1"))
        answers.read(HEADER.size)
        for place in range(count):
            sent = perf_counter()
            opened.sendall(run.octets[run.offsets[place] : run.offsets[place + 1]])
            answers.read(ANSWER_BYTES)
            latencies.append(perf_counter() - sent)
    return sorted(latencies)


def test_a_stall_delays_every_message_that_was_due_in_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_loop, "MAX_LATENESS_S", 1e3)  # the machine of a test may be busy
    with stalling_gate(run, after=200) as address, listening() as smsc:
        found = OpenLoop(smsc, run).measure(address, every(0.002, 1000), sessions=1, warmup_s=0.1)
    assert len(found.latencies) == 950
    # 500 messages were due while the gate stood still; they waited between 0 and STALL_S, half of them longer than half of it.
    assert sum(one > STALL_S / 2 for one in found.latencies) >= 200
    assert percentile(found.latencies, 0.99) > 0.9 * STALL_S
    with stalling_gate(run, after=200) as address:
        hidden = closed_loop(run, address, 1000)
    assert hidden[-1] > 0.9 * STALL_S
    assert percentile(hidden, 0.99) < STALL_S / 2


def test_every_message_is_answered_once_and_every_session_takes_its_share(run: Run) -> None:
    schedule = Schedule.poisson(2000, 0.5, sessions=3, seed=1)
    with listening() as smsc:
        loop = OpenLoop(smsc, run)
        found = [_patient(loop, smsc, schedule) for _ in range(2)]  # one loop serves many runs
    for measured in found:
        assert len(measured.latencies) == sum(at >= 0.1 for at in schedule.times)
        assert measured.refused == 0
        assert measured.latencies == sorted(measured.latencies)


def _patient(loop: OpenLoop, smsc: socket.socket, schedule: Schedule) -> Measured:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(open_loop, "MAX_LATENESS_S", 1e3)
        return loop.measure(smsc.getsockname(), schedule, sessions=3, warmup_s=0.1)


def test_a_sender_that_was_late_reports_nothing(run: Run) -> None:
    at_once = Schedule(array("d", [0.0] * 4000), array("i", [0] * 4000))  # nobody can send them all at the same time
    with listening() as smsc, pytest.MonkeyPatch.context() as patched:
        patched.setattr(open_loop, "MAX_LATENESS_S", 1e-6)
        with pytest.raises(TooLate, match="ms late"):
            OpenLoop(smsc, run).measure(smsc.getsockname(), at_once, sessions=1, warmup_s=0)


def test_a_lost_message_is_no_measurement(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_loop, "ANSWERS_S", 0.2)
    never_came = pytest.raises(AssertionError, match="an answer never came")
    with stalling_gate(run, after=5) as address, listening() as smsc, never_came:
        OpenLoop(smsc, run).measure(address, every(0.001, 10), sessions=1, warmup_s=0)


def test_arrivals_are_poisson_and_the_same_for_the_same_seed() -> None:
    one, same, other = (Schedule.poisson(1000, 10, 4, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert list(one.times) == sorted(one.times)
    assert len(one.times) == pytest.approx(10_000, rel=0.05)
    gaps = [later - earlier for earlier, later in zip(one.times, one.times[1:], strict=False)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.1)  # as an exponential distribution has it
    assert set(one.sessions) == {0, 1, 2, 3}


def runs(added_ms: float) -> list[latency.Figures]:
    made: Callable[[float, str, float], latency.Figures] = lambda load, way, ms: latency.figures(  # noqa: E731
        load, way, 1000.0, Measured([ms / 1e3] * 100, [1e-5] * 100, 0)
    )
    return [
        made(load, way, ms)
        for load in latency.LOADS
        for ms_straight in (0.1, 0.2)
        for way, ms in ((latency.DIRECT, ms_straight), (GATE, ms_straight + added_ms))
    ]


@pytest.mark.parametrize(("added_ms", "holds"), [(0.9, True), (1.1, False)])
def test_what_the_gate_adds_is_the_difference_of_the_percentiles(added_ms: float, holds: bool) -> None:
    judged = latency.verdict(runs(added_ms))
    assert judged.holds is holds
    assert f"adds {added_ms:.3f} ms at p99" in judged.sentence
    rows = latency.section(runs(added_ms)).rows
    assert [row[:3] for row in rows[:3]] == [
        ("20%", "1,000", "straight"),
        ("20%", "1,000", "smsgate"),
        ("20%", "", "added"),
    ]
    assert rows[2][4] == f"{added_ms:.3f} ({added_ms:.3f} to {added_ms:.3f})"


def test_the_report_has_its_picture_beside_it(tmp_path: Path) -> None:
    made = report.Report(
        "Latency", "c", "", [], {}, {}, name="latency", picture=latency.picture(runs(0.5)), facts=FACTS
    )
    path = report.write(made, tmp_path)
    assert "![Latency](2026-11-22-abc1234-latency.svg)" in path.read_text()
    drawn = path.with_suffix(".svg").read_text()
    for shown in ("50%, through the gate", "80%, straight to the SMSC", "99.9 %", "ms from when the message was due"):
        assert shown in drawn
