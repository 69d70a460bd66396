"""What a text of each kind of field may be, and what it becomes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from smsgate.config import fields
from smsgate.smpp.constants import Status
from smsgate.text.urls import links, plain

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.FR", "example.fr"),
        ("a-b.c--d.example", "a-b.c--d.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("Crédit.example", "xn--crdit-csa.example"),
        ("cre\u0301dit.example", "xn--crdit-csa.example"),
    ],
)
def test_a_domain_becomes_what_links_are_compared_with(text: str, expected: str) -> None:
    assert fields.domain(text) == expected
    assert [link.host for link in links(plain(f"http://{text}/"))] == [expected]


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("https://a.example/x?y#z", "a.example"),
        ("*.a.example", "a.example"),
        ("a.example.", "a.example"),
        ("a.example:443", "a.example"),
        ("mail@a.example", ""),
        ("example", ""),
        ("a..example", ""),
        ("-a.example", ""),
        ("a.example-", ""),
        ("a b.example", ""),
        ("a。example", ""),
        ("", ""),
        (f"{'a' * 250}.example", ""),
    ],
)
def test_what_is_no_domain_is_refused_with_the_domain_that_it_holds(text: str, suggestion: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        fields.domain(text)
    assert (caught.value.context or {}).get("suggestion") == suggestion


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ESME_RINVSRCADR", Status.ESME_RINVSRCADR),
        ("0x432", 0x432),
        ("102", 102),
        ("0xFFFFFFFF", 0xFFFFFFFF),
        ("4294967295", 0xFFFFFFFF),
    ],
)
def test_a_status_is_a_name_or_a_number(text: str, expected: int) -> None:
    assert fields.status(text) == expected


@pytest.mark.parametrize("value", ["0", "0x0", "ESME_ROK", "4294967296", "-1", "1.5", "٣", "0x", "", ["0x66"]])
def test_what_is_no_refusing_status_is_refused(value: object) -> None:
    with pytest.raises(PydanticCustomError):
        fields.status(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20 in 10m", (20, 600.0)),
        ("1 in 1s", (1, 1.0)),
        ("5 in 2h", (5, 7200.0)),
        ("1000 in 31 d", (1000, 2_678_400.0)),
    ],
)
def test_a_limit_is_a_number_in_a_window(text: str, expected: tuple[int, float]) -> None:
    assert fields.over(text) == expected


@pytest.mark.parametrize(
    "text", ["20", "20 in 10", "20 in 0s", "0 in 1m", "20 in 32d", "20/10m", "-1 in 1m", "1.5 in 1m"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        fields.over(text)


def test_a_day_is_an_iso_date_in_full() -> None:
    assert fields.expires("2027-06-30") == date(2027, 6, 30)
    for text in ("20270630", "2027-W26-3", "2027-02-29", "30/06/2027", "2027-6-30"):
        with pytest.raises(PydanticCustomError):
            fields.expires(text)


@pytest.mark.parametrize("text", ["CPF", "droits à la formation", "expir*", "l'assurance", "7"])
def test_a_keyword_is_words_or_a_prefix(text: str) -> None:
    assert fields.keyword(text) == text


@pytest.mark.parametrize("text", ["", "*", "!?", "ab*", "a*b", "*abc", "abc**"])
def test_a_keyword_that_could_not_hit_or_hits_all_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        fields.keyword(text)


@pytest.mark.parametrize(
    "text", ["any", "and", "link", "names", "sender", "links", "of", "a b", "", "-a", "_", "x" * 65]
)
def test_a_name_for_conditions_is_none_of_their_own_words(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        fields.term(text)


@pytest.mark.parametrize("text", ["cpf", "credit-agricole", "call_us", "prêt", "2fa"])
def test_a_name_for_conditions_is_letters_digits_and_marks_between(text: str) -> None:
    assert fields.term(text) == text


@pytest.mark.parametrize("text", ["moncpf", "crédit-a", "gouv24cpf"])
def test_a_token_for_anywhere_has_six_letters(text: str) -> None:
    assert fields.anywhere_token(text) == text
    with pytest.raises(PydanticCustomError):
        fields.anywhere_token("cpf2024")


@pytest.mark.parametrize(
    "check",
    [fields.domain, fields.keyword, fields.term, fields.status, fields.over, fields.expires, fields.condition,
     fields.sender, fields.phone, fields.token, fields.anywhere_token],
)  # fmt: skip
@given(st.text(max_size=40))
def test_any_text_is_accepted_or_refused_with_words_of_ours(check: Callable[[str], object], text: str) -> None:
    refused: dict[str, object] = {"found": "x", "expected": "y"}
    try:
        check(text)
    except PydanticCustomError as error:
        refused = error.context or {}
    assert refused["found"]
    assert refused["expected"]


@pytest.mark.parametrize("value", ["True", "1", "", "treu", None, ["true"]])
def test_what_is_no_switch_is_refused_with_one_spelling(value: object) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        fields.switch(value)
    assert caught.value.context is not None
    assert caught.value.context["expected"] == "true or false"
    assert caught.value.context.get("suggestion", "") == ("true" if value in ("True", "treu") else "")
