"""GSM-7 as a handset packs it, septet by septet: slow, plain, and not the gate's own way."""

from __future__ import annotations


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """The septets one behind the other, each from its lowest bit, behind `fill_bits` zeros; zeros fill the last octet."""
    bits = [0] * fill_bits + [septet >> place & 1 for septet in septets for place in range(7)]
    bits += [0] * (-len(bits) % 8)
    return bytes(
        sum(bit << place for place, bit in enumerate(bits[start : start + 8])) for start in range(0, len(bits), 8)
    )
