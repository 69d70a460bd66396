"""Limits: what a check and a debit take, what a message pays that some limit is about, and how many too many pass where several
processes ask one limit at once.

The last is the worst case there is: processes that do nothing but ask. `limits.shared` says what is lost and why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from math import inf
from mmap import mmap
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Final

from load_tests.harness import submit_sm
from load_tests.report import Report, Section, spread
from smsgate.config.rules import load_rules
from smsgate.limits.shared import HEADER_OCTETS, SET_OCTETS, TABLE_OCTETS, SharedArrivals, SharedTable
from smsgate.limits.table import ArrivalTable
from smsgate.policy import Policy
from smsgate.smpp.constants import Command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

    from load_tests.corpus import Corpus

SECONDS: Final = 1.0
ROUNDS: Final = 9
KEYS: Final = 20_000
MESSAGES: Final = 2_000
NOW: Final = 1_000.0
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


def _us(call: Callable[[], object], times: int) -> float:
    """Processor time of each of so many things that are done in a call."""
    started = process_time()
    call()
    return (process_time() - started) / times * 1e6


_PACK: Final = """\
pack: measured
keywords: {rare: [unheard]}
rules:
  - {id: R, title: R, if: foreign_link and rare, action: flag, matches: ["unheard https://a.example"], passes: [heard]}
"""
"""With a rule that asks for links, as all packs do: whoever reads them anyway reads them for limits too."""
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


def _decisions(text: str, limit: str) -> Callable[[], None]:
    """Decides on MESSAGES messages, whose links lead to hosts that come again."""
    with tempfile.TemporaryDirectory() as directory:
        pack = _PACK
        if limit:
            pack += f"limits:\n  - {{id: L, title: L, over: 1000000 in 1s, {limit[1:-1]}}}\n"
        (Path(directory) / "measured.yaml").write_text(pack)
        policy = Policy(load_rules([Path(directory)]), shared=SharedTable.new(mmap(-1, TABLE_OCTETS), 7))
    client = policy.client("bank1")
    pdus = [
        submit_sm(number, text.format(number % 100).encode()).replace(b"Transval", b"%08d" % number)
        for number in range(MESSAGES)
    ]

    def decide() -> None:
        for pdu in pdus:
            policy.decide_pdu(Command.SUBMIT_SM.value, pdu, 0, len(pdu), client, NOW)

    decide()
    return decide


def _operations() -> dict[str, Callable[[], None]]:
    keys = [f"host{number}.example" for number in range(KEYS)]
    operations: dict[str, Callable[[], None]] = {}
    shared = SharedTable.new(mmap(-1, TABLE_OCTETS), 7).of("L")
    for name, table in (("dictionary of one process", ArrivalTable(KEYS)), ("table of all workers", shared)):
        for key in keys:
            table.push(key, NOW, 60.0, inf)

        def check(table: ArrivalTable | SharedArrivals = table) -> None:
            for key in keys:
                table.get(key)

        def debit(table: ArrivalTable | SharedArrivals = table) -> None:
            for key in keys:
                table.push(key, NOW, 1.0, inf)

        operations[f"check, {name}"] = check
        operations[f"debit, {name}"] = debit
    return operations


def run(arguments: argparse.Namespace, _corpus: Corpus, console: Console) -> Report:
    """Measure; the cases take turns, since the machine is never the same for long."""
    rounds = arguments.rounds
    decisions = {name: _decisions(*what) for name, what in MESSAGES_OF.items()}
    operations = _operations()
    operations_us: dict[str, list[float]] = {name: [] for name in operations}
    messages_us: dict[str, list[float]] = {name: [] for name in decisions}
    for number in range(rounds):
        console.print(f"round {number + 1}")
        for name, operation in operations.items():
            operations_us[name].append(_us(operation, KEYS))
        for name, decide in decisions.items():
            messages_us[name].append(_us(decide, MESSAGES))
    plain, link = messages_us["no limit at all"], messages_us["a link, no limit at all"]
    added = {
        name: median(
            one - other for one, other in zip(us, link if MESSAGES_OF[name][0] == LINK else plain, strict=True)
        )
        for name, us in messages_us.items()
    }
    console.print("processes that ask at once")
    over = {
        processes: [over_admitted(processes, arguments.seconds) * 100 for _ in range(rounds)] for processes in PROCESSES
    }
    return Report(
        title="Limits",
        command="python -m load_tests limits",
        about="Medians of the rounds, the lowest and the highest in brackets; times are the processor's.",
        sections=[
            Section("One key", ("", "µs"), [(name, spread(us, 2)) for name, us in operations_us.items()]),
            Section(
                "A whole decision, and what the limit adds to it",
                ("", "µs", "added"),
                [(name, spread(us, 1), f"{added[name]:.1f}") for name, us in messages_us.items()],
            ),
            Section(
                f"Beyond the limit, of {RATE:,.0f}/s and a burst of {BURST} for each of {len(HAMMERED_KEYS)} keys",
                ("processes", "% too many"),
                [(str(processes), spread(share, 1)) for processes, share in over.items()],
                "Processes that do nothing but ask. Below 0: fewer were admitted than might have been, for want of processors.",
            ),
        ],
        figures={
            "operations_us": operations_us,
            "messages_us": messages_us,
            "added_us": added,
            "over_admitted_percent": {str(processes): share for processes, share in over.items()},
        },
        settings={"keys": KEYS, "rounds": rounds, "seconds": arguments.seconds},
        name="limits",
    )
