"""What the figures in a text are, as bits: a phone number, a premium or mobile one, one that is not a named brand's; a sum.

Read only for texts that some rule with such a fact may hit (`RuleSet.facts`): the reader of phone numbers takes 2 µs or more, a
third of what a whole clean message costs; that of sums about 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from smsgate.text.amounts import has_amount, may_hold_amount
from smsgate.text.phones import canonical, is_mobile, is_premium, phone_numbers
from smsgate.text.reading import Reading
from smsgate.text.window import Window

PHONE: Final = 1 << 8
PREMIUM_NUMBER: Final = 1 << 9
MOBILE_NUMBER: Final = 1 << 10
PHONE_FACTS: Final = {"phone": PHONE, "premium_number": PREMIUM_NUMBER, "mobile_number": MOBILE_NUMBER}
AMOUNT: Final = 1 << 7
NUMBER_FACTS: Final = {**PHONE_FACTS, "amount": AMOUNT}


def amount(part: Reading | Window) -> int:
    """The bit of a sum of money. Decodes the text only where there is a digit."""
    return AMOUNT if may_hold_amount(part.words) and has_amount(part.words, part.text) else 0


class Numbers:
    """The reader of phone numbers, built once per rule set. `own` gives, for each bit that stands for "a number that is not this
    brand's", the brand's numbers as its pack writes them; `tests` are asked of each number."""

    def __init__(
        self, own: Mapping[int, Iterable[str]], tests: Sequence[tuple[Callable[[str], bool], int]] = ()
    ) -> None:
        self._tests = tuple(tests)
        self._own = {bit: frozenset(map(canonical, numbers)) for bit, numbers in own.items()}
        self._allowed: frozenset[str] = frozenset()

    def allow(self, numbers: frozenset[str]) -> None:
        """From now on these, in canonical form, are phone numbers and nothing worse."""
        self._allowed = numbers

    def facts(self, words: str) -> int:
        """The bits of a folded text."""
        given = phone_numbers(words)
        if not given:
            return 0
        bits = PHONE
        if self._allowed:
            given = [number for number in given if number not in self._allowed]
        if any(map(is_premium, given)):
            bits |= PREMIUM_NUMBER
        if any(map(is_mobile, given)):
            bits |= MOBILE_NUMBER
        for bit, own in self._own.items():
            if not own.issuperset(given):
                bits |= bit
        for test, bit in self._tests:
            if any(map(test, given)):
                bits |= bit
        return bits
