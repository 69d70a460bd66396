"""`python -m load_tests [TEST]`: measure, print the tables, write them to load_tests/results/. Without a name: the load table.

Ends with 1 when what a test must show does not hold.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from load_tests import fairness, flood, latency, limits, lists, reload, report, soak, throughput
from load_tests.corpus import Corpus
from load_tests.proxies import HARNESS_CORE, pin

TESTS: Final = {
    "throughput": throughput,
    "fairness": fairness,
    "flood": flood,
    "latency": latency,
    "soak": soak,
    "limits": limits,
    "lists": lists,
    "reload": reload,
}
LOG_COLUMNS: Final = 180
"""Room for the widest table where the output is a file and has no width of its own."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m load_tests", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("test", nargs="?", choices=TESTS, default="throughput", help="what to measure")
    parser.add_argument("--seconds", type=float, help="length of one measurement, if not the test's own")
    parser.add_argument("--rounds", type=int, help="measurements of each case, if not the test's own")
    parser.add_argument("--windows", type=int, nargs="+", default=throughput.WINDOWS, help="throughput: in a session")
    parser.add_argument("--messages", type=int, default=soak.MESSAGES, help="soak: in all")
    parser.add_argument("--gate", type=Path, help="latency: YAML file of what the gate's configuration has besides")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="directory")
    arguments = parser.parse_args()
    test = TESTS[arguments.test]
    arguments.seconds = arguments.seconds or test.SECONDS
    arguments.rounds = arguments.rounds or test.ROUNDS
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_COLUMNS)
    pin(HARNESS_CORE)
    result = test.run(arguments, Corpus(), console)
    report.show(result, console)
    console.print(f"written to {report.write(result, arguments.output)}")
    sys.exit(result.verdict is not None and not result.verdict.holds)


if __name__ == "__main__":
    main()
