"""Keywords and brand names to the entries of the automaton: every spelling that one is looked for in.

A keyword has one entry, folded: a whole word with its blanks, or the beginning of one. A brand's name has some more: spelt as
an acronym (C.P.F, D I F), written in one word, or with one slip inside a long word of it (`asurance maladie`, `collissimo`). The
slips are entries, not a second search, so a text is still passed over once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smsgate.text.normalize import fold

MAX_ACRONYM_LETTERS: Final = 5
"""Names in capitals up to this length are also found dotted or spaced: C.P.F, D. I. F."""
MIN_PREFIX_LETTERS: Final = 3
"""A shorter prefix keyword would hit every second message."""
MIN_SLIP_LETTERS: Final = 7
"""Words of a name from this length on are also found with one slip: a slip makes another word of a shorter one."""


def keyword_entry(keyword: str) -> str:
    """The entry of a keyword. Raises ValueError, saying what was expected, if it cannot be looked for."""
    word = fold(keyword.removesuffix("*"))
    if not word.strip() or "*" in keyword[:-1]:
        raise ValueError("letters or digits, with a * at the end at most")
    if not keyword.endswith("*"):
        return word
    if len(word.strip()) < MIN_PREFIX_LETTERS:
        raise ValueError(f"at least {MIN_PREFIX_LETTERS} letters before the *")
    return word[:-1]


def name_entries(name: str) -> set[str]:
    """The entries of a brand's name. Raises ValueError as `keyword_entry` does."""
    entry = keyword_entry(name)
    entries = {entry}
    if name.isupper() and name.isalpha() and len(name) <= MAX_ACRONYM_LETTERS:
        entries.add(f" {' '.join(name.lower())} ")
    if name.endswith("*"):
        return entries
    words = entry.split()
    if max(map(len, words)) >= MIN_SLIP_LETTERS:
        entries.add(f" {''.join(words)} ")
    for place, word in enumerate(words):
        if len(word) >= MIN_SLIP_LETTERS and word.isalpha():
            entries.update(f" {' '.join((*words[:place], slip, *words[place + 1 :]))} " for slip in _slips(word))
    return entries


def _slips(word: str) -> Iterator[str]:
    """The word with one letter lost, doubled, or swapped with the next; its first and last stay."""
    for i in range(1, len(word) - 1):
        yield word[:i] + word[i + 1 :]
        yield word[:i] + word[i] + word[i:]
        if i < len(word) - 2:
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
