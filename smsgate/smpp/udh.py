"""The user data header in front of a body (3GPP TS 23.040, 9.2.3.24): its elements, and where the text begins."""

from __future__ import annotations

from typing import Final, NamedTuple

_TELLING: Final = frozenset({0x00, 0x04, 0x05, 0x08, 0x24, 0x25})
"""Elements that change what the octets behind the header are: segments, ports, shift tables."""


class Udh(NamedTuple):
    """What a header says. `text`: offset of the first octet behind it. `total` and `part` are as they came (0 and parts
    beyond the total included); all is 0 or None where the header does not say it."""

    text: int
    reference: int | None = None
    total: int = 0
    part: int = 0
    destination_port: int | None = None
    single_shift: int = 0
    locking_shift: int = 0


def read(body: bytes) -> Udh | None:
    """The header that `body` begins with, or None when its lengths do not add up.

    The first octet is the header's length without itself; its elements (identifier, length, data) must fill it exactly. An
    element whose data is too short for it says nothing; of repeated ones the last counts (9.2.3.24).
    """
    if not body:
        return None
    end = body[0] + 1
    if end > len(body):
        return None
    header = Udh(end)
    position = 1
    while position + 2 <= end:
        data = body[position + 2 : position + 2 + body[position + 1]]
        match body[position], len(data):
            case 0x00, 3:  # concatenated, 8-bit reference
                header = header._replace(reference=data[0], total=data[1], part=data[2])
            case 0x08, 4:  # the same, 16-bit
                header = header._replace(reference=data[0] << 8 | data[1], total=data[2], part=data[3])
            case 0x04, 2:  # ports, 8-bit
                header = header._replace(destination_port=data[0])
            case 0x05, 4:  # 16-bit
                header = header._replace(destination_port=data[0] << 8 | data[1])
            case 0x24, 1:  # national language single shift
                header = header._replace(single_shift=data[0])
            case 0x25, 1:  # locking shift
                header = header._replace(locking_shift=data[0])
        position += 2 + body[position + 1]
    return header if position == end else None


def suspected(body: bytes) -> bool:
    """Whether a body that is not said to begin with a header looks like one that does: not every SMSC heeds esm_class.

    Only headers shorter than a blank's code are thought of, so a text that begins with a letter costs one comparison; and
    the first element must be one of those that say how to read the rest.
    """
    return len(body) > 1 and 0 < body[0] < 0x20 and body[1] in _TELLING and read(body) is not None
