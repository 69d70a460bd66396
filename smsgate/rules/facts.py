"""What can be true of a message, as bits of one integer; and what is gathered of them.

The bits below are the same in every rule set; those of keyword sets, brands, lists and comparisons are given out by
`rules.tables`. `rules.engine` sets them, the tests of `rules.masks` ask for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from smsgate.rules.brands import HOST_FACTS
from smsgate.rules.numbers import NUMBER_FACTS
from smsgate.rules.senders import SENDER_FACTS
from smsgate.text.disguise import TWO_SINGLES
from smsgate.text.urls import WRITTEN_DOTS, Link

LINK: Final = 1 << 0
FOREIGN_LINK: Final = 1 << 1
MIXED_SCRIPT: Final = 1 << 2
HIDDEN_CHARACTERS: Final = 1 << 3
AMBIGUOUS_BODY: Final = 1 << 4
"""Of the carrier, not of a text: several bodies, octets that nobody claims, or a length that lies."""
FACTS: Final = {
    "link": LINK,
    "foreign_link": FOREIGN_LINK,
    "mixed_script": MIXED_SCRIPT,
    "hidden_characters": HIDDEN_CHARACTERS,
    "ambiguous_body": AMBIGUOUS_BODY,
    **NUMBER_FACTS,
    **HOST_FACTS,
    **SENDER_FACTS,
}
"""The bits of `condition.FACTS`; all others are given out by `rules.tables`."""
WRITTEN_DOT: Final = 1 << 5
SECOND_LOOK: Final = 1 << 6
SINGLES: Final = 1 << 13
"""No facts. In this order: a link may be there that `may_hold_link` does not know of; words in disguise may be (a window says so,
and those after it look too: a word may be open until then); letters may be spaced out."""
MARKS: Final = {**dict.fromkeys(WRITTEN_DOTS, WRITTEN_DOT), **dict.fromkeys(TWO_SINGLES, SINGLES)}
"""What is looked for in folded words beside keywords, with the bits that it sets."""

Test = Callable[[int, int], bool]
"""Whether a condition holds, given the facts it may rest on and those that may excuse from it: what stands under `not` is looked
up among the latter. They are the same unless parts of the message are missing."""


Facts = tuple[int, tuple[Link, ...]]
"""What is true of one reading: the bits, and the links read. Made once a message: a class of its own would take 0.1 µs."""


class Evidence(NamedTuple):
    """What the parts of a message that have come make certain, in one reading. `bits`: facts of the text; `excuses`: those of
    parts that every handset shows. `official`: brands that all links so far belong to; `links`: how many there are.
    `names`: brands and excusing words seen, be it in what may turn out to be a link."""

    bits: int = 0
    excuses: int = 0
    official: int = -1
    links: int = 0
    names: int = 0
