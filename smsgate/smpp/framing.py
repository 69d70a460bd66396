"""A byte stream cut into whole PDUs (SMPP 3.4, 3.2). No I/O, no copy of what is whole.

`Framer` holds what one direction has received and not yet handed on. `feed` appends, `header` looks at the next PDU and
says whether it is whole, `take` moves past it. The owner slices forwarded runs straight out of `data`, so that a read
which holds only whole PDUs is never copied. A PDU that arrives in pieces is put together in a bytearray: growing it
octet by octet costs time in proportion to its length, where joining bytes would cost its square.

Memory: at most one incomplete PDU (`max_pdu_bytes`) and one read of the transport. The length field allocates nothing.
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

    __slots__ = ("_pieces", "data", "max_pdu_bytes", "position")

    def __init__(self, max_pdu_bytes: int) -> None:
        self.max_pdu_bytes = max_pdu_bytes
        self.data = b""
        self.position = 0
        self._pieces = bytearray()

    @property
    def pending(self) -> int:
        """Octets received and not taken."""
        return len(self.data) - self.position + len(self._pieces)

    def feed(self, data: bytes) -> None:
        """Append what was read. Call only when `header` has returned None, i.e. no whole PDU is left."""
        if self._pieces:
            self._pieces += data
            data = self._whole_pieces()
        elif self.position < len(self.data):
            self._pieces = bytearray(memoryview(self.data)[self.position :])
            self._pieces += data
            data = self._whole_pieces()
        self.data = data
        self.position = 0

    def _whole_pieces(self) -> bytes:
        """The pieces as bytes once `header` can say something about them, else nothing yet."""
        pieces = self._pieces
        if len(pieces) < LENGTH_BYTES:
            return b""
        length = int.from_bytes(pieces[:LENGTH_BYTES], "big")
        if length > self.max_pdu_bytes:
            length = HEADER_BYTES
        if len(pieces) < length:
            return b""
        whole = bytes(pieces)
        self._pieces = bytearray()
        return whole

    def header(self) -> tuple[int, int, int, int] | None:
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
