"""A part of a long text between its neighbours: what can be said of it before the rest of the text is known.

A word or a link that touches text not yet known is *open*: `solde` may go on as `solder`, `compteformation.go` as
`compteformation.gouv.fr`. A window shows the part with so much of its neighbours that everything which its coming makes
certain stands inside, and nothing that is open:

- `words` has a blank at an end only where a word is known to end there, so the automaton finds whole words only;
- `settled` leaves out the last OPEN_TOKENS tokens before an unknown end, and tells which stretch was open until now.
  Stretches of successive windows do not overlap: each link of the whole text is new in one window only, in whatever order
  the parts come.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from smsgate.text.disguise import is_odd, may_be_disguised
from smsgate.text.normalize import fold, fold_part, glue
from smsgate.text.urls import may_hold_link, plain

OPEN_TOKENS: Final = 3
"""Blank-separated pieces of plain text that unknown text beside them may change: `shop . co` may go on as `shop . com`, which
is one host to a reader."""
EDGE_CHARS: Final = 512
"""How much of the neighbours is looked at on either side. Three full segments: longer than the links of genuine messages.
A link of which more than this stands before a border is read in two pieces there."""


class Neighbours(NamedTuple):
    """What is known on one side of a part: `words` and `text` next to it; `unknown` when the text goes on behind them with a
    part that has not come; `whole` when they reach to the end of the whole text."""

    words: str
    text: str
    unknown: bool
    whole: bool


END: Final = Neighbours("", "", unknown=False, whole=True)
UNKNOWN: Final = Neighbours("", "", unknown=True, whole=False)


class Window:
    """One part in one reading, between what is known on its left and on its right."""

    __slots__ = ("_left", "_right", "text", "words")

    def __init__(self, left: Neighbours, words: str, text: str, right: Neighbours) -> None:
        self._left = left
        self._right = right
        self.text = left.text + text + right.text
        joined = glue(glue(left.words, words), right.words)
        if _cuts_pair(left.text, text) or _cuts_pair(text, right.text):
            self.text = self.text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
            joined = fold_part(self.text, fold(self.text))
        if left.whole:
            joined = glue(" ", joined)
        if right.whole:
            joined = glue(joined, " ")
        self.words = joined

    def may_hold_link(self) -> bool:
        """False only when no link can be in the text."""
        return may_hold_link(self.text)

    def may_be_disguised(self) -> bool:
        """False only when no word in disguise can be in the text."""
        return is_odd(self.text) or may_be_disguised(self.words)

    def settled(self) -> tuple[str, int, int]:
        """The plain text in which nothing is open, and the offsets in it of the stretch that was open until this part came:
        a link is new when it ends behind the first and starts before the second."""
        text, left, right = plain(self.text), plain(self._left.text), plain(self._right.text)
        start = _open_from(left)
        end = len(text) - len(right) + _open_to(right)
        first = _open_to(text) if self._left.unknown else 0
        last = max(first, _open_from(text)) if self._right.unknown else len(text)
        return text[first:last], start - first, end - first


def _open_from(text: str) -> int:
    """Where the open end of a text begins whose continuation is not known."""
    pieces = text.rsplit(None, OPEN_TOKENS)
    start = len(pieces[0]) if len(pieces) > OPEN_TOKENS else 0
    return max(start, len(text) - EDGE_CHARS)


def _open_to(text: str) -> int:
    """Where the open beginning of a text ends when it is not known what stands before it."""
    pieces = text.split(None, OPEN_TOKENS)
    end = len(text) - len(pieces[-1]) if len(pieces) > OPEN_TOKENS else len(text)
    return min(end, EDGE_CHARS)


def _cuts_pair(text: str, following: str) -> bool:
    """Whether the border between two texts parts a UTF-16 surrogate pair, as senders do that count octets."""
    return "\ud800" <= text[-1:] <= "\udbff" and "\udc00" <= following[:1] <= "\udfff"
