"""The user data header in front of a body (3GPP TS 23.040, 9.2.3.24)."""

from __future__ import annotations


def text_offsets(body: bytes) -> tuple[int, ...]:
    """Where the text may start behind the header that `body` is said to begin with, in octets.

    The first octet is the header's length without itself; its elements (identifier, length, data) must fill it exactly. One
    that does not add up hides no text: handsets then show everything, from the first octet or the second (which for two-octet
    alphabets is another text).
    """
    if not body:
        return (0,)
    end = body[0] + 1
    position = 1
    while position + 2 <= end <= len(body):
        position += 2 + body[position + 1]
    return (end,) if position == end else (0, 1)
