"""Sums of money as people write them: `49,99 €`, `EUR 20`, `£1.99`, `20 euros`, `3€50`.

Units that are letters are looked for in the folded view, where a word is known to end; signs are no letters and only stand in
the text itself. A number without a unit is no sum, nor is a figure in the middle of another word.
"""

from __future__ import annotations

import re
from typing import Final

_DIGIT: Final = re.compile(r"\d")
_UNIT: Final = r"(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|cad|centimes?)"
_IN_WORDS: Final = re.compile(rf" (?=[\deudgpc])(?:\d+ ?{_UNIT}|{_UNIT} ?\d+)(?= )")
"""Begins with its blank and looks one character ahead: 0.8 µs on 100 characters, with a look behind 1.5."""
_SIGNED: Final = re.compile(r"[€£$.,](?:(?<=[€£$])(?:(?=\s?\d)|(?<=\d.)|(?<=\d\s.))|(?<=\d[.,])\d\d ?[eE](?!\w))")
"""Begins with its sign, since digits are common: 0.5 µs, the other way round 2.9. The last: `1,99e`, as people write without the
sign at hand; `25e` may be a rank."""


def has_amount(words: str, text: str) -> bool:
    """Whether a sum of money is given; `words` is the folded view of `text`."""
    return _IN_WORDS.search(words) is not None or _SIGNED.search(text) is not None


def may_hold_amount(words: str) -> bool:
    """False only when no sum can be in the text: it has no digit."""
    return _DIGIT.search(words) is not None
