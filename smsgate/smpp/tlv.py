"""Optional parameters (TLVs): found by offset, never rebuilt (SMPP 3.4, 5.3)."""

from __future__ import annotations

from struct import Struct
from typing import Final

_TAG_AND_LENGTH: Final = Struct(">HH")


def values(data: bytes, start: int, end: int, tag: int) -> tuple[list[tuple[int, int]], int]:
    """Offsets (from, to) of the value of every TLV with `tag` in data[start:end], and where the well-formed TLVs end.

    What follows that end belongs to nobody: padding, or a text behind a length that lies.
    """
    found = []
    while start + _TAG_AND_LENGTH.size <= end:
        this, length = _TAG_AND_LENGTH.unpack_from(data, start)
        value = start + _TAG_AND_LENGTH.size
        if value + length > end:
            if this == tag:  # its length lies, but whose it is says its tag
                found.append((value, end))
                start = end
            break
        if this == tag:
            found.append((value, value + length))
        start = value + length
    return found, start
