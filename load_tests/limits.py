"""Limits: what a check and a debit take, what a message pays that some limit is about, and how many too many pass where several
processes ask one limit at once.

The last is the worst case there is: processes that do nothing but ask. `limits.shared` says what is lost and why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from math import inf
from mmap import mmap
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from load_tests.report import Report, Section, spread
from smsgate.config.rules import load_rules
from smsgate.limits.shared import HEADER_OCTETS, SET_OCTETS, TABLE_OCTETS, SharedTable
from smsgate.limits.table import ArrivalTable
from smsgate.policy import Policy
from smsgate.smpp.constants import Command
from tests.pdus import submit_sm

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

    from load_tests.corpus import Corpus

SECONDS: Final = 1.0
ROUNDS: Final = 7
KEYS: Final = 20_000
MESSAGES: Final = 2_000
PROCESSES: Final = (1, 2, 4, 8)
RATE: Final = 5_000.0
BURST: Final = 100
"""Of each key: a minute's limit of a few would admit too few in a second to tell anything."""
HAMMERED_KEYS: Final = ("a", "b", "c", "d")

_HAMMER: Final = f"""\
import os, sys
from math import inf
from mmap import mmap
from time import monotonic
from smsgate.limits.gcra import Gcra
from smsgate.limits.shared import SharedTable
os.sched_setaffinity(0, range(os.cpu_count()))
descriptor, process, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
limit = SharedTable(mmap(descriptor, 0), process).of("L")
gcra = Gcra.of({RATE}, {BURST})
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
admitted, began = 0, monotonic()
now = began
while now < began + seconds:
    for key in {HAMMERED_KEYS}:
        if gcra.conforms(limit.get(key), now):
            limit.push(key, now, gcra.interval_s, inf)
            admitted += 1
    now = monotonic()
print(admitted, began, now)
"""


@contextmanager
def _memory() -> Iterator[int]:
    """The descriptor of an anonymous file with a small table in it."""
    descriptor = os.memfd_create("table")
    try:
        os.truncate(descriptor, HEADER_OCTETS + 64 * SET_OCTETS)
        SharedTable.new(mmap(descriptor, 0), 7)
        yield descriptor
    finally:
        os.close(descriptor)


def over_admitted(processes: int, seconds: float) -> float:
    """The share that passes beyond what the limit allows, with so many processes that ask without pause."""
    with _memory() as descriptor:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", _HAMMER, str(descriptor), str(number), str(seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor],
                text=True,
            )
            for number in range(processes)
        ]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0].split() for process in running]
    began, ended = min(float(each[1]) for each in said), max(float(each[2]) for each in said)
    allowed = len(HAMMERED_KEYS) * (BURST + RATE * (ended - began))
    return sum(int(each[0]) for each in said) / allowed - 1


def _each_us(call: Callable[[str], object], keys: Sequence[str], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        started = perf_counter()
        for key in keys:
            call(key)
        times.append((perf_counter() - started) / len(keys) * 1e6)
    return times


LINK: Final = "Bonjour, votre colis {0} vous attend depuis trois jours : https://suivi{0}.example/{0}"
PLAIN: Final = "Votre rendez-vous du 12/03 est confirme a 14h30, reference {0}."
MESSAGES_OF: Final = {
    "no limit at all": (PLAIN, ""),
    "a limit on links, a text without": (PLAIN, "{if: foreign_link, per: link_host}"),
    "a link, no limit at all": (LINK, ""),
    "messages per client": (PLAIN, "{per: client}"),
    "messages per client and sender": (PLAIN, "{per: [client, sender]}"),
    "messages per destination": (PLAIN, "{per: destination}"),
    "messages per phone number": (PLAIN, "{per: phone}"),
    "messages per host": (LINK, "{per: link_host}"),
    "distinct senders per host": (LINK, "{per: link_host, count: distinct senders}"),
    "distinct senders per template": (LINK, "{per: template, count: distinct senders}"),
}


def _message_us(text: str, limit: str, rounds: int) -> list[float]:
    """The time of a decision on a message, with links to hosts seen before."""
    with tempfile.TemporaryDirectory() as directory:
        pack = "pack: measured\n"
        if limit:
            pack += f"limits:\n  - {{id: L, title: L, over: 1000000 in 1s, {limit[1:-1]}}}\n"
        (Path(directory) / "measured.yaml").write_text(pack)
        policy = Policy(load_rules([Path(directory)]), shared=SharedTable.new(mmap(-1, TABLE_OCTETS), 7))
    client = policy.client("bank1")
    pdus = [
        submit_sm(
            text.format(number % 100).encode(), source=b"3363998%04d" % number, destination=b"3363999%04d" % number
        )
        for number in range(MESSAGES)
    ]
    times = []
    for _ in range(rounds + 1):
        started = perf_counter()
        for pdu in pdus:
            policy.decide_pdu(Command.SUBMIT_SM.value, pdu, 0, len(pdu), client, started)
        times.append((perf_counter() - started) / len(pdus) * 1e6)
    return times[1:]


def run(arguments: argparse.Namespace, _corpus: Corpus, console: Console) -> Report:
    """Measure."""
    rounds = arguments.rounds
    keys = [f"host{number}.example" for number in range(KEYS)]
    local, shared = ArrivalTable(KEYS), SharedTable.new(mmap(-1, TABLE_OCTETS), 7).of("L")
    operations: dict[str, list[float]] = {}
    for name, table in (("dictionary of one process", local), ("table of all workers", shared)):
        for key in keys:
            table.push(key, 1.0, 60.0, inf)
        operations[f"check, {name}"] = _each_us(table.get, keys, rounds)
        operations[f"debit, {name}"] = _each_us(lambda key, table=table: table.push(key, 1.0, 1.0, inf), keys, rounds)  # type: ignore[misc]
    console.print("messages")
    messages = {name: _message_us(*what, rounds) for name, what in MESSAGES_OF.items()}
    console.print("processes that ask at once")
    over = {
        processes: [over_admitted(processes, arguments.seconds) * 100 for _ in range(rounds)] for processes in PROCESSES
    }
    plain, link = median(messages["no limit at all"]), median(messages["a link, no limit at all"])
    return Report(
        title="Limits",
        command="python -m load_tests limits",
        about="Medians of the rounds, the lowest and the highest in brackets.",
        sections=[
            Section("One key", ("", "µs"), [(name, spread(us, 2)) for name, us in operations.items()]),
            Section(
                "A whole decision, and what the limit adds to it",
                ("", "µs", "added"),
                [
                    (name, spread(us, 1), f"{median(us) - (link if MESSAGES_OF[name][0] == LINK else plain):.1f}")
                    for name, us in messages.items()
                ],
            ),
            Section(
                f"Beyond the limit, of {RATE:,.0f}/s and a burst of {BURST} for each of {len(HAMMERED_KEYS)} keys",
                ("processes", "% too many"),
                [(str(processes), spread(share, 1)) for processes, share in over.items()],
                "Processes that do nothing but ask. Below 0: fewer were admitted than might have been, for want of processors.",
            ),
        ],
        figures={
            "operations_us": operations,
            "messages_us": messages,
            "over_admitted_percent": {str(processes): share for processes, share in over.items()},
        },
        settings={"keys": KEYS, "rounds": rounds, "seconds": arguments.seconds},
        name="limits",
    )
