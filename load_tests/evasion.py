"""Disguises that a recipient still reads: each takes a text and gives it back disguised, the same way every time.

Words are disguised outside of links, except by those that are about the link. A word of fewer letters than `MIN_LETTERS` is left
alone, as fraudsters leave it: it is the telling words that they hide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from smsgate.text.urls import links, plain

MIN_LETTERS: Final = 4
LONG_WORDS: Final = 3
"""Words of a text that are spaced or misspelt: more would no longer be read at a glance."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_CYRILLIC: Final = str.maketrans("aceiopxyACEHKMOPTX", "асеіорхуАСЕНКМОРТХ")
_GSM: Final = str.maketrans("AEOaoils", "ΛΣØàøìl$")
_LEET: Final = str.maketrans("aeiostAEIOST", "431057431057")
_FULLWIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_MATHEMATICAL: Final = {
    **{ord("a") + index: 0x1D41A + index for index in range(26)},
    **{ord("A") + index: 0x1D400 + index for index in range(26)},
}
_ZERO_WIDTH: Final = "\u200b"
_SOFT_HYPHEN: Final = "\u00ad"


def _words(text: str, change: Callable[[str], str], *, least: int = MIN_LETTERS, most: int | None = None) -> str:
    """The text with its words changed, links left as they are; with `most`, only the longest ones."""
    text = plain(text)
    spans = [(link.start, link.end) for link in links(text)]
    found = [
        match
        for match in _WORD.finditer(text)
        if len(match[0]) >= least and not any(start <= match.start() < end for start, end in spans)
    ]
    if most is not None:
        found = sorted(sorted(found, key=lambda match: (-len(match[0]), match.start()))[:most], key=re.Match.start)
    pieces = []
    position = 0
    for match in found:
        pieces += [text[position : match.start()], change(match[0])]
        position = match.end()
    return "".join([*pieces, text[position:]])


def _link(text: str, change: Callable[[str, str, str], str]) -> str:
    """The text with each link changed: what stands before its host, the host, what follows."""
    text = plain(text)
    pieces = []
    position = 0
    for link in links(text):
        if link.start < position:
            continue  # nested in the one before
        before, host, after = (
            text[link.start : link.host_start],
            text[link.host_start : link.host_end],
            text[link.host_end : link.end],
        )
        pieces += [text[position : link.start], change(before, host, after)]
        position = link.end
    return "".join([*pieces, text[position:]])


def _without_accents(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _lost(word: str) -> str:
    middle = len(word) // 2
    return word[:middle] + word[middle + 1 :]


def _doubled(word: str) -> str:
    middle = len(word) // 2
    return word[:middle] + word[middle] + word[middle:]


def _swapped(word: str) -> str:
    middle = len(word) // 2
    return word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]


def _cut_by(sign: str) -> Callable[[str], str]:
    return lambda word: word[: len(word) // 2] + sign + word[len(word) // 2 :]


def _last_dot(host: str, dot: str) -> str:
    head, found, tail = host.rpartition(".")
    return head + dot + tail if found else host


TRICKS: Final[dict[str, Callable[[str], str]]] = {
    "capitals": str.upper,
    "without accents": _without_accents,
    "typographic apostrophes": lambda text: text.replace("'", "\u2019"),
    "Cyrillic look-alikes": lambda text: _words(text, lambda word: word.translate(_CYRILLIC)),
    "GSM-7 look-alikes": lambda text: _words(text, lambda word: word.translate(_GSM)),
    "full-width letters": lambda text: _words(text, lambda word: word.translate(_FULLWIDTH)),
    "mathematical letters": lambda text: _words(text, lambda word: word.translate(_MATHEMATICAL)),
    "leet": lambda text: _words(text, lambda word: word.translate(_LEET), least=5),
    "three words spaced": lambda text: _words(text, " ".join, most=LONG_WORDS),
    "three words dotted": lambda text: _words(text, ".".join, most=LONG_WORDS),
    "zero-width space in each word": lambda text: _words(text, lambda word: word[:2] + _ZERO_WIDTH + word[2:]),
    "soft hyphen in each word": lambda text: _words(text, lambda word: word[:2] + _SOFT_HYPHEN + word[2:]),
    "three words cut by a star": lambda text: _words(text, _cut_by("*"), least=6, most=LONG_WORDS),
    "three words cut by an emoji": lambda text: _words(text, _cut_by("\U0001f4e6"), least=6, most=LONG_WORDS),
    "three words cut by a line break": lambda text: _words(text, _cut_by("\n"), least=6, most=LONG_WORDS),
    "a capital I for each small l": lambda text: _words(text, lambda word: word.replace("l", "I")),
    "capitals and Cyrillic look-alikes": lambda text: _words(text.upper(), lambda word: word.translate(_CYRILLIC)),
    "three words lack a letter": lambda text: _words(text, _lost, least=6, most=LONG_WORDS),
    "three words with a letter doubled": lambda text: _words(text, _doubled, least=6, most=LONG_WORDS),
    "three words with letters swapped": lambda text: _words(text, _swapped, least=6, most=LONG_WORDS),
    "link without scheme": lambda text: _link(text, lambda _, host, after: host + after),
    "link with hxxp": lambda text: _link(text, lambda _, host, after: f"hxxp://{host}{after}"),
    "link with [.]": lambda text: _link(text, lambda before, host, after: before + host.replace(".", "[.]") + after),
    "link with a blank before the last dot": lambda text: _link(
        text, lambda before, host, after: before + _last_dot(host, " .") + after
    ),
    "link with a blank behind the last dot": lambda text: _link(
        text, lambda before, host, after: before + _last_dot(host, ". ") + after
    ),
    "link with (point)": lambda text: _link(
        text, lambda before, host, after: before + _last_dot(host, " (point) ") + after
    ),
    "link with a port": lambda text: _link(text, lambda _, host, after: f"https://{host}:8443{after}"),
    "link with percent-encoded dots": lambda text: _link(
        text, lambda _, host, after: f"https://{host.replace('.', '%2e')}{after}"
    ),
    "link with full-width dots": lambda text: _link(
        text, lambda before, host, after: before + host.replace(".", "\uff0e") + after
    ),
    "link in capitals": lambda text: _link(text, lambda before, host, after: (before + host).upper() + after),
    "link with a trailing dot": lambda text: _link(text, lambda before, host, after: f"{before}{host}.{after}"),
    "link with userinfo": lambda text: _link(
        text, lambda _, host, after: f"https://www.service-public.fr@{host}{after}"
    ),
    "official link added": lambda text: f"{text} www.service-public.fr",
    "honest words in the path": lambda text: _link(
        text, lambda before, host, after: f"{before}{host}{after or '/'}?promo=docteur-mairie-ecole"
    ),
}
"""Name and disguise, in the order of the table."""


def disguised(text: str) -> Iterator[tuple[str, str]]:
    """Each trick's name with the text under it; tricks that change nothing of this text are left out."""
    for name, trick in TRICKS.items():
        changed = trick(text)
        if changed != text:
            yield name, changed
