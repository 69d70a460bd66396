"""The HTTP port as Prometheus and orchestrators meet it, on a gate with traffic."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smsgate.net.admin import AdminServer
from smsgate.settings import Address, ClientSettings
from smsgate.smpp.constants import RESPONSE, Command
from smsgate.telemetry.metrics import Metrics
from smsgate.worker import Gate
from tests.gates import GENUINE, LOCAL, SCAM, TIMEOUT_S, Wire, both_loops, pdu, run_on, submit, until, wire

RESP = Command.SUBMIT_SM | RESPONSE
CLIENTS = {"bank1": ClientSettings(rate_per_s=0.001, burst=3), "bank2": ClientSettings()}


def fetch(address: Address, path: str) -> tuple[int, str]:
    """Status and body of a GET."""
    try:
        with urlopen(f"http://{address}{path}", timeout=TIMEOUT_S) as page:
            return page.status, page.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def page(running: Wire[Gate], path: str) -> tuple[int, str]:
    assert running.gate.admin is not None
    return await asyncio.to_thread(fetch, running.gate.admin.address, path)


async def traffic(running: Wire[Gate]) -> str:
    """One message blocked, one passed and answered, two over the client's rate, and a receipt; the metrics then."""
    esme, upstream = await running.bound()
    esme.send(submit(SCAM, 2) + b"".join(submit(GENUINE, number) for number in range(3, 8)))
    assert await upstream.pdus(3) == [submit(GENUINE, number) for number in range(3, 6)]
    await esme.pdus(3)
    upstream.send(pdu(RESP, 3, b"id\0") + pdu(Command.DELIVER_SM, 1, b"receipt"))
    await esme.pdus(2)
    return (await page(running, "/metrics"))[1]


def samples(text: str) -> dict[str, float]:
    """Sample values by name and labels, written as in the page."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def labels(text: str) -> set[str]:
    """Every label value of the page, the bounds of buckets apart."""
    return {
        value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for name, value in sample.labels.items()
        if name != "le"
    }


@both_loops
def test_metrics_tell_of_the_traffic(loop_name: str) -> None:
    async def body() -> None:
        async with wire(metrics=LOCAL, clients=CLIENTS) as running:
            found = samples(await traffic(running))
            expected = {
                'smsgate_messages_total{client="bank1",direction="mt",verdict="allow"}': 3,
                'smsgate_messages_total{client="bank1",direction="mt",verdict="block"}': 1,
                'smsgate_messages_total{client="bank1",direction="mt",verdict="throttle"}': 2,
                'smsgate_messages_total{client="bank2",direction="mt",verdict="allow"}': 0,
                'smsgate_messages_total{client="other",direction="mt",verdict="allow"}': 0,
                'smsgate_rule_hits_total{action="block",client="bank1",mode="enforce",rule="T-1"}': 1,
                'smsgate_throttled_total{client="bank1",limit="client_rate"}': 2,
                'smsgate_pdus_total{command="bind_transceiver",side="downstream"}': 1,
                'smsgate_pdus_total{command="submit_sm",side="downstream"}': 6,
                'smsgate_pdus_total{command="submit_sm_resp",side="upstream"}': 1,
                'smsgate_pdus_total{command="deliver_sm",side="upstream"}': 1,
                "smsgate_sessions": 1,
                "smsgate_ready": 1,
                "smsgate_sessions_opened_total": 1,
                "smsgate_filter_errors_total": 0,
                "smsgate_filter_seconds_count": 6,
                'smsgate_filter_seconds_bucket{le="+Inf"}': 6,
                "smsgate_upstream_response_seconds_count": 1,
                "smsgate_rules": 1,
                f'smsgate_rule_set_info{{version="{running.gate.policy.rules.version}"}}': 1,
            }
            assert {key: found.get(key) for key in expected} == expected
            assert 0 < found["smsgate_filter_seconds_sum"] < TIMEOUT_S
            age_s = datetime.now(UTC).timestamp() - found["smsgate_rule_set_loaded_timestamp_seconds"]
            assert 0 <= age_s < TIMEOUT_S
            assert 0 < found["smsgate_upstream_response_seconds_sum"] < TIMEOUT_S

    run_on(loop_name, body)


@both_loops
def test_what_is_in_flight_and_buffered_is_added_up(loop_name: str) -> None:
    async def body() -> None:
        async with wire(metrics=LOCAL) as running:
            first, upstream = await running.bound()
            second, other = await running.bound("bank2")
            first.send(submit(GENUINE, 2) + submit(GENUINE, 3))
            second.send(submit(GENUINE, 2) + submit(GENUINE, 3)[:20])
            upstream.send(pdu(Command.DELIVER_SM, 1, b"receipt"))
            metrics = running.gate.metrics
            await until(lambda: (metrics.in_flight_mt, metrics.in_flight_mo, metrics.buffered_bytes) == (3, 1, 20))
            found = samples((await page(running, "/metrics"))[1])
            assert found['smsgate_in_flight{direction="mt"}'] == 3
            assert found['smsgate_in_flight{direction="mo"}'] == 1
            assert found["smsgate_buffered_bytes"] == 20
            for peer in (first, second, upstream, other):
                await peer.close()
            await until(lambda: metrics.in_flight_mt + metrics.in_flight_mo + metrics.buffered_bytes == 0)

    run_on(loop_name, body)


def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool: apt-get install prometheus")

    async def body() -> None:
        async with wire(metrics=LOCAL, clients=CLIENTS) as running:
            for text in ((await page(running, "/metrics"))[1], await traffic(running)):
                checked = await asyncio.to_thread(
                    subprocess.run,
                    [promtool, "check", "metrics"],
                    input=text.encode(),
                    capture_output=True,
                    check=False,
                )
                assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

    run_on("uvloop", body)


def test_no_label_comes_from_traffic() -> None:
    """Names, commands, senders and numbers are the senders' to choose; series are not."""

    async def body() -> None:
        async with wire(metrics=LOCAL, clients=CLIENTS) as running:
            await traffic(running)
            before = labels((await page(running, "/metrics"))[1])
            for number in range(30):
                esme, upstream = await running.bound(f"stranger{number}")
                esme.send(pdu(0x0BAD00 + number, 2) + submit(SCAM, 3, sender=b"sender%d" % number))
                await esme.pdus(2)
                upstream.send(pdu(0x0BAD00 + number, 2) + pdu(0x80BAD000 + number, 3))
                await esme.pdus(2)
            text = (await page(running, "/metrics"))[1]
            assert labels(text) == before
            found = samples(text)
            assert found['smsgate_messages_total{client="other",direction="mt",verdict="block"}'] == 30
            assert found['smsgate_pdus_total{command="other",side="downstream"}'] == 30
            assert found['smsgate_pdus_total{command="other",side="upstream"}'] == 60

    run_on("uvloop", body)


