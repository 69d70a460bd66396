"""Which letter a character imitates: `lookalike`, a function of one character.

Three sources, the first that knows the character wins: our own short list, Unicode's names (`LATIN SMALL LETTER L WITH
STROKE`, `NEGATIVE SQUARED LATIN CAPITAL LETTER A` say themselves which letter they are), and Unicode's table of
confusable characters (UTS 39, 4) as the package `confusable-homoglyphs` bundles it. What that table says is narrowed:

- Letters for letters only. Digits and symbols keep their meaning: `×` and `∞` are no letters in an honest text, and
  `З` read as 3 would make numbers of words.
- No letters of scripts written from right to left: inside a Latin word a handset would not show them in their place.
- A letter's other case imitates the same, since a keyword must be found however it is written: `к` as `К`.
- A capital that looks like `I` or `l` is an i: Unicode's table takes the two for one, and so many words would be missed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from confusable_homoglyphs.utils import load

_OWN: Final = {
    # Greek: capitals of GSM 03.38 that stand for letters they only resemble, small letters unlike their capitals
    **dict(zip("ΔΛΣΓΞΘΦΩΠΨημως", "aaereooonynuwc", strict=True)),
    # Cyrillic
    **dict(zip("ҒғЄєӏ", "ffeel", strict=True)),
    # Latin letters whose names do not say it; one letter each, so that byte tables agree with `fold`
    **dict(zip("æÆßþÞðÐſɛƐəƏǝƎŋŊʉɄɵȷ", "aabppddseeeeeennuuoj", strict=True)),
    "œ": "oe",
    "Œ": "oe",
    # Fractions would decompose to two numbers
    "¼": " ",
    "½": " ",
    "¾": " ",
}
"""What the other two do not know, or say otherwise than it is met in scams."""

_LATIN_NAME: Final = re.compile(
    r"(?:[A-Z]+ )*?LATIN (?:(?:SMALL|CAPITAL) LETTER|LETTER SMALL CAPITAL) (?P<letter>[A-Z])(?: WITH .+)?"
)
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


def _confusables() -> dict[str, str]:
    """The characters that Unicode's table gives to one Latin letter. Only they are kept: the whole table takes 10 MB."""
    table: dict[str, str] = {}
    for char, glyphs in load("confusables.json").items():
        if len(char) != 1 or char.isascii() or unicodedata.category(char)[0] != "L":
            continue
        if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT:
            continue
        for glyph in glyphs:
            letter = glyph["c"]
            if letter == "l" and not char.islower():
                table[char] = "i"
            elif len(letter) == 1 and letter.isascii() and letter.isalpha():
                table[char] = letter.lower()
    for char, letter in list(table.items()):
        table.setdefault(char.swapcase(), letter)
    return table


_CONFUSABLES: Final = _confusables()


def lookalike(char: str) -> str | None:
    """The small Latin letter (two for `œ`) that a character is or imitates; None when it imitates none."""
    known = _OWN.get(char)
    if known is not None:
        return known
    named = _LATIN_NAME.fullmatch(unicodedata.name(char, ""))
    return named["letter"].lower() if named else _CONFUSABLES.get(char)


def imitators() -> str:
    """The letters of other scripts that imitate Latin ones, without compatibility forms of Latin letters."""
    known = (*_OWN, *_CONFUSABLES)
    return "".join(
        char for char in known if "LATIN" not in unicodedata.name(char) and not unicodedata.decomposition(char)
    )
