"""Optional parameters (TLVs): found by offset, never rebuilt (SMPP 3.4, 5.3)."""

from __future__ import annotations

from struct import Struct
from typing import Final

_TAG_AND_LENGTH: Final = Struct(">HH")


def values(data: bytes, start: int, end: int, tag: int) -> list[tuple[int, int]]:
    """Offsets (from, to) of the value of every TLV with `tag` in data[start:end], duplicates included.

    A TLV whose length runs over the end is cut there: a lying length must not hide what a handset may show.
    """
    found = []
    while start + _TAG_AND_LENGTH.size <= end:
        this, length = _TAG_AND_LENGTH.unpack_from(data, start)
        start += _TAG_AND_LENGTH.size
        if this == tag:
            found.append((start, min(start + length, end)))
        start += length
    return found
