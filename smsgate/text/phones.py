"""Phone numbers as people and fraudsters write them: spaced, dotted, in brackets, with an O for a zero, with +33 or 0033.

`phone_numbers` reads the folded view of a text (`text.normalize`), where every sign between digits is one blank already. It
knows the shapes of French, British, North American and other ten-digit mobile numbers; an amount, a date or a parcel number
beside them is none. It costs some microseconds, so whoever calls it has a reason to ask.
"""

from __future__ import annotations

import re
from typing import Final

MAX_NUMBERS: Final = 16
"""Numbers read from one text: more is a directory, and what follows changes nothing."""

_DIGITS_WITH_LETTERS: Final = re.compile(r" (?=[0-9ol])(?![0-9]+ )(?:[0-9ol]*[0-9][0-9ol]*|oo)(?= )")
"""This and the next begin with a blank and look one character ahead: 2 µs on 100 characters, without that 6."""
_LETTERS_AS_DIGITS: Final = str.maketrans("ol", "01")
_NUMBER: Final = re.compile(
    r"""\ (?=[0-9])(?:
        (?P<fr>
            (?:00\ ?)? 33\ ?(?:0\ ?)? [1-9](?:\d{6,8}|(?:\ \d\d){4})
          | 0[1-9](?:\d{8}|(?:\ \d\d){4}|\ \d{4}\ \d{4}|\d\d(?:\ \d\d){3}|\d\d\ \d{3}\ \d{3})
          | 0\ [1-9]\d\d(?:(?:\ \d\d){3}|(?:\ \d{3}){2})
        )
      | (?P<gb>
            (?:00\ ?)? 44\ ?(?:0\ ?)? [1-9](?:\d{9}|\d{3}\ \d{6}|\d{2,3}\ \d{3}\ \d{3,4})
          | 0(?:[1-9]\d{9}|[1-9]\d{3}\ \d{6}|[1-9]\d{2}\ \d{3}\ \d{4}|[1-9]\d{3}\ \d{3}\ \d{3}|2\d\ \d{4}\ \d{4})
        )
      | (?P<us> (?:1\ ?)? (?:[2-9]\d{9}|[2-9]\d\d\ [2-9]\d\d\ ?\d{4}) )
      | (?P<other> 00[1-9]\d{7,13} | (?:9[0-9]|2[0-9]{2})\d{9,10} )
    )(?=\ )""",
    re.VERBOSE,
)
_COUNTRY: Final = {"fr": "33", "gb": "44", "us": "1", "other": ""}
_PREMIUM: Final = ("3389", "449", "44871", "44872", "44873", "44844", "44870", "1900")
"""France: 0890 to 0899. Britain: 09, and the 084 and 087 that are charged like it. North America: 900."""
_MOBILE: Final = ("336", "337", "447")


def phone_numbers(words: str) -> list[str]:
    """The numbers in a folded text, in order: digits with the country code, without `+`; at most MAX_NUMBERS."""
    return [number for number, _, _ in located_numbers(words)]


def located_numbers(words: str) -> list[tuple[str, int, int]]:
    """`phone_numbers`, each with where in the folded text it begins and ends."""
    found: list[tuple[str, int, int]] = []
    for match in _NUMBER.finditer(_DIGITS_WITH_LETTERS.sub(_as_digits, words)):
        country = _COUNTRY[match.lastgroup or "other"]
        digits = match[0].replace(" ", "").removeprefix("00")
        found.append((country + digits.removeprefix(country).removeprefix("0"), match.start() + 1, match.end()))
        if len(found) == MAX_NUMBERS:
            break
    return found


def _as_digits(word: re.Match[str]) -> str:
    return word[0].translate(_LETTERS_AS_DIGITS)


def canonical(number: str) -> str:
    """A number as `phone_numbers` gives it; short ones (3646) and those of no known shape as their digits."""
    parted = re.sub(r"\D+", " ", number).strip()
    digits = parted.replace(" ", "")
    return next(iter(phone_numbers(f" {parted} ") or phone_numbers(f" {digits} ")), digits)


def is_premium(number: str) -> bool:
    """Whether calling it costs more than a call."""
    return number.startswith(_PREMIUM)


def is_mobile(number: str) -> bool:
    """Whether it is a French or British mobile number."""
    return number.startswith(_MOBILE)
