"""A byte stream cut into whole PDUs (SMPP 3.4, 3.2). No I/O, no copy of what is whole.

`Framer` holds what one direction has received and not yet handed on. `feed` appends; `header` and `peek` look at the PDU at
`position` and say whether it is whole; the owner moves `position` past it, slices forwarded runs straight out of `data`, and
calls `release` when it stops. A PDU that arrives in pieces is put together in a bytearray (joining bytes would cost the
square of its length, octet by octet), and only that PDU is: the rest of the read waits behind it untouched, for `shift`.

Memory: one incomplete PDU, and what the owner leaves untaken. The length field allocates nothing.
"""

from __future__ import annotations

from smsgate.smpp.constants import HEADER, HEADER_BYTES

LENGTH_BYTES = 4


class FramingError(ValueError):
    """command_length is outside [16, max_pdu_bytes]: the stream has no next PDU boundary (answer: ESME_RINVCMDLEN)."""

    def __init__(self, length: int, sequence: int) -> None:
        super().__init__(f"command_length {length}")
        self.length = length
        self.sequence = sequence


class Framer:
    """One direction of one session. `data[position:]` is what has arrived and was not yet taken."""

    __slots__ = ("_behind", "_behind_position", "_pieces", "data", "empty", "max_pdu_bytes", "position")

    def __init__(self, max_pdu_bytes: int) -> None:
        self.max_pdu_bytes = max_pdu_bytes
        self.data = b""
        self.position = 0
        self.empty = True  # everything received was taken and released: `pending` without adding up
        self._pieces = bytearray()
        self._behind = b""  # the rest of the read that completed the PDU in `data`
        self._behind_position = 0

    @property
    def pending(self) -> int:
        """Octets received and not taken."""
        return len(self.data) - self.position + len(self._pieces) + len(self._behind) - self._behind_position

    def untaken(self) -> bytes:
        """A copy of what has been received and not taken."""
        return self.data[self.position :] + bytes(self._pieces) + self._behind[self._behind_position :]

    def feed(self, data: bytes) -> None:
        """Append what was read."""
        self.empty = False
        pieces = self._pieces
        if self.position < len(self.data) or self._behind:
            pieces += memoryview(self.data)[self.position :]
            pieces += memoryview(self._behind)[self._behind_position :]
            self._behind = b""
            self._behind_position = 0
        if not pieces:
            self.data = data
            self.position = 0
            return
        taken = 0 if self._missing() else len(data)
        if taken:  # whole PDUs wait already, and the last may be begun: everything joins them
            pieces += data
        while taken < len(data) and (missing := self._missing()):
            pieces += data[taken : taken + missing]
            taken += missing
        self.data = b""
        self.position = 0
        if not self._missing():
            self.data = bytes(pieces)
            pieces.clear()
            if taken < len(data):
                self._behind = data
                self._behind_position = taken

    def shift(self) -> bool:
        """Once `data` is taken whole: go on with the rest of the read behind it. False when there is none."""
        if not self._behind or self.position < len(self.data):
            return False
        self.data = self._behind
        self.position = self._behind_position
        self._behind = b""
        self._behind_position = 0
        return True

    def _missing(self) -> int:
        """How many octets the first PDU of the pieces lacks: of its header, then of its body. 0 for an impossible length."""
        have = len(self._pieces)
        length = int.from_bytes(self._pieces[:LENGTH_BYTES], "big") if have >= LENGTH_BYTES else HEADER_BYTES
        if length < HEADER_BYTES:
            return 0
        if length > self.max_pdu_bytes:
            length = HEADER_BYTES
        return max(0, length - have)

    def header(self) -> tuple[int, int, int, int] | None:
        """`peek`, after `shift` where that is due."""
        self.shift()
        return self.peek()

    def peek(self) -> tuple[int, int, int, int] | None:
        """command_length, command_id, command_status, sequence_number of the next PDU if it is whole, else None.

        Raises FramingError when its length can't be true: with sequence 0 below 16 (no sequence_number lies inside such a
        PDU), with the PDU's own above the cap.
        """
        available = len(self.data) - self.position
        if available < HEADER_BYTES:
            if available >= LENGTH_BYTES:
                length = int.from_bytes(self.data[self.position : self.position + LENGTH_BYTES], "big")
                if length < HEADER_BYTES:
                    raise FramingError(length, 0)
            return None
        header = HEADER.unpack_from(self.data, self.position)
        length = header[0]
        if not HEADER_BYTES <= length <= self.max_pdu_bytes:
            raise FramingError(length, header[3] if length >= HEADER_BYTES else 0)
        return header if length <= available else None

    def release(self) -> None:
        """Let go of the memory of a read that has been taken whole."""
        if self.position == len(self.data):
            self.data = b""
            self.position = 0
            self.empty = not (self._pieces or self._behind)
