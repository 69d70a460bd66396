"""`python -m smsgate.reload NEW IN_FORCE`: rules prepared where they can't hold up any traffic.

NEW and IN_FORCE are descriptors of anonymous files (`sealed`): one to fill, and one with the rule set in force. The order is a
`prepare.Request`, pickled to standard input; the `Report` goes, pickled, to standard output.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import Final

from smsgate.reload.prepare import Request, prepare
from smsgate.settings import LogSettings
from smsgate.telemetry import logs

NICENESS: Final = 10
"""Relaying comes first where both want the same core."""


def main() -> None:
    """Do what standard input says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends these to all: the gate says when to end
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.nice(NICENESS)
    new, in_force = map(int, sys.argv[1:3])
    request: Request
    log: LogSettings
    request, log = pickle.load(sys.stdin.buffer)  # noqa: S301  # of the gate
    logs.configure(log)
    pickle.dump(prepare(request, new, in_force), sys.stdout.buffer)


if __name__ == "__main__":
    main()
