"""A wire trace for support: the headers of the PDUs of one connection, and nothing of what they carry.

A `Tap` reads along with a stream, both ways, and keeps no octet of a body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from smsgate.smpp.constants import HEADER, HEADER_BYTES, command_name

Emit = Callable[[dict[str, Any]], None]

MAX_BACKLOG_BYTES = 256 * 1024
"""Records that may wait for a slow reader: about a thousand."""


def bounded(emit: Emit, backlog_bytes: Callable[[], int]) -> Emit:
    """`emit` that leaves records out while the backlog is full; the next one that goes through says how many (`left_out`)."""
    left_out = 0

    def emit_if_room(record: dict[str, Any]) -> None:
        nonlocal left_out
        if backlog_bytes() > MAX_BACKLOG_BYTES:
            left_out += 1 + record.get("left_out", 0)
            return
        if left_out:
            record = {**record, "left_out": left_out + record.get("left_out", 0)}
            left_out = 0
        emit(record)

    return emit_if_room


class _Headers:
    """The headers in one direction of a stream. Starts at the border of a PDU."""

    __slots__ = ("_left", "_part")

    def __init__(self) -> None:
        self._part = b""
        self._left = 0  # octets of the body still to come

    def feed(self, data: bytes | memoryview) -> Iterator[tuple[int, int, int, int]]:
        """Command length, id, status and sequence number of each PDU whose header is complete."""
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
                position += step
                continue
            step = HEADER_BYTES - len(self._part)
            self._part += bytes(data[position : position + step])
            position += step
            if len(self._part) == HEADER_BYTES:
                header = HEADER.unpack(self._part)
                self._part = b""
                self._left = max(0, header[0] - HEADER_BYTES)
                yield header


class Tap:
    """Tells of every PDU that one peer ("esme" or "smsc") says and is told. `about` is part of each record."""

    __slots__ = ("_about", "_emit", "_peer", "_said", "_told")

    def __init__(self, peer: str, about: dict[str, Any], emit: Emit, pending: bytes) -> None:
        """`pending`: what has been read of a PDU that is not complete."""
        self._peer = peer
        self._about = about
        self._emit = emit
        self._said = _Headers()
        self._told = _Headers()
        self.said(pending)

    def said(self, data: bytes) -> None:
        """The peer has sent these octets."""
        self._note(f"{self._peer} > gate", self._said.feed(data))

    def told(self, runs: Iterable[bytes | memoryview]) -> None:
        """These runs are written to the peer."""
        for run in runs:
            self._note(f"gate > {self._peer}", self._told.feed(run))

    def _note(self, way: str, headers: Iterator[tuple[int, int, int, int]]) -> None:
        for length, command, status, sequence in headers:
            self._emit(
                {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    **self._about,
                    "way": way,
                    "command": command_name(command) or f"0x{command:08X}",
                    "length": length,
                    "status": status,
                    "sequence": sequence,
                }
            )
