"""deploy/grafana: the dashboard is current, keeps to Grafana's schema, and every query of it finds data in a real Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import dashboard
from load_tests.campaign import Campaign, silent
from load_tests.observed import PACK, Observed, observed
from smsgate.cli.sender import Sender

FOLDER = Path(dashboard.__file__).parent
FILE = FOLDER / "dashboard.json"
VARIABLES = {"$instance": ".*", "$client": ".*", "$__rate_interval": "20s"}
MAY_BE_ZERO = {
    "smsgate_audit_lost_total",
    "smsgate_buffered_bytes",
    "smsgate_filter_errors_total",
    "smsgate_late_responses_total",
    "smsgate_limit_table_fill",
    "smsgate_limit_keys_evicted_total",
    "smsgate_overloaded",
    "smsgate_unfiltered_total",
    "smsgate_upstream_connect_failures_total",
    "smsgate_worker_restarts_total",
}
"""Metrics whose series are there, and 0 when all is well. All others have been made to move."""
SENDERS = (
    Sender("bank1", 300, 0.05),
    Sender("clinic", 20, 0.0),
    Campaign("resale2", 100, 0.3, rotating=0.3),
    Sender("stranger", 10, 0.1),
    Sender("mistyped", 1, 0.0),
)
TIMEOUT_S = 40.0


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(FILE.read_text())["panels"] if panel["type"] != "row"]


def filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def test_the_file_is_what_the_program_writes() -> None:
    assert FILE.read_text() == dashboard.page(), "run: make docs"


def test_the_file_keeps_to_the_schema() -> None:
    """Every field is known to Grafana's SDK: what it reads and writes again is the same."""
    read = Dashboard.from_json(json.loads(FILE.read_text()))
    assert json.loads(JSONEncoder().encode(read)) == json.loads(FILE.read_text())


def test_panels_have_names_and_numbers_of_their_own_and_do_not_overlap() -> None:
    everything = json.loads(FILE.read_text())["panels"]
    assert (
        len({panel["id"] for panel in everything}) == len({panel["title"] for panel in everything}) == len(everything)
    )
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in everything)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23


def test_provisioning_names_the_files_that_are_there() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/smsgate.yaml").read_text())["providers"]
    compose = yaml.safe_load((FOLDER.parent / "compose.yaml").read_text())
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["grafana"]["volumes"] if volume[0] == ".")
    assert mounts["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert mounts["./grafana/dashboard.json"] == f"{provider['options']['path']}/smsgate.json"
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]


async def found(running: Observed, expression: str, *, positive: bool = True) -> None:
    """Waits until the query finds series, with a sum above 0 or with any number. Fails after a while."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                series = await running.query(filled_in(expression))
                values = [float(entry["value"][1]) for entry in series if entry["value"][1] != "NaN"]
                if sum(values) > 0 if positive else values:
                    return
                await asyncio.sleep(0.2)  # Prometheus has no way to wait for data
    except TimeoutError:
        raise AssertionError(f"no data: {filled_in(expression)}: {series}") from None


async def operate(running: Observed) -> None:
    """What an operator does on a bad day."""
    order = {"for_s": 3600, "reason": "a test"}
    await running.ask("block", kind="host", value="album-vu.example", **order)
    await running.ask("allow", kind="rule", value="FR-CPF-021", **order)
    await running.ask("monitor", on=True, client="clinic", reason="a test")


@pytest.mark.timeout(240)
def test_every_query_finds_data(tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus: apt-get install prometheus")

    async def main() -> None:
        async with observed(tmp_path, "500ms", latency_s=0.02) as running:
            tasks = [asyncio.create_task(sender.run(running.address)) for sender in SENDERS]
            tasks.append(asyncio.create_task(silent(running.address)))
            try:
                await operate(running)
                for panel in panels():
                    for query in panel["targets"]:
                        metrics = set(re.findall(r"\bsmsgate_\w+", query["expr"]))
                        await found(running, query["expr"], positive=not metrics <= MAY_BE_ZERO)
                marks = {one["name"]: one["expr"] for one in json.loads(FILE.read_text())["annotations"]["list"]}
                running.write_rules(PACK + "rule: []\n")
                await found(running, marks["rules refused"])
                running.write_rules(PACK.replace("30 in 10s", "40 in 10s"))
                await found(running, marks["rules loaded"])
                await running.ask("rollback")
                await found(running, marks["rules rolled back"])
                running.gate.send_signal(signal.SIGUSR2)
                await found(running, 'changes(process_start_time_seconds{process="supervisor"}[1m])')
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    asyncio.run(main())
