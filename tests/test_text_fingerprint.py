"""One campaign, one template; two campaigns, two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.text import fingerprint
from smsgate.text.fingerprint import MIN_WORDS
from smsgate.text.normalize import fold
from smsgate.text.urls import plain

WORDS = "bonjour votre colis est en attente reglez euros"


def template(text: str) -> str:
    return fingerprint.template(plain(text))


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour Marie, votre colis 88213 est en attente, réglez 1,99 euros : https://cutt.example/x7Gh",
        "Bonjour, votre colis est en attente. Reglez 12 euros: evil.com/a-very-long-path?of=words",
        "BONJOUR Jean Paul votre COLIS FR-2213-XK est en attente!! réglez 01.99 euros https://1.2.3.4",
        "bonjour votre c\u200bolis est en attente reglez 0 euros",
        "Bonjour Anne-Sophie O'Neill, v\u043etre colis est en attente r\u00e9glez euros hxxp://b[.]example/z",
    ],
)
def test_a_campaign_that_varies_link_number_and_name_keeps_its_template(text: str) -> None:
    assert template(text) == WORDS


def test_the_words_behind_a_title_are_a_name() -> None:
    assert template("Le dossier de Mme Dupont est clos ce jour") == template(
        "Le dossier de Mme Le Goff est clos ce jour"
    )


@pytest.mark.parametrize(
    "changing",
    [
        "https://a.example/x",
        "evil.com",
        "(evil[.]com)",
        "ici:evil.com",
        "evil point com",
        "jean@mail.example",
        "12/03",
        "et/ou",
        "FR-2213-XK",
        "\u00bd",
    ],
)
def test_what_changes_from_one_message_to_the_next_is_taken_out_from_blank_to_blank(changing: str) -> None:
    assert template(f"votre colis {changing} est en attente... reglez.") == "votre colis est en attente reglez"


@pytest.mark.parametrize("name", ["Marie", "MARIE", "Marie,", "Jean Paul", "Anne-Sophie O'Neill"])
@pytest.mark.parametrize("greeting", ["bonjour", "Bonjour,", "HELLO", "Mme", "M."])
def test_a_name_is_what_begins_with_a_capital_behind_a_greeting_or_a_title(greeting: str, name: str) -> None:
    kept = fold(f"{greeting} votre colis est la").strip()
    assert template(f"{greeting} {name} votre colis est la") == kept
    assert template(f"{greeting} votre colis est la {name}") == fold(f"{kept} {name}").strip()


def test_a_whole_text_in_capitals_is_no_name() -> None:
    assert template("BONJOUR VOTRE COLIS EST EN ATTENTE REGLEZ") == "bonjour en attente reglez"


def test_other_words_are_another_template() -> None:
    assert template("votre colis est en attente") != template("votre compte est en attente")


@pytest.mark.parametrize(
    "text", ["", "ok merci", "https://cutt.example/x un deux trois", "12 34 56 78 90", "a1 b2 c3 d4 e"]
)
def test_a_text_of_few_words_has_none(text: str) -> None:
    assert template(text) == ""


@given(st.text(max_size=200))
def test_a_template_is_made_of_words_of_the_text(text: str) -> None:
    made = template(text).split()
    assert not made or len(made) >= MIN_WORDS
    assert all(word.isalpha() for word in made)
    if "." not in text and "/" not in text and text.isascii():
        assert set(made) <= set(fold(text).split())


def test_a_flood_of_greetings_takes_time_in_proportion() -> None:
    assert template("Bonjour " * 9_000 + "un deux trois") is not None
