"""What the sample traffic lacks, for a run that is watched: a campaign that rotates its senders, long messages, silent peers.

Texts are invented; none but the pack that `observed` adds stops those of the rotation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from smsgate.cli.sender import ASCII, Sender, submit_sm
from smsgate.settings import Address

UDHI: Final = 0x40
FINAL_RECEIPT: Final = 1
"""registered_delivery: the outcome is asked for."""
SENDERS: Final = 50
"""Of the campaign: more than the shipped limits on rotation allow, 20."""
WHOLE: Final = 0.7
"""Share of long messages whose second part comes."""
ROTATION: Final = "Bonjour, les photos de samedi sont en ligne : https://album-du-lac.example/9"
DROPPED: Final = "Zorbling : gagnez le gros lot, https://zorbling.example"
LONG: Final = (
    (
        "Bonjour, la livraison de vos chaises est pour demain. ",
        "Le camion passe le matin, merci de nous laisser entrer.",
    ),
    ("Vos droits CPF expirent ce soir. ", "Votre solde de 1 200 euros attend sur https://mes-acquis.example/r"),
)


@dataclass
class Campaign(Sender):
    """`rotating`: the share of messages from ever new senders."""

    rotating: float = 0.0
    _rests: list[bytes] = field(default_factory=list)
    _long: int = 0

    def next_body(self) -> bytes:
        """See `Sender`."""
        kind = self.chance.random()
        if kind < self.rotating:
            return submit_sm(f"336399800{self.chance.randrange(SENDERS):02}", ROTATION.encode(), ASCII)
        if self._rests:
            return self._rests.pop()
        if kind > 0.8:
            return self._first_part()
        if kind > 0.7:
            return submit_sm("36180", DROPPED.encode(), ASCII, registered=FINAL_RECEIPT)
        return super().next_body()

    def _first_part(self) -> bytes:
        self._long = (self._long + 1) % 256
        first, second = (
            submit_sm("36181", bytes((5, 0, 3, self._long, 2, number)) + part.encode(), ASCII, esm_class=UDHI)
            for number, part in enumerate(self.chance.choice(LONG), 1)
        )
        if self.chance.random() < WHOLE:
            self._rests.append(second)
        return first


async def silent(gate: Address) -> None:
    """Connect and never bind, again and again, until cancelled."""
    while True:
        reader, writer = await asyncio.open_connection(gate.host, gate.port)
        try:
            await reader.read()
        finally:
            writer.close()