@both_loops
def test_health_readiness_and_what_is_not_there(loop_name: str) -> None:
    async def body() -> None:
        async with wire(metrics=LOCAL) as running:
            assert await page(running, "/healthz") == (200, "alive\n")
            assert await page(running, "/readyz") == (200, "ready\n")
            for path in ("/", "/metricsx", "/metrics/", "/healthz/../metrics"):
                assert await page(running, path) == (404, "try /metrics, /healthz or /readyz\n")

    run_on(loop_name, body)


@both_loops
def test_while_draining_the_gate_is_alive_but_not_ready_and_is_still_scraped(loop_name: str) -> None:
    async def body() -> None:
        async with wire(metrics=LOCAL, drain_timeout_s=20.0) as running:
            esme, upstream = await running.bound()
            esme.send(submit(GENUINE, 2))
            await upstream.pdu()
            stopping = asyncio.create_task(running.gate.stop())
            await until(lambda: running.gate.listener.draining)
            assert await page(running, "/readyz") == (503, "not ready\n")
            assert await page(running, "/healthz") == (200, "alive\n")
            found = samples((await page(running, "/metrics"))[1])
            assert (found["smsgate_sessions"], found["smsgate_ready"]) == (1, 0)
            upstream.send(pdu(RESP, 2, b"id\0"))
            _, unbind = await esme.pdus(2)
            esme.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
            unbind = await upstream.pdu()
            upstream.send(pdu(Command.UNBIND | RESPONSE, int.from_bytes(unbind[12:], "big")))
            admin = running.gate.admin
            assert admin is not None
            await stopping
            running.gate.admin = admin  # for `page`
            with pytest.raises(OSError, match=r"refused"):
                await page(running, "/healthz")
            running.gate.admin = None  # closed above

    run_on(loop_name, body)


@contextmanager
def served(address: Address) -> Iterator[Address]:
    server = AdminServer(address, Metrics(("other",)), lambda: True)
    try:
        yield server.address
    finally:
        server.close()


def test_a_scraper_that_sends_nothing_holds_nobody_up() -> None:
    with served(LOCAL) as address, socket.create_connection((address.host, address.port)):
        assert fetch(address, "/healthz") == (200, "alive\n")


def test_ipv6_is_served() -> None:
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no ::1 on this machine: enable IPv6 on its loopback interface")
    with served(Address("::1", 0)) as address:
        assert str(address).startswith("[::1]:")
        assert fetch(address, "/healthz") == (200, "alive\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "nobody.invalid"])
def test_an_address_that_can_not_be_listened_on_is_named(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = Address(host, other.getsockname()[1])
        with pytest.raises(OSError, match=rf"{address}: \w+"):
            AdminServer(address, Metrics(("other",)), lambda: True)
