"""The known word that somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

MIN_LIKENESS: Final = 0.7
"""Of a suggestion, as difflib measures it: at its default of 0.6 it takes "recipient" for "client"."""
SHORT_LETTERS: Final = 4
MIN_SHORT_LIKENESS: Final = 0.6
"""One wrong letter makes much of a short word."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be: one of the same letters, else a like one; '' when none is near.
    Case does not count."""
    folded = word.casefold()
    by_folded = {candidate.casefold(): candidate for candidate in known}
    swapped = (candidate for candidate in by_folded if sorted(candidate) == sorted(folded))
    cutoff = MIN_LIKENESS if len(word) > SHORT_LETTERS else MIN_SHORT_LIKENESS
    close = next(swapped, "") or next(iter(get_close_matches(folded, by_folded, n=1, cutoff=cutoff)), "")
    return by_folded[close] if close else ""
