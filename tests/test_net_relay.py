"""The relay on real sockets: bytes, order, refusals, backpressure, ends. Every test runs on both event loops."""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest

from smsgate.net import side as side_module
from smsgate.settings import ClientSettings, TimerSettings, UpstreamSettings
from smsgate.smpp.constants import RESPONSE, Command, Status
from smsgate.smpp.session import TURN_BYTES
from tests.gates import GENUINE, SCAM, FakeSmsc, bind, both_loops, pdu, run_on, split, submit, until, upstreams, wire

RESP = Command.SUBMIT_SM | RESPONSE


def refusal(sequence: int, status: int = Status.ESME_RX_R_APPN) -> bytes:
    return pdu(RESP, sequence, status=status)


@both_loops
def test_a_blocked_message_is_answered_and_its_neighbours_pass_in_order(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            passing = [submit(GENUINE, 2), submit(GENUINE, 4), submit(GENUINE, 5)]
            esme.send(passing[0] + submit(SCAM, 3) + passing[1] + passing[2])
            assert await upstream.pdus(3) == passing
            assert await esme.pdu() == refusal(3)

    run_on(loop_name, body)


ODD_PDUS = [
    pytest.param(submit(GENUINE, 0), id="sequence 0"),
    pytest.param(submit(GENUINE, 0xFFFFFFFE), id="sequence above 0x7FFFFFFF"),
    pytest.param(
        submit(GENUINE, 7, tlvs=bytes.fromhex("1400000461626364020400021234020400029999")),
        id="vendor and repeated TLVs",
    ),
    pytest.param(submit(GENUINE, 7, tlvs=b"\0\0\0"), id="padding"),
    pytest.param(pdu(Command.QUERY_BROADCAST_SM, 8, b"id\0\0\0\0"), id="SMPP 5 command"),
    pytest.param(pdu(Command.ENQUIRE_LINK, 9), id="enquire_link"),
    pytest.param(pdu(Command.SUBMIT_SM, 10, b"\xff" * 20), id="a submit_sm that can't be parsed"),
    pytest.param(pdu(Command.DELIVER_SM | RESPONSE, 11, b"\0"), id="a response nobody waits for"),
]


@both_loops
@pytest.mark.parametrize("data", ODD_PDUS)
def test_what_an_esme_sends_reaches_the_smsc_to_the_byte(loop_name: str, data: bytes) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(data)
            assert await upstream.pdu() == data

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pdu(RESP, 5, status=0x432), id="vendor status"),
        pytest.param(pdu(RESP, 5, b"id\0\x14\x00\x00\x01x"), id="vendor TLV in a response"),
        pytest.param(pdu(0x0BAD, 5, b"x"), id="unknown command from the SMSC"),
        pytest.param(pdu(Command.DELIVER_SM, 0x90000000, b"anything"), id="deliver_sm"),
        pytest.param(pdu(Command.ALERT_NOTIFICATION, 6, b"\0" * 6), id="alert_notification"),
    ],
)
def test_what_the_smsc_sends_reaches_the_esme_to_the_byte(loop_name: str, data: bytes) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            upstream.send(data)
            assert await esme.pdu() == data

    run_on(loop_name, body)


