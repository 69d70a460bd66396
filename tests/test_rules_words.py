"""The spellings that keywords and names are looked for in."""

from __future__ import annotations

import pytest

from smsgate.rules.words import keyword_entry, name_entries
from tests.packs import brand, rule, rule_set


@pytest.mark.parametrize(
    ("keyword", "entry"),
    [("Échéance", " echeance "), ("expir*", " expir"), ("Crit'Air", " crit air "), ("carte vital*", " carte vital")],
)
def test_a_keyword_has_one_entry(keyword: str, entry: str) -> None:
    assert keyword_entry(keyword) == entry


@pytest.mark.parametrize("keyword", ["*", "!", "ex*pir", "ab*"])
def test_what_cannot_be_looked_for(keyword: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        keyword_entry(keyword)
    with pytest.raises(ValueError, match="letters"):
        name_entries(keyword)


@pytest.mark.parametrize(
    "text",
    [
        "Chronopost",
        "chronpost",
        "chronoppost",
        "chronopsot",
        "votre collissimo",
        "asurance maladie",
        "assurancemaladie",
    ],
)
def test_a_name_is_found_with_one_slip_in_a_long_word_and_in_one_word(text: str) -> None:
    rules = rule_set(brand("any", "Chronopost", "Colissimo", "Assurance Maladie"), rule("names(any)"))
    assert rules.check_text(text).refused


@pytest.mark.parametrize("text", ["amelli", "ameil", "la pote", "lpa oste", "chornpost", "hronopost"])
def test_short_words_and_two_slips_are_not_found(text: str) -> None:
    rules = rule_set(brand("any", "Ameli", "La Poste", "Chronopost"), rule("names(any)"))
    assert not rules.check_text(text).refused


def test_the_beginning_of_a_name_is_found_as_it_is_written() -> None:
    assert name_entries("Chronopost*") == {" chronopost"}
