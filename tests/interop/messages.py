"""What the stacks send, one text for each alphabet, with the octets that a correct stack makes of it.

Each text has a scam beside it in the same alphabet, so that a test sees the gate read what the stack wrote, not only
pass it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SENDER: Final = "38100"
RECIPIENT: Final = "33639980001"
BLOCKED: Final = 0x66
"""ESME_RX_R_APPN, what the shipped rules answer the scams with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A genuine text, its octets in the alphabet that it is there for, and a scam in the same alphabet."""

    name: str
    text: str
    octets: bytes
    scam: str


GSM: Final = Sample(
    "gsm7",
    "Tarif du café : {12€} [a|b] ~\\^ à 14h",
    b"Tarif du caf\x05 : \x1b(12\x1be\x1b) \x1b<a\x1b@b\x1b> \x1b=\x1b/\x1b\x14 \x7f 14h",
    "Votre solde {C.P.F} de 900€ va expirer à minuit, voir https://cpf-droits.example/x",
)
LATIN: Final = Sample(
    "latin1",
    "Votre hôtel vous reçoit dès 15h, à bientôt",
    b"Votre h\xf4tel vous re\xe7oit d\xe8s 15h, \xe0 bient\xf4t",
    "Bientôt trop tard : votre solde CPF reçu va expirer, voir https://cpf-droits.example/x",
)
EMOJI: Final = Sample(
    "ucs2",
    "Le café est prêt 😀",
    b"\0L\0e\0 \0c\0a\0f\0\xe9\0 \0e\0s\0t\0 \0p\0r\0\xea\0t\0 \xd8\x3d\xde\x00",
    "😀 Votre solde CPF va expirer, voir https://cpf-droits.example/x",
)
ALPHABETS: Final = (GSM, LATIN, EMOJI)
LONG: Final = "Bonjour, voici le programme de la semaine. " + " ".join(
    f"Le {day} a {day % 12 + 8}h : atelier numero {day}." for day in range(1, 13)
)
"""Three segments of GSM-7, ASCII letters only."""
SCAM: Final = GSM.scam
