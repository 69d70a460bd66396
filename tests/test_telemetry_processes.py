"""What /proc tells of the gate's processes is shown with the name of each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smsgate.telemetry import processes
from tests.gates import LOCAL, crew, run_on, wire

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


def shown(pids: dict[str, int]) -> dict[str, dict[str, float]]:
    return {
        family.name: {sample.labels["process"]: sample.value for sample in family.samples}
        for family in processes.families(pids)
    }


def test_a_process_has_its_own_memory_time_and_files() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as other:
        found = shown({"gate": os.getpid(), "worker0": other.pid})
        assert other.stdin is not None
        other.stdin.close()
    memory, files = found["process_resident_memory_bytes"], found["process_open_fds"]
    assert 2**20 < memory["worker0"] < memory["gate"]
    assert files["worker0"] >= 3
    assert found["process_cpu_seconds"]["gate"] > found["process_cpu_seconds"]["worker0"] >= 0
    assert found["process_start_time_seconds"]["worker0"] >= found["process_start_time_seconds"]["gate"]


def test_a_process_that_is_gone_is_left_out() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    found = shown({"gate": os.getpid(), "worker0": gone.pid})
    assert [set(values) for values in found.values()] == [{"gate"}] * 5


def test_a_gate_names_its_processes() -> None:
    async def body() -> None:
        async with wire(metrics=LOCAL) as one, crew() as several:
            for gate, names in ((one.gate, {"gate"}), (several.gate, {"supervisor", "worker0", "worker1"})):
                (memory,) = (each for each in gate.collect() if each.name == "process_resident_memory_bytes")
                assert {sample.labels["process"] for sample in memory.samples} == names

    run_on("uvloop", body)