def test_real_pdus_pass_to_the_byte() -> None:
    """Captured PDUs of other projects, both directions; the folder lies beside the checkout."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "pdus"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/pdus beside the checkout")
    data = [bytes.fromhex(line) for file in sorted(folder.glob("*.hex")) for line in file.read_text().split()]
    whole = [one for one in data if 16 <= int.from_bytes(one[:4], "big") == len(one)]
    downstream = [one for one in whole if one[0:1] and int.from_bytes(one[4:8], "big") & RESPONSE] + [
        one for one in whole if int.from_bytes(one[4:8], "big") in {3, 4, 5, 7, 8, 0x15, 0x21, 0x103}
    ]
    assert len(downstream) > 20

    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(b"".join(downstream))
            assert await upstream.pdus(len(downstream)) == downstream
            upstream.send(b"".join(whole))
            assert await esme.pdus(len(whole)) == whole

    run_on("uvloop", body)


@both_loops
def test_bytes_that_come_one_at_a_time_or_all_behind_the_bind(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme = await running.esme()
            esme.send(bind() + submit(GENUINE, 2) + submit(SCAM, 3) + submit(GENUINE, 4)[:20])
            upstream = await running.smsc.connection()
            assert await upstream.pdu() == bind()
            answer = pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0")
            for octet in answer:
                upstream.send(bytes([octet]))
                await upstream.writer.drain()
            assert await esme.pdu() == answer
            assert await upstream.pdu() == submit(GENUINE, 2)
            assert await esme.pdu() == refusal(3)
            for octet in submit(GENUINE, 4)[20:]:
                esme.send(bytes([octet]))
                await esme.writer.drain()
                await asyncio.sleep(0)
            assert await upstream.pdu() == submit(GENUINE, 4)

    run_on(loop_name, body)


@both_loops
def test_before_a_bind_requests_are_refused_and_nothing_goes_upstream(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme = await running.esme()
            esme.send(submit(GENUINE, 2) + pdu(Command.ENQUIRE_LINK, 3) + pdu(0x0BAD, 4) + pdu(RESP, 5))
            assert await esme.pdus(3) == [
                refusal(2, Status.ESME_RINVBNDSTS),
                pdu(Command.ENQUIRE_LINK | RESPONSE, 3, status=Status.ESME_RINVBNDSTS),
                pdu(Command.GENERIC_NACK, 4, status=Status.ESME_RINVCMDID),
            ]
            assert running.smsc.connections.empty()

    run_on(loop_name, body)


@both_loops
def test_an_unknown_request_is_nacked_and_the_session_goes_on(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2) + pdu(0x0BAD, 3, b"x") + submit(GENUINE, 4))
            assert await upstream.pdus(2) == [submit(GENUINE, 2), submit(GENUINE, 4)]
            assert await esme.pdu() == pdu(Command.GENERIC_NACK, 3, status=Status.ESME_RINVCMDID)

    run_on(loop_name, body)


@both_loops
@pytest.mark.parametrize("length", [0, 15, 0x47455420, 66 * 1024 + 1])
def test_an_impossible_length_ends_this_session_only(loop_name: str, length: int) -> None:
    async def body() -> None:
        async with wire() as running:
            other, other_upstream = await running.bound("bank2")
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2) + length.to_bytes(4, "big") + submit(GENUINE, 9)[4:])
            assert await upstream.eof() == submit(GENUINE, 2)
            sequence = 9 if length > 16 else 0
            assert await esme.eof() == pdu(Command.GENERIC_NACK, sequence, status=Status.ESME_RINVCMDLEN)
            other.send(submit(GENUINE, 3))
            assert await other_upstream.pdu() == submit(GENUINE, 3)

    run_on(loop_name, body)


@both_loops
def test_a_refused_bind_may_be_tried_again_by_the_same_client_only(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme = await running.esme()
            esme.send(bind(1) + submit(SCAM, 2))
            upstream = await running.smsc.connection()
            assert await upstream.pdu() == bind(1)
            no = pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, status=Status.ESME_RINVPASWD)
            upstream.send(no)
            assert await esme.pdus(2) == [no, refusal(2, Status.ESME_RINVBNDSTS)]
            esme.send(bind(3, system_id="bank2"))
            assert await esme.pdu() == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 3, status=Status.ESME_RBINDFAIL)
            esme.send(bind(4))
            assert await upstream.pdu() == bind(4)

    run_on(loop_name, body)


@both_loops
def test_without_an_upstream_the_bind_is_refused_and_the_connection_closed(loop_name: str) -> None:
    async def body() -> None:
        smsc = FakeSmsc()
        await smsc.start()
        gone = smsc.address
        await smsc.close()
        async with wire(upstreams=(UpstreamSettings("gone", gone),)) as running:
            esme = await running.esme()
            esme.send(bind())
            assert await esme.eof() == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, status=Status.ESME_RSYSERR)

    run_on(loop_name, body)


@both_loops
def test_the_next_upstream_is_tried_when_the_first_can_not_be_reached(loop_name: str) -> None:
    async def body() -> None:
        gone = FakeSmsc()
        await gone.start()
        await gone.close()
        async with wire() as running:
            first, second = UpstreamSettings("gone", gone.address), running.gate.settings.upstreams[0]
            running.gate.sessions._upstreams = upstreams(replace(running.gate.settings, upstreams=(first, second)))
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            assert await upstream.pdu() == submit(GENUINE, 2)

    run_on(loop_name, body)


@both_loops
def test_the_upstream_dies_and_the_downstream_session_ends_unanswered(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            upstream.writer.transport.abort()
            assert await esme.eof() == b""
            await esme.close()
            await until(lambda: running.gate.metrics.sessions == 0)

    run_on(loop_name, body)


@both_loops
def test_half_close_is_passed_on_and_answers_in_flight_arrive(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            sent = [submit(GENUINE, number) for number in range(2, 22)]
            esme.send(b"".join(sent))
            esme.writer.write_eof()
            assert split(await upstream.eof()) == sent
            answers = [pdu(RESP, number, b"id\0") for number in range(2, 22)]
            upstream.send(b"".join(answers))
            upstream.writer.write_eof()
            assert split(await esme.eof()) == answers

    run_on(loop_name, body)


@both_loops
def test_the_smscs_half_close_is_passed_on(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            upstream.send(pdu(Command.UNBIND, 77))
            upstream.writer.write_eof()
            assert await esme.eof() == pdu(Command.UNBIND, 77)
            esme.send(pdu(Command.UNBIND | RESPONSE, 77))
            esme.writer.write_eof()
            assert await upstream.eof() == pdu(Command.UNBIND | RESPONSE, 77)

    run_on(loop_name, body)


@both_loops
def test_a_flood_of_blocked_messages_whose_sender_never_reads_stays_in_bounds(loop_name: str) -> None:
    """The refusals fill the way back; the gate then stops reading, and holds a few buffers at most."""

    async def body() -> None:
        async with wire() as running:
            esme, _ = await running.bound()
            transport = esme.writer.transport
            transport.pause_reading()  # type: ignore[attr-defined]  # a real transport has it
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            flood = submit(SCAM, 2) * 2000
            stalled = 0
            for _ in range(400):  # 90 MB, were it all taken
                esme.send(flood)
                for _ in range(20):
                    await asyncio.sleep(0)
                if transport.get_write_buffer_size() > 4 * len(flood):
                    stalled += 1
                    break
            assert stalled, "the gate went on reading"
            (relay,) = running.gate.sessions._relays
            queued = relay.downstream.transport.get_write_buffer_size()
            assert queued <= side_module.WRITE_BUFFER_BYTES + 2 * TURN_BYTES
            assert relay.session.downstream.pending <= 512 * 1024
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB

    run_on(loop_name, body)


@both_loops
def test_an_smsc_that_never_reads_stops_the_reading_of_its_sender(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            upstream.writer.transport.pause_reading()  # type: ignore[attr-defined]
            transport = esme.writer.transport
            flood = submit(GENUINE, 2) * 2000
            for _ in range(400):
                esme.send(flood)
                for _ in range(20):
                    await asyncio.sleep(0)
                if transport.get_write_buffer_size() > 4 * len(flood):
                    break
            else:
                pytest.fail("the gate went on reading")
            (relay,) = running.gate.sessions._relays
            assert relay.upstream.transport.get_write_buffer_size() <= side_module.WRITE_BUFFER_BYTES + 2 * TURN_BYTES
            assert relay.session.downstream.pending
            assert relay.downstream.pdu_begun == 0.0, "the ESME is not to blame"
            upstream.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert await upstream.pdu() == submit(GENUINE, 2)

    run_on(loop_name, body)


@both_loops
def test_draining_lets_answers_arrive_then_unbinds_both_sides(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            assert await upstream.pdu() == submit(GENUINE, 2)
            stopping = asyncio.create_task(running.gate.stop())
            await until(lambda: running.gate.listener.draining)
            upstream.send(pdu(RESP, 2, b"id\0"))
            assert await esme.pdu() == pdu(RESP, 2, b"id\0")
            unbind = await esme.pdu()
            assert unbind == pdu(Command.UNBIND, 0x7FFE0000)
            esme.send(submit(GENUINE, 3) + pdu(Command.UNBIND | RESPONSE, 0x7FFE0000))
            assert await upstream.pdu() == submit(GENUINE, 3)
            upstream_unbind = await upstream.pdu()
            assert int.from_bytes(upstream_unbind[4:8], "big") == Command.UNBIND
            upstream.send(
                pdu(RESP, 3, b"id\0") + pdu(Command.UNBIND | RESPONSE, int.from_bytes(upstream_unbind[12:], "big"))
            )
            assert await esme.eof() == pdu(RESP, 3, b"id\0")
            await stopping

    run_on(loop_name, body)


@both_loops
def test_draining_is_bounded_when_nobody_answers(loop_name: str) -> None:
    async def body() -> None:
        async with wire(drain_timeout_s=0.2) as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            await running.gate.stop()
            assert await esme.eof() == pdu(Command.UNBIND, 0x7FFE0000)

    run_on(loop_name, body)


def test_a_clients_rate_is_answered_0x58() -> None:
    async def body() -> None:
        async with wire(clients={"bank1": ClientSettings(rate_per_s=0.001, burst=2)}) as running:
            esme, upstream = await running.bound()
            esme.send(b"".join(submit(GENUINE, number) for number in range(2, 6)))
            assert await upstream.pdus(2) == [submit(GENUINE, 2), submit(GENUINE, 3)]
            assert await esme.pdus(2) == [refusal(4, Status.ESME_RTHROTTLED), refusal(5, Status.ESME_RTHROTTLED)]

    run_on("uvloop", body)


@both_loops
def test_an_smsc_that_closes_instead_of_answering_the_bind_ends_the_session(loop_name: str) -> None:
    """A load balancer without backends accepts and closes at once."""

    async def body() -> None:
        async with wire() as running:
            esme = await running.esme()
            esme.send(bind())
            upstream = await running.smsc.connection()
            upstream.writer.write_eof()
            assert await esme.eof() == b""
            await esme.close()
            await until(lambda: running.gate.metrics.sessions == 0)

    run_on(loop_name, body)


@both_loops
def test_a_refused_message_behind_the_smscs_last_word_is_dropped_and_nothing_breaks(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            upstream.writer.write_eof()
            assert await esme.eof() == b""
            esme.send(submit(SCAM, 2) + submit(GENUINE, 3))
            assert await upstream.pdu() == submit(GENUINE, 3)

    run_on(loop_name, body)


@both_loops
def test_a_drain_takes_an_esme_that_closes_for_an_answer_to_unbind(loop_name: str) -> None:
    """Most stacks close at the sight of an unbind; the SMSC is unbound all the same."""

    async def body() -> None:
        async with wire(drain_timeout_s=20.0) as running:
            esme, upstream = await running.bound()
            stopping = asyncio.create_task(running.gate.stop())
            assert await esme.pdu() == pdu(Command.UNBIND, 0x7FFE0000)
            esme.writer.write_eof()
            unbind = await upstream.pdu()
            assert unbind[4:8] == Command.UNBIND.to_bytes(4, "big")
            upstream.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
            await stopping

    run_on(loop_name, body)


@both_loops
def test_another_clients_bind_on_a_bound_session_is_refused_here(loop_name: str) -> None:
    """Limits and allow rules go by the client: it may not change under them."""

    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            esme.send(bind(2, system_id="bank2") + bind(3))
            assert await upstream.pdu() == bind(3)
            assert await esme.pdu() == pdu(Command.BIND_TRANSCEIVER | RESPONSE, 2, status=Status.ESME_RALYBND)

    run_on(loop_name, body)


@both_loops
def test_connections_reset_at_once_leave_nothing_behind(loop_name: str) -> None:
    """Port scanners do this all day."""

    async def body() -> None:
        async with wire() as running:
            address = running.gate.addresses[0]
            for _ in range(20):
                with socket.create_connection((address.host, address.port)) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            esme, upstream = await running.bound()
            await esme.close()
            await upstream.close()
            await until(lambda: running.gate.metrics.sessions_total == 21 and running.gate.metrics.sessions == 0)

    run_on(loop_name, body)


@both_loops
def test_the_timer_of_a_pdu_begins_anew_with_each_pdu_however_the_stream_is_cut(loop_name: str) -> None:
    async def body() -> None:
        async with wire() as running:
            esme, upstream = await running.bound()
            (relay,) = running.gate.sessions._relays
            for sender, receiver, side, sent in (
                (esme, upstream, relay.downstream, [submit(GENUINE, number) for number in range(2, 6)]),
                (upstream, esme, relay.upstream, [pdu(Command.ENQUIRE_LINK, number) for number in range(2, 6)]),
            ):
                begun: list[float] = []
                for first, second in pairwise(sent):
                    sender.send((first[-8:] if begun else first) + second[:-8])
                    assert await receiver.pdu() == first
                    await until(lambda side=side: side.pdu_begun > 0.0)  # type: ignore[misc]
                    begun.append(side.pdu_begun)
                assert begun[0] < begun[1] < begun[2]
                sender.send(sent[-1][-8:])
                assert await receiver.pdu() == sent[-1]
                assert side.pdu_begun == 0.0

    run_on(loop_name, body)


@both_loops
def test_a_pdu_begun_behind_a_bind_is_timed_from_the_answer_to_it(loop_name: str) -> None:
    async def body() -> None:
        async with wire(timers=TimerSettings(session_init_s=0.0)) as running:
            esme = await running.esme()
            esme.send(bind() + submit(GENUINE, 2)[:-8])
            upstream = await running.smsc.connection()
            assert await upstream.pdu() == bind()
            (relay,) = running.gate.sessions._relays
            relay.tick(perf_counter() + relay.timers.settings.pdu_read_s)
            assert not relay.ended, "the ESME may not be read"
            answered = perf_counter()
            upstream.send(pdu(Command.BIND_TRANSCEIVER | RESPONSE, 1, b"smsc\0"))
            await until(lambda: relay.downstream.pdu_begun > answered)
            esme.send(submit(GENUINE, 2)[-8:])
            assert await upstream.pdu() == submit(GENUINE, 2)

    run_on(loop_name, body)


@both_loops
def test_a_pdu_begun_when_a_drain_stops_reading_is_timed_from_when_reading_goes_on(loop_name: str) -> None:
    async def body() -> None:
        async with wire(drain_timeout_s=20.0) as running:
            esme, upstream = await running.bound()
            (relay,) = running.gate.sessions._relays
            esme.send(submit(GENUINE, 2) + submit(GENUINE, 3)[:-8])
            assert await upstream.pdu() == submit(GENUINE, 2)
            await until(lambda: relay.downstream.pdu_begun > 0.0)
            stopping = asyncio.create_task(running.gate.stop())
            await until(lambda: relay.settling)
            relay.tick(perf_counter() + relay.timers.settings.pdu_read_s)
            assert not relay.ended, "the ESME is not read"
            upstream.send(pdu(RESP, 2, b"id\0"))
            assert await esme.pdus(2) == [pdu(RESP, 2, b"id\0"), pdu(Command.UNBIND, 0x7FFE0000)]
            await until(lambda: relay.downstream.pdu_begun > 0.0)
            esme.send(submit(GENUINE, 3)[-8:])
            assert await upstream.pdu() == submit(GENUINE, 3)
            await esme.close()
            await upstream.close()
            await stopping

    run_on(loop_name, body)
