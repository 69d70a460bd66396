"""The `plain` text of `text.urls` with a trace: where in the text each of its characters was written.

For people who want to see what was found; slow and simple, a list of characters through the steps of `plain`.
"""

from __future__ import annotations

import re
import unicodedata

from smsgate.text.urls import DISGUISED_DOTS, MANY_MARKS, PLAIN_CHARS


def plain_with_offsets(text: str) -> tuple[str, list[int]]:
    """The `plain` text, and for each of its characters the index in `text` it comes from."""
    traced = list(zip(text, range(len(text)), strict=True))
    if "\0" in text or not text.isascii():
        traced = [(part, index) for char, index in traced for part in PLAIN_CHARS[ord(char)]]
        traced = _composed(_substituted(traced, MANY_MARKS, r"\1"))
    for disguise in DISGUISED_DOTS:
        traced = _substituted(traced, disguise, ".")
    return "".join(char for char, _ in traced), [index for _, index in traced]


_Traced = list[tuple[str, int]]
"""Characters, each with the index it comes from."""


def _substituted(traced: _Traced, pattern: re.Pattern[str], replacement: str) -> _Traced:
    done: _Traced = []
    position = 0
    for match in pattern.finditer("".join(char for char, _ in traced)):
        done += traced[position : match.start()]
        done += [(char, traced[match.start()][1]) for char in match.expand(replacement)]
        position = match.end()
    return done + traced[position:]


def _composed(traced: _Traced) -> _Traced:
    """In Unicode's form NFC: a letter and the marks on it, cut off where what follows would be the same without it."""
    done: _Traced = []
    position = 0
    while position < len(traced):
        cluster, end = traced[position][0], position + 1
        while end < len(traced) and not _parted(cluster, traced[end][0]):
            cluster += traced[end][0]
            end += 1
        done += [(char, traced[position][1]) for char in unicodedata.normalize("NFC", cluster)]
        position = end
    return done


def _parted(cluster: str, char: str) -> bool:
    apart = unicodedata.normalize("NFC", cluster) + unicodedata.normalize("NFC", char)
    return not unicodedata.combining(char) and unicodedata.normalize("NFC", cluster + char) == apart
