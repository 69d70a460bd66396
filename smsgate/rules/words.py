"""Keywords and brand names to the entries of the automaton: every spelling that one is looked for in.

A keyword has one entry, folded: a whole word with its blanks, or the beginning of one. Where its pack says `typos: true` it has
one more for each slip inside a long word of it (`regularistion`), and so has a brand's name always (`asurance maladie`); a name
is also looked for as an acronym (C.P.F, D I F) and in one word. The slips are entries, not a second search: a text is passed
over once. The shipped packs have 82,000 entries, 20 MB, instead of 6,500, and a pass takes a tenth longer.
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
"""Words from this length on may also be found with one slip: a slip makes another word of a shorter one."""


def keyword_entries(keyword: str, *, typos: bool = False) -> set[str]:
    """The entries of a keyword. Raises ValueError, saying what was expected, if it cannot be looked for."""
    bare = keyword.removesuffix("*")
    entry = fold(bare)
    if not entry.strip() or "*" in keyword[:-1]:
        raise ValueError("letters or digits, with a * at the end at most")
    end = " "
    if keyword.endswith("*"):
        end = ""
        if len(entry.strip()) < MIN_PREFIX_LETTERS:
            raise ValueError(f"at least {MIN_PREFIX_LETTERS} letters before the *")
    words = entry.split()
    # Greek and Cyrillic letters imitate Latin ones by their case: η is an n, Η an h.
    entries = {f" {fold(form).strip()}{end}" for form in (bare, bare.upper(), bare.capitalize())}
    for place, word in enumerate(words) if typos else ():
        if len(word) >= MIN_SLIP_LETTERS and word.isalpha():
            entries.update(f" {' '.join((*words[:place], slip, *words[place + 1 :]))}{end}" for slip in slips(word))
    return entries


def name_entries(name: str) -> set[str]:
    """The entries of a brand's name. Raises ValueError as `keyword_entries` does."""
    entries = keyword_entries(name, typos=True)
    if name.isupper() and name.isalpha() and len(name) <= MAX_ACRONYM_LETTERS:
        entries.add(f" {' '.join(name.lower())} ")
    words = fold(name).split()
    if max(map(len, words)) >= MIN_SLIP_LETTERS and not name.endswith("*"):
        entries.add(f" {''.join(words)} ")
    return entries


def slips(word: str) -> Iterator[str]:
    """The word with one letter lost, doubled, or swapped with the next; its first and last stay."""
    for i in range(1, len(word) - 1):
        yield word[:i] + word[i + 1 :]
        yield word[:i] + word[i] + word[i:]
        if i < len(word) - 2:
            yield word[:i] + word[i + 1] + word[i] + word[i + 2 :]
