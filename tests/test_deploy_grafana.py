"""deploy/grafana: the dashboard is current, keeps to Grafana's schema, and every query of it finds data in a real Prometheus."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana import dashboard
from load_tests.observed import Observed, observed
from smsgate.cli.sender import Sender

FOLDER = Path(dashboard.__file__).parent
FILE = FOLDER / "dashboard.json"
VARIABLES = {"$instance": ".*", "$client": ".*", "$__rate_interval": "20s"}
MAY_BE_ZERO = {
    "Monitor-only",
    "Filter trouble",
    "Buffered",
    "Long messages",
    "Refused and ended",
    "Loop lag and overload",
    "Workers",
}
"""Panels with series that are there, and 0 when all is well."""
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


async def found(running: Observed, expression: str) -> list[dict[str, Any]]:
    """The series of a query, once there are any with a number. Fails after a while."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                series = await running.query(filled_in(expression))
                if any(entry["value"][1] != "NaN" for entry in series):
                    return series
                await asyncio.sleep(0.2)  # Prometheus has no way to wait for data
    except TimeoutError:
        raise AssertionError(f"no data: {filled_in(expression)}") from None


@pytest.mark.timeout(150)
def test_every_query_finds_data(tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus: apt-get install prometheus")

    async def main() -> None:
        async with observed(tmp_path, "500ms", latency_s=0.02) as running:
            senders = [
                asyncio.create_task(Sender(client, per_s, scams).run(running.address))
                for client, per_s, scams in (("bank1", 300, 0.05), ("resale2", 50, 0.5), ("stranger", 10, 0.1))
            ]
            try:
                for panel in panels():
                    for query in panel["targets"]:
                        series = await found(running, query["expr"])
                        total = sum(float(entry["value"][1]) for entry in series if entry["value"][1] != "NaN")
                        assert panel["title"] in MAY_BE_ZERO or total > 0, (panel["title"], query["expr"])
                running.gate.send_signal(signal.SIGUSR2)
                for query in json.loads(FILE.read_text())["annotations"]["list"][:1]:
                    assert await found(running, query["expr"])
            finally:
                for sender in senders:
                    sender.cancel()
                await asyncio.wait(senders)

    asyncio.run(main())
