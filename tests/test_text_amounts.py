"""Sums of money, in the ways people write them."""

from __future__ import annotations

import pytest

from smsgate.text.amounts import has_amount, may_hold_amount
from smsgate.text.normalize import fold


@pytest.mark.parametrize(
    "text",
    [
        "49,99 €",
        "3€50",
        "20€",
        "€ 20",
        "EUR 20",
        "20 EUR",
        "1,95EUR",
        "20 euros",
        "1 euro",
        "1 234,50 EUR",
        "£1.99",
        "$ 20",
        "20$",
        "12.00USD",
        "usd 5",
        "Payez 6,80EUR.",
        "CHF 12.-",
        "1,99e",
        "14,90 E",
        "\uff11\uff12 euros",
    ],
)
def test_a_number_with_a_unit_of_money_is_a_sum(text: str) -> None:
    words = fold(text)
    assert may_hold_amount(words)
    assert has_amount(words, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "le 12/03 à 20h30",
        "482913 is your code",
        "euros",
        "Europe 1",
        "€uro 2024",
        "EUROPA 20",
        "20 europeans",
        "2000 eurosport",
        "A$AP 20",
        "neuro 5",
        "le 25e rang",
        "1,99em",
    ],
)
def test_what_has_no_unit_or_no_number_is_none(text: str) -> None:
    assert not has_amount(fold(text), text)


def test_a_text_without_a_digit_cannot_hold_one() -> None:
    assert not may_hold_amount(fold("some euros"))
