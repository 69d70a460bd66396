"""One plausible way to read a body: its folded words, and its text for those who need it.

A body has several readings when it is uncertain which alphabet a handset will use; each is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from smsgate.text.disguise import is_odd
from smsgate.text.normalize import fold
from smsgate.text.urls import may_hold_link


class Reading:
    """`alphabet`: its name. `words`: the folded view. `may_hold_link`: False only when no link can be in the text. `odd`:
    whether some character calls for a second look (`disguise.is_odd`).

    The text is decoded on first use: most messages are judged by their words alone.
    """

    __slots__ = ("_body", "_decode", "_text", "alphabet", "may_hold_link", "odd", "words")

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

    @classmethod
    def of_text(cls, text: str, alphabet: str = "text") -> Reading:
        """The one reading of characters that are already known."""
        return cls(alphabet, fold(text), may_hold_link(text), is_odd(text), b"", lambda _: text)

    @property
    def text(self) -> str:
        """The characters of the body under this alphabet."""
        if self._text is None:
            self._text = self._decode(self._body)
        return self._text
