"""Folding: many ways to write a word, one way to compare it.

The folded view of a text is lower-case letters and digits in words parted by exactly one blank, with a blank at both ends:

    "URGENT : Crit'Air, échéance le 12/03 !"   ->   " urgent crit air echeance le 12 03 "

so that a keyword stored as " echeance " is found as a whole word, and " expir" as a prefix, by the automaton alone: no hit
needs its borders checked afterwards. Accents go, full-width and mathematical letters become plain ones, look-alikes become
the Latin letter they imitate (`lookalikes`), invisible characters vanish, other letters stay. Digits stay digits: amounts
and codes are what they are; words that hide in them are the matter of `disguise`.

Folding is a function of one character at a time (`fold_char`) and of the collapse of blanks, hence `bytes.translate`
serves for every 8-bit alphabet (`OctetFolding`), and `fold_with_offsets` can lead every folded character back to the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Final

from smsgate.text.lookalikes import lookalike

INVISIBLE_CATEGORIES: Final = frozenset({"Cf", "Mn", "Me"})
"""Format characters (zero width, bidi, tags) and combining marks: no room of their own on a handset's line."""
INVISIBLE_EXTRA: Final = frozenset("\x00\u115f\u1160\u3164\uffa0")
"""NUL, and the Hangul fillers: letters by category, blank by sight."""

APOSTROPHES: Final = frozenset("\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u07f4\u07f5\ua78b\ua78c")
"""Letters by category, apostrophes by sight: they part words as an apostrophe does."""

MAX_REMEMBERED: Final = 20_000
"""Characters per table, 3 MB; real traffic shows a few hundred. All of Unicode would take 120 MB."""


def fold_char(char: str) -> str:
    """What one character becomes: folded letters or digits, a blank for what parts words, nothing for the invisible."""
    if _is_invisible(char):
        return ""
    known = lookalike(char)
    if known is not None:
        return known
    folded = []
    for part in unicodedata.normalize("NFKD", char):
        if _is_invisible(part):
            continue
        if unicodedata.category(part)[0] not in "LN" or part in APOSTROPHES:
            folded.append(" ")
            continue
        folded += [lookalike(letter) or letter for letter in (lookalike(part) or part.casefold())]
    return "".join(folded)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in INVISIBLE_CATEGORIES or char in INVISIBLE_EXTRA


class CharacterTable(dict[int, str]):
    """A table for `str.translate` that learns what a function makes of a character when it first meets it: a memo of the
    first MAX_REMEMBERED characters, so that a flood of rare ones costs time and no memory."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, code: int) -> str:
        made = self._function(chr(code))
        if len(self) < MAX_REMEMBERED:
            self[code] = made
        return made


_FOLD: Final = CharacterTable(fold_char)


class OctetFolding:
    """Folding of octets under an alphabet of one octet a character: 0.6 µs on 100 of them, where `str.translate` takes 3."""

    __slots__ = ("_deleted", "_many", "_table")

    def __init__(self, alphabet: str) -> None:
        folded = [fold_char(char) for char in alphabet]
        self._deleted = bytes(code for code, char in enumerate(folded) if not char)
        # Some fold to two letters (œ, ™) or to none of Latin-1, and no table of octets can say that.
        self._many = bytes(code for code, char in enumerate(folded) if len(char) > 1 or char > "\xff")
        self._table = bytes(ord(char) if len(char) == 1 and char <= "\xff" else 0x20 for char in folded)

    def fold(self, octets: bytes, suspects: bytes) -> str | None:
        """The folded view of the text that the octets are; None where one of them folds to more than an octet, and only the
        characters themselves can be folded. `suspects`: those of the octets that may; ASCII's letters don't."""
        if suspects and len(suspects.translate(None, self._many)) != len(suspects):
            return None
        return collapse(octets.translate(self._table, self._deleted).decode("latin-1"))


_LATIN_1: Final = OctetFolding("".join(map(chr, range(0x100))))


BEYOND_LATIN_1: Final = re.compile("[^\0-\xff]")
MAX_REPLACED: Final = 16
"""Characters beyond Latin-1 in a text that is read as Latin-1 without them: quotes and emoji, no other script. To look up every
character of a text takes 5 µs."""


def fold(text: str) -> str:
    """The folded view of a text (see the head of this module): 0.8 µs on 100 characters of Latin-1, 2 with a few others."""
    octets = text.encode("latin-1", "ignore")
    if 0 < len(text) - len(octets) <= MAX_REPLACED:
        for char in set(BEYOND_LATIN_1.findall(text)):
            text = text.replace(char, _FOLD[ord(char)])
        octets = text.encode("latin-1", "ignore")
    folded = _LATIN_1.fold(octets, b"" if text.isascii() else octets) if len(octets) == len(text) else None
    return collapse(text.translate(_FOLD)) if folded is None else folded


def collapse(folded: str) -> str:
    """One blank between words and at both ends; two where there are no words.

    Two passes are enough for runs of four blanks, which is what texts have: 0.3 µs on 100 characters, where `split` and `join`
    take 0.5. Each further one halves what is left.
    """
    words = f" {folded} ".replace("   ", " ").replace("  ", " ")
    while "  " in words:
        words = words.replace("  ", " ")
    return words if len(words) > 1 else "  "


def fold_part(text: str, words: str) -> str:
    """The folded view of a text that is cut out of a longer one: `words` (its own folded view) with a blank at an end only
    where the text has one, so that what is glued together here is glued as the whole would be."""
    first = _first_visible(text)
    if words.isspace():
        return " " if first else ""
    start = 0 if first.startswith(" ") else 1
    return words[start:] if _first_visible(reversed(text)).endswith(" ") else words[start:-1]


def _first_visible(text: Iterable[str]) -> str:
    """What the first character that is not invisible folds to."""
    for char in text:
        folded = _FOLD[ord(char)]
        if folded:
            return folded
    return ""


def glue(folded: str, following: str) -> str:
    """The folded view of two neighbouring parts together."""
    return folded + following[1:] if folded.endswith(" ") and following.startswith(" ") else folded + following


def fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """The folded view, and for each of its characters the index in `text` it comes from. For `explain`: slow and plain."""
    folded = [" "]
    offsets = [0]
    for index, char in enumerate(text):
        for part in fold_char(char):
            if part.isspace():
                part = " "  # noqa: PLW2901
                if folded[-1] == " ":
                    continue
            folded.append(part)
            offsets.append(index)
    if folded[-1] != " " or len(folded) == 1:  # no words: two blanks, as `collapse` has it
        folded.append(" ")
        offsets.append(len(text))
    return "".join(folded), offsets
