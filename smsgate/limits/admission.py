"""Who may connect and bind: caps on sessions and binds, and the pace of failed binds.

Counts of what stands now, and one GCRA per (address, system_id) for failures. To the SMSC all senders have one address,
the gate's: a guesser must be stopped here, before the SMSC locks that address out. Pure; time is an argument.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from math import inf
from typing import Final

from smsgate.limits.gcra import Gcra
from smsgate.limits.table import ArrivalTable
from smsgate.settings import Caps

MAX_FAILURE_KEYS: Final = 50_000
"""Pairs of address and system_id whose failed binds are remembered; about 10 MB when full."""


class Refusal(StrEnum):
    """Why a connection or a bind was not let in. The values are metric labels."""

    SESSIONS = "sessions"
    SESSIONS_PER_ADDRESS = "sessions_per_address"
    BINDS_PER_CLIENT = "binds_per_client"
    FAILED_BINDS = "failed_binds"
    ADDRESS = "address"
    """The address is not on the listener's or the client's list."""
    OVERLOAD = "overload"


class Admission:
    """The counts of one process."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._addresses: Counter[str] = Counter()
        self._binds: Counter[str] = Counter()
        self._failures = Gcra.of(caps.failed_binds_per_minute / 60, caps.failed_binds_per_minute)
        self._failed = ArrivalTable(MAX_FAILURE_KEYS)

    def connect(self, address: str) -> Refusal | None:
        """Count a connection from `address`, or say why it can't be taken."""
        if self._addresses.total() >= self._caps.sessions:
            return Refusal.SESSIONS
        if self._addresses[address] >= self._caps.sessions_per_address:
            return Refusal.SESSIONS_PER_ADDRESS
        self._addresses[address] += 1
        return None

    def disconnect(self, address: str) -> None:
        """A connection that was let in is gone."""
        _decrement(self._addresses, address)

    def bind(self, client: str, address: str, now: float) -> Refusal | None:
        """Whether a bind may be tried; None: it may."""
        if not self._failures.conforms(self._failed.get((address, client)), now):
            return Refusal.FAILED_BINDS
        if self._binds[client] >= self._caps.binds_per_client:
            return Refusal.BINDS_PER_CLIENT
        return None

    def bound(self, client: str) -> None:
        """The SMSC has accepted a bind."""
        self._binds[client] += 1

    def unbound(self, client: str) -> None:
        """A bound session has ended."""
        _decrement(self._binds, client)

    def failed(self, client: str, address: str, now: float) -> None:
        """The SMSC has refused a bind."""
        self._failed.push((address, client), now, self._failures.interval_s, inf)


def _decrement(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]
