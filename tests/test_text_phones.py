"""Numbers are found however they are written; dates, sums and parcel numbers are none."""

from __future__ import annotations

import pytest

from smsgate.text.normalize import fold
from smsgate.text.phones import MAX_NUMBERS, canonical, is_mobile, is_premium, located_numbers, phone_numbers


@pytest.mark.parametrize(
    "written",
    [
        "01 99 00 12 34",
        "0199001234",
        "01.99.00.12.34",
        "01-99-00-12-34",
        "0199 00 12 34",
        "+33 1 99 00 12 34",
        "+33199001234",
        "0033199001234",
        "+33 (0)1 99 00 12 34",
        "O1 99 OO 12 34",
        "0l 99 00 12 34",
    ],
)
def test_one_french_number_has_one_form(written: str) -> None:
    assert phone_numbers(fold(f"Appelez le {written}, dossier 12")) == ["33199001234"]
    assert canonical(written.replace("O", "0").replace("l", "1")) == "33199001234"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("07911 123456", "447911123456"),
        ("+44 (0)7911 123456", "447911123456"),
        ("0871 210 1359", "448712101359"),
        ("+1 (555) 785-6416", "15557856416"),
        ("555.785.6416", "15557856416"),
        ("5557856416", "15557856416"),
        ("+971586153091", "971586153091"),
        ("0 899 70 12 34", "33899701234"),
    ],
)
def test_numbers_of_other_shapes(written: str, number: str) -> None:
    assert phone_numbers(fold(f"call {written} now")) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "RDV le 01/12/2024 10:30, 45,50 EUR",
        "Colis 6Q01929938, suivi 485739206",
        "Votre code est 123456, valable 10 min",
        "le 08.11.2025 de 08h00 a 12h00",
        "appelez le 3646 ou le 36 46",
        "lol oo ll 12",
        "",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert phone_numbers(fold(text)) == []


def test_short_numbers_keep_their_digits() -> None:
    assert canonical("36 46") == "3646"


def test_kinds() -> None:
    assert is_premium(canonical("0 899 70 12 34"))
    assert is_premium(canonical("09061 701461"))
    assert not is_premium(canonical("01 99 00 12 34"))
    assert is_mobile(canonical("06 39 98 12 34"))
    assert is_mobile(canonical("+44 7911 123456"))
    assert not is_mobile(canonical("01 99 00 12 34"))


def test_a_text_of_numbers_ends_at_the_bound() -> None:
    assert len(phone_numbers(fold("0199001234 " * 100))) == MAX_NUMBERS


def test_numbers_are_found_with_their_place() -> None:
    words = fold("Appelez O6 39 98 00 01 ou 3646, +33 1 99 00 12 34")
    assert [(number, words[start:end]) for number, start, end in located_numbers(words)] == [
        ("33639980001", "o6 39 98 00 01"),
        ("33199001234", "33 1 99 00 12 34"),
    ]
