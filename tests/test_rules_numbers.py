"""Phone numbers as facts: read only when a rule may need them, compared with the brand's own."""

from __future__ import annotations

import pytest

from smsgate.rules import numbers
from smsgate.rules.model import Action, Official
from tests.packs import brand, rule, rule_set

BANK = brand("bank", "Examplebank")
BANK_WITH_NUMBERS = BANK.__class__(
    "bank", ("Examplebank",), BANK.where, official=Official(phones=("01 99 00 12 34", "3900"))
)


@pytest.mark.parametrize(
    ("condition", "hit", "missed"),
    [
        ("call and phone", "call 01 99 00 12 34", "call me"),
        ("call and premium_number", "call 0 899 70 12 34", "call 01 99 00 12 34"),
        ("call and mobile_number", "call 06 39 98 12 34", "call 01 99 00 12 34"),
        ("phone", "01 99 00 12 34", "call"),
        ("call and not phone", "call", "call 01 99 00 12 34"),
        ("call and amount", "call and get 20 EUR", "call before 20:00"),
        ("amount", "49,99 €", "49,99"),
        ("not amount and call", "call", "call: £5"),
    ],
)
def test_facts_about_numbers(condition: str, hit: str, missed: str) -> None:
    rules = rule_set(rule(condition), sets={"call": ["call"]})
    assert rules.check_text(hit).action is Action.BLOCK
    assert not rules.check_text(missed).refused


@pytest.mark.parametrize("condition", ["foreign_phone(bank)", "impersonates(bank)"])
def test_a_number_beside_a_brand_is_foreign_unless_it_is_the_brands(condition: str) -> None:
    rules = rule_set(BANK_WITH_NUMBERS, rule(condition))
    assert rules.check_text("Examplebank: call 01 99 00 99 99").refused
    assert rules.check_text("Examplebank: call +33 1 99 00 12 34 or 01 99 00 99 99").refused
    assert not rules.check_text("Examplebank: call +33 1 99 00 12 34 or 3900").refused
    assert not rules.check_text("call 01 99 00 99 99").refused
    assert not rules.check_text("Examplebank: call us").refused


def test_of_a_brand_without_known_numbers_no_number_is_foreign() -> None:
    assert not rule_set(BANK, rule("foreign_phone(bank)")).check_text("Examplebank: call 01 99 00 99 99").refused


def test_numbers_are_read_only_where_a_rule_may_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def reader(words: str) -> list[str]:
        read.append(words)
        return []

    monkeypatch.setattr(numbers, "phone_numbers", reader)
    rules = rule_set(BANK_WITH_NUMBERS, rule("pay and foreign_phone(bank)"), sets={"pay": ["pay"]})
    rules.check_text("pay 01 99 00 99 99")
    assert read == []
    rules.check_text("Examplebank: pay 01 99 00 99 99")
    assert len(read) == 1


def test_sums_are_read_only_where_a_rule_may_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def reader(words: str, _: str) -> bool:
        read.append(words)
        return True

    monkeypatch.setattr(numbers, "has_amount", reader)
    rules = rule_set(rule("pay and amount"), sets={"pay": ["pay"]})
    assert not rules.check_text("call 5 EUR").refused
    assert not rules.check_text("pay nothing").refused
    assert read == []
    assert rules.check_text("pay 5 EUR").refused
    assert len(read) == 1
