"""One plausible way to read a body: its folded words, and its text for those who need it.

A body has several readings when it is uncertain which alphabet a handset will use; each is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smsgate.text.disguise import (
    DOUBTFUL,
    is_odd,
    is_usual,
    kind,
    kinds,
    may_be_altered,
    may_be_cut_by_emoji,
    spells_with_digits,
)
from smsgate.text.normalize import BEYOND_LATIN_1, MAX_REPLACED, CharacterTable, collapse, fold, fold_char
from smsgate.text.urls import is_common, may_hold_common_link, may_hold_link, plain


class Reading:
    """`alphabet`: its name. `words`: the folded view. `may_hold_link`: False only when no link can be in the text. `odd`:
    whether a character calls for a second look (`disguise.is_odd`), or a digit that stands for a letter (`spells_with_digits`).

    The text is decoded on first use: most messages are judged by their words alone.
    """

    __slots__ = ("_body", "_decode", "_plain", "_text", "alphabet", "may_hold_link", "odd", "words")

    def __init__(  # noqa: PLR0917  # made once a message: keywords would cost more than they tell
        self, alphabet: str, words: str, may_hold_link: bool, odd: bool, body: bytes, decode: Callable[[bytes], str]
    ) -> None:
        self.alphabet = alphabet
        self.words = words
        self.may_hold_link = may_hold_link
        self.odd = odd
        self._body = body
        self._decode = decode
        self._text: str | None = None
        self._plain: str | None = None

    @classmethod
    def of_text(cls, text: str, alphabet: str = "text") -> Reading:
        """The one reading of characters that are already known."""
        octets = text.encode("latin-1", "ignore")
        signs = len(text) - len(octets)
        if 0 < signs <= MAX_REPLACED and not "".join(BEYOND_LATIN_1.findall(text)).translate(_UNCOMMON):
            octets = text.encode("latin-1", "replace")  # with "?", which parts words as they do
        if len(octets) == len(text):
            shape = octets.translate(_LATIN_1.shapes).decode()
            if DOUBTFUL not in shape:
                reading = _LATIN_1.reading(alphabet, octets, shape, text, lambda _: text)
                reading.odd = reading.odd or (signs > 0 and may_be_cut_by_emoji(text))
                return reading
        words = fold(text)
        odd = is_odd(text) or spells_with_digits(kinds(words))
        return cls(alphabet, words, may_hold_link(text), odd, b"", lambda _: text)

    @property
    def text(self) -> str:
        """The characters of the body under this alphabet."""
        if self._text is None:
            self._text = self._decode(self._body)
        return self._text

    def plain(self, *, written_dots: bool = True) -> str:
        """The text as links are read in it (`urls.plain`): made once, for rules and limits, in 1.2 µs. `written_dots`, if it is
        False, must be true of the text: all later calls get what the first has made."""
        if self._plain is None:
            self._plain = plain(self.text, written_dots=written_dots)
        return self._plain


class CommonOctets:
    """How texts are read whose characters are octets, and common ones: each folds to one character and by itself is neither odd
    nor part of a link in disguise. Tables tell that, and half of the questions need not be asked.

    `shapes` is the table of the octets' kinds, as `disguise.kind` has them: DOUBTFUL where the character is not common.
    """

    __slots__ = ("_folded", "shapes")

    def __init__(self, characters: str) -> None:
        folded = [fold_char(char) for char in characters]
        self._folded = bytes(ord(char) if len(char) == 1 and char.isascii() else 0x20 for char in folded)
        self.shapes = bytes(
            ord(kind(folded[code]) if folded[code].isascii() and is_usual(char) and is_common(chr(code)) else DOUBTFUL)
            for code, char in enumerate(characters)
        )

    def reading(self, alphabet: str, octets: bytes, shape: str, shown: str, decode: Callable[[bytes], str]) -> Reading:
        """The reading of octets whose `shape` has nothing DOUBTFUL in it; `shown` are the octets as Latin-1."""
        words = collapse(octets.translate(self._folded).decode())
        odd = may_be_altered(shown) or spells_with_digits(shape, " ")
        return Reading(alphabet, words, may_hold_common_link(shown), odd, octets, decode)


_LATIN_1: Final = CommonOctets("".join(map(chr, range(0x100))))


def _uncommon(char: str) -> str:
    """Nothing for a common character that parts words: quotes, dashes, emoji."""
    return "" if fold_char(char) == " " and is_usual(char) and is_common(char) else char


_UNCOMMON: Final = CharacterTable(_uncommon)
