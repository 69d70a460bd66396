"""Keyed digests: what stands in the audit log in place of numbers, senders and texts.

BLAKE2b with the operator's key (RFC 7693), DIGEST_BYTES of it. All phone numbers there are could be tried within minutes: it is
the key alone that keeps a digest from being a number, so whoever holds it may search, and nobody else.

What is written in several ways has one digest: numbers as `text.phones.canonical` has them, whether they send or receive;
names without blanks and case; texts folded, so that the alphabet they came in makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from smsgate.text.normalize import fold
from smsgate.text.phones import canonical

DIGEST_BYTES: Final = 12
"""A billion different texts meet with a probability of 1 in 100 billion."""
PART_CHARS: Final = (153, 152, 67, 66)
"""Of a long message: GSM-7 and UCS-2 behind a header with an 8-bit or a 16-bit reference (3GPP TS 23.040, 9.2.3.24.1, .8)."""

_NUMBER: Final = re.compile(r"[\s+(]*\d[\d\s().-]*")


class Digests:
    """Those under one key. `check` tells keys apart, and nothing else."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: of any length; only one that nobody can guess keeps anything."""
        self._key = blake2b(secret, person=b"smsgate audit").digest()
        self.check = self._of(b"check", "")[:8]

    @classmethod
    def of_file(cls, path: Path) -> Digests:
        """With the key in a file. Raises OSError."""
        return cls(path.read_bytes())

    def address(self, address: str) -> str:
        """Of a sender or recipient: a number in any spelling, or a name."""
        if _NUMBER.fullmatch(address):
            return self._of(b"number", canonical(address))
        return self._of(b"name", fold(address).replace(" ", ""))

    def words(self, words: str) -> str:
        """Of a folded text."""
        return self._of(b"text", words)

    def template(self, template: str) -> str:
        """Of what the messages of a campaign share (`text.fingerprint`)."""
        return self._of(b"template", template)

    def of_text(self, text: str) -> Iterator[str]:
        """All that a text may stand under: as a whole, and as the parts that a sender cuts a long one into."""
        yield self.words(fold(text))
        for chars in PART_CHARS:
            if len(text) > chars:
                yield from (self.words(fold(text[start : start + chars])) for start in range(0, len(text), chars))

    def _of(self, kind: bytes, value: str) -> str:
        octets = value.encode("utf-8", "surrogatepass")
        return blake2b(octets, key=self._key, digest_size=DIGEST_BYTES, person=kind).hexdigest()
