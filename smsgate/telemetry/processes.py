"""CPU, memory and descriptors of the gate's processes, out of /proc: read when somebody scrapes, never by the data path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric

from smsgate.telemetry.families import CPU, MAX_FILES, MEMORY, OPEN_FILES, STARTED

FAMILIES = (CPU, MEMORY, OPEN_FILES, MAX_FILES, STARTED)


def families(processes: Mapping[str, int]) -> Iterator[Metric]:
    """What /proc tells of processes (label: pid); of one that is gone, nothing."""
    found = {
        (family.name, label): family.samples[0].value
        for label, pid in processes.items()
        for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect()  # type: ignore[misc]
    }
    for family in FAMILIES:
        yield family.of(([label], value) for (name, label), value in found.items() if name == family.name)
