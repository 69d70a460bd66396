"""Where in which long message the text of a PDU stands, as its headers and TLVs say. What comes of that is `reassembly`'s."""

from __future__ import annotations

from typing import NamedTuple

from smsgate.smpp import udh
from smsgate.smpp.pdu import TextView


class Place(NamedTuple):
    """Where in which message a part stands; the first one is number 1."""

    reference: int
    total: int
    number: int


def may_be_part(view: TextView) -> bool:
    """False only when `places` finds none."""
    if view.plain:
        return False
    return view.udhi or view.sar is not None or len(view.bodies) > 1 or udh.suspected(view.bodies[0])


def places(view: TextView) -> list[Place]:
    """Where in which messages a PDU says that its text stands: mostly nowhere; in several when its headers disagree. Of two
    places in one message the header of the text counts, which is what the handset sees.

    What can't be (a total or number of 0, a number beyond the total) is no place, and one part of one is a whole message.
    A header counts even if the PDU does not announce it: not every SMSC heeds that.
    """
    found = [Place(*view.sar)] if view.sar is not None else []
    for body in view.bodies:
        header = udh.read(body) if view.udhi or udh.suspected(body) else None
        if header is not None and header.reference is not None:
            found.append(Place(header.reference, header.total, header.part))
    return list(
        {
            place.reference & 0xFF: place
            for place in found
            if 0 < place.number <= place.total and 1 < place.total <= udh.MAX_PARTS
        }.values()
    )
