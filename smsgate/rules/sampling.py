"""Which of a rule's hits it acts on where its mode is `sample N%`.

A keyed hash of the content and the rule's id decides, so a sender who tries again meets the same answer, in every worker; nobody
who does not have the key can choose a text that is let off. The content is what a handset shows, folded, whatever it was encoded
in; of a message in parts, which is judged before it is known whole, it is who writes to whom.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_DIGEST_OCTETS: Final = 8


def drawn(key: bytes, rule: str, content: str, share: float) -> bool:
    """Whether this content is in the rule's sample of `share` (0 to 1). `key`: 64 octets at most."""
    octets = f"{rule}\0{content}".encode("utf-8", "surrogatepass")
    hashed = blake2b(octets, key=key, person=b"sample", digest_size=_DIGEST_OCTETS)
    return int.from_bytes(hashed.digest(), "big") < int(share * 256**_DIGEST_OCTETS)
