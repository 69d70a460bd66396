"""The user data header in front of a body (3GPP TS 23.040, 9.2.3.24)."""

from __future__ import annotations


def text_offset(body: bytes) -> int:
    """Where the text starts behind the header that `body` begins with, in octets.

    The first octet is the header's length without itself. A length that runs over the body names no text at all, and some
    handsets then show everything: 0, so that the whole body is judged.
    """
    if not body:
        return 0
    offset = body[0] + 1
    return offset if offset <= len(body) else 0
