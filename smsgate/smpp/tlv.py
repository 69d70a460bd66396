"""Optional parameters (TLVs): found by offset, never rebuilt (SMPP 3.4, 5.3)."""

from __future__ import annotations

from struct import Struct
from typing import Final

_TAG_AND_LENGTH: Final = Struct(">HH")
HEAD_BYTES: Final = _TAG_AND_LENGTH.size


def parameter(tag: int, value: bytes) -> bytes:
    """One TLV of the gate's own."""
    return _TAG_AND_LENGTH.pack(tag, len(value)) + value


def walk(data: bytes, start: int, end: int) -> tuple[list[tuple[int, int, int]], int]:
    """Every TLV of data[start:end] in its order (tag, and where its value begins and ends), and where the well-formed ones end.

    What follows that end belongs to nobody: padding, a text, or a TLV whose length lies.
    """
    found = []
    while start + HEAD_BYTES <= end:
        tag, length = _TAG_AND_LENGTH.unpack_from(data, start)
        value = start + HEAD_BYTES
        if value + length > end:
            break
        start = value + length
        found.append((tag, value, start))
    return found, start


def tag_at(data: bytes, start: int, end: int) -> int | None:
    """The tag of the TLV whose length lies, at data[start:end]; None when not even its length is there."""
    return _TAG_AND_LENGTH.unpack_from(data, start)[0] if start + HEAD_BYTES <= end else None
