"""Short names that look like other ones: the skeleton of a name, and what is one edit away from it.

The skeleton of a name is what a hasty reader sees of it: folded (case, accents, look-alike letters), without blanks and
signs, each digit and sign that stands for a letter as that letter, and one shape for those that are told apart by a pixel
(I, l, 1, !, |), for `rn` and `m`, and for `vv` and `w`. `AMEL1`, `Arneli` and `A meli` have the skeleton of `ameli`.

One edit is a letter lost, added, changed, or swapped with the next. Names that are one edit apart have a form in common among
themselves and what is left of each without one letter; `Resemblances` keeps the names under all their forms, so that a
search is a look-up for each letter of what is searched, however many names there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from smsgate.text.normalize import fold

MIN_SKELETON_CHARS: Final = 3
"""Of shorter names too many look alike: `5G` is no disguise of `SG`."""
MIN_EDIT_CHARS: Final = 5
"""One edit makes another name of a shorter one: `SFR` and `SNR`, `Lidl` and `Lild`."""

_SIGNS_AS_LETTERS: Final = str.maketrans("@$€£¥!|¡", "aselyiii")
_SHAPES: Final = str.maketrans("0134578l6", "oieastbig")


def skeleton(name: str) -> str:
    """What a reader may take a name for. A name without letters has none: numbers are not misread, they are other numbers."""
    if not any(map(str.isalpha, fold(name))):
        return ""
    words = fold(name.translate(_SIGNS_AS_LETTERS)).replace(" ", "")
    return words.translate(_SHAPES).replace("rn", "m").replace("vv", "w")


class Resemblances:
    """Names, found by what resembles them. Immutable."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_skeleton: dict[str, tuple[str, ...]] = {}
        self._by_form: dict[str, tuple[str, ...]] = {}
        self._longest = 0
        for name in dict.fromkeys(names):
            shape = skeleton(name)
            if len(shape) >= MIN_SKELETON_CHARS:
                self._by_skeleton[shape] = (*self._by_skeleton.get(shape, ()), name)
        for shape in self._by_skeleton:
            if len(shape) >= MIN_EDIT_CHARS:
                self._longest = max(self._longest, len(shape))
                for form in _forms(shape):
                    self._by_form[form] = (*self._by_form.get(form, ()), shape)

    def of(self, name: str) -> tuple[str, ...]:
        """The names that this one resembles, itself among them if it is one; those that look the same come first."""
        shape = skeleton(name)
        same = self._by_skeleton.get(shape, ())
        if not MIN_EDIT_CHARS - 1 <= len(shape) <= self._longest + 1:  # also what keeps a name of a PDU's length cheap
            return same
        near = {found for form in _forms(shape) for found in self._by_form.get(form, ())}
        edited = sorted(found for found in near if found != shape and is_one_edit(shape, found))
        return (*same, *(name for found in edited for name in self._by_skeleton[found]))


def is_one_edit(one: str, other: str) -> bool:
    """Whether a letter lost, added, changed, or swapped with the next makes the other of one; equal ones are not."""
    if len(one) > len(other):
        one, other = other, one
    start = 0
    while start < len(one) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    if len(left) < len(right):
        return left == right[1:]
    if left == right:
        return False
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])


def _forms(shape: str) -> Iterator[str]:
    yield shape
    for i in range(len(shape)):
        if not i or shape[i] != shape[i - 1]:  # of a doubled letter either leaves the same
            yield shape[:i] + shape[i + 1 :]
