"""The user data header in front of a body (3GPP TS 23.040, 9.2.3.24): its elements, and where the text begins."""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_PARTS: Final = 255
"""One octet counts them (3GPP TS 23.040, 9.2.3.24.1)."""
_TELLING: Final = frozenset({0x00, 0x04, 0x05, 0x08, 0x24, 0x25})
"""Elements that change what the octets behind the header are: segments, ports, shift tables."""

LONGEST_USUAL_BYTES: Final = 24
"""Of a header: a segment, ports and both shift tables take 18."""
LONGEST_ELEMENT_BYTES: Final = 8
"""Of an element that is no text."""


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


def stretches(body: bytes, *, announced: bool) -> list[tuple[bytes, Udh | None]]:
    """The stretches of a body that may be its text, each with the header that it stands behind. `announced`: the request
    says that the body begins with one.

    A header that says nothing or does not add up hides no text: handsets then show everything, from the first octet or the
    second (which for two-octet alphabets is another text), or from where the header claims to end. A long header has room
    for a text of its own, which is shown where headers are not understood. And not every SMSC heeds the announcement:
    what looks like a header is read both ways.
    """
    header = read(body) if announced or suspected(body) else None
    if not announced:
        return [(body, None)] if header is None else [(body, None), (body[header.text :], header)]
    if header is None:
        claimed = {0, 1, body[0] + 1} if body else {0}
        return [(body[offset:], None) for offset in sorted(claimed) if offset < len(body) or not offset]
    behind = (body[header.text :], header)
    if header.text == 1:
        return [behind, (body, None)]
    return [behind] if header.text <= LONGEST_USUAL_BYTES else [behind, (body, None), *_long_elements(body, header)]


def _long_elements(body: bytes, header: Udh) -> list[tuple[bytes, None]]:
    found: list[tuple[bytes, None]] = []
    position = 1
    while position + 2 <= header.text:
        data = body[position + 2 : position + 2 + body[position + 1]]
        if len(data) > LONGEST_ELEMENT_BYTES:
            found.append((data, None))
        position += 2 + body[position + 1]
    return found


def suspected(body: bytes) -> bool:
    """Whether a body that is not said to begin with a header looks like one that does: not every SMSC heeds esm_class.

    Only headers shorter than a blank's code are thought of, so a text that begins with a letter costs one comparison; and
    the first element must be one of those that say how to read the rest.
    """
    return len(body) > 1 and 0 < body[0] < 0x20 and body[1] in _TELLING and read(body) is not None


def may_name_port(body: bytes) -> bool:
    """False only when no header that `body` begins with names a port."""
    header = body[: body[0] + 1] if body else b""
    return b"\x05\x04" in header or b"\x04\x02" in header
