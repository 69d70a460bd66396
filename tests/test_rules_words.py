"""The spellings that keywords and names are looked for in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.rules.compile import compile_packs
from smsgate.rules.words import keyword_entries, name_entries
from tests.packs import brand, pack, rule, rule_set


@pytest.mark.parametrize(
    ("keyword", "entry"),
    [("Échéance", " echeance "), ("expir*", " expir"), ("Crit'Air", " crit air "), ("carte vital*", " carte vital")],
)
def test_a_keyword_has_one_entry(keyword: str, entry: str) -> None:
    assert keyword_entries(keyword) == {entry}


@pytest.mark.parametrize("keyword", ["*", "!", "ex*pir", "ab*"])
def test_what_cannot_be_looked_for(keyword: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        keyword_entries(keyword)
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
    assert " chronopost" in name_entries("Chronopost*")


@pytest.mark.parametrize(
    ("text", "found"), [("rglement urgent", True), ("à réguulariser", True), ("reglemnet", True), ("payyer", False)]
)
def test_keywords_are_found_with_a_slip_where_the_pack_says_so(text: str, found: bool) -> None:
    words = pack(rule("pay"), sets={"pay": ["règlement", "régularis*", "payer"]})
    assert compile_packs([replace(words, typos=True)]).check_text(text).refused is found
    assert not compile_packs([words]).check_text(text).refused
