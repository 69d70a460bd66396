"""Folding: disguises of a word lead to the word, what is no disguise stays, and every folded character leads back."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.text.normalize import OctetFolding, collapse, fold, fold_char, fold_with_offsets

texts = st.one_of(st.text(max_size=80), st.text(st.sampled_from("aÉ’' \n.-0€\u200b\u0301ﬁЕ𝐚ß\0"), max_size=40))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L’Assurance maladie", "l assurance maladie"),
        ("L'Assurance L`Assurance L´Assurance", "l assurance l assurance l assurance"),
        ("L\u02bcéchéance l\u02b9été", "l echeance l ete"),
        ("Crit’Air CRIT AIR crit-air", "crit air crit air crit air"),
        ("ÉCHÉANCE échéance e\u0301che\u0301ance", "echeance echeance echeance"),
        ("Œuvre, cœur, Æ", "oeuvre coeur a"),
        ("URGENT : Crit'Air, échéance le 12/03 !", "urgent crit air echeance le 12 03"),
        ("forêt ça où Noël", "foret ca ou noel"),
    ],
)
def test_accents_case_and_apostrophes(text: str, words: str) -> None:
    assert fold(text) == f" {words} "


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Cyrillic", "аmеli саrtе", "ameli carte"),
        ("Cyrillic capitals", "АМЕLІ СРF", "ameli cpf"),
        ("Greek capitals", "ΑΜΕLΙ ΝΕΤFLΙΧ", "ameli netflix"),
        ("GSM 03.38 capitals", "ΛMELI CΛRTE VITΔLE CHRΟNOPΟST", "ameli carte vitale chronopost"),
        ("GSM 03.38 small letters", "åmeli cøde", "ameli code"),
        ("full width", "ａｍｅｌｉ　ＣＰＦ", "ameli cpf"),
        ("mathematical", "𝐚𝐦𝐞𝐥𝐢 𝗖𝗣𝗙 𝓿𝓲𝓽𝓪𝓵𝓮", "ameli cpf vitale"),
        ("circled", "ⓐⓜⓔⓛⓘ", "ameli"),
        ("zero width", "am\u200be\u200dl\ufeffi", "ameli"),
        ("bidi", "\u202dameli\u202c \u2066cpf\u2069", "ameli cpf"),
        ("soft hyphen", "car\u00adte vi\u00adtale", "carte vitale"),
        ("variation selectors", "c\ufe0fp\ufe00f", "cpf"),
        ("tags", "am\U000e0061eli", "ameli"),
        ("NUL", "am\0eli", "ameli"),
        ("Hangul fillers", "am\u3164e\u115fli", "ameli"),
        ("ligatures", "conﬁrmez ﬂash", "confirmez flash"),
        ("no-break blanks", "carte\u00a0vitale\u202fici", "carte vitale ici"),
        ("stacked marks", "a\u0336m\u0336e\u0336l\u0336i\u0336", "ameli"),
    ],
)
def test_disguises(name: str, text: str, words: str) -> None:
    assert fold(text) == f" {words} "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("657,99 EUR", "657 99 eur"),
        ("code 0147 3058", "code 0147 3058"),
        ("ref 4R7T0", "ref 4r7t0"),
        ("100€", "100"),
        ("½ tarif", "tarif"),
        ("١٢٣", "١٢٣"),
        ("привет мир", None),
        ("東京", "東京"),
    ],
)
def test_amounts_codes_and_other_scripts_stay(text: str, words: str | None) -> None:
    folded = fold(text)
    assert folded == f" {words} " if words else folded.count(" ") == 3


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "!?…", "\u200b"])
def test_a_text_without_words_holds_none(blank: str) -> None:
    assert fold(blank).split() == []
    assert fold(blank) == collapse("") == fold_with_offsets(blank)[0]


def test_every_character_of_unicode_folds_to_something_stable() -> None:
    """A second folding changes nothing, and only letters, digits and blanks come out."""
    for code in range(0x110000):
        folded = fold(chr(code))
        assert fold(folded) == folded, hex(code)
        assert all(char == " " or unicodedata.category(char)[0] in "LN" for char in folded), hex(code)


@given(texts)
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(texts)
def test_words_are_parted_by_exactly_one_blank(text: str) -> None:
    folded = fold(text)
    assert folded[0] == folded[-1] == " "
    assert "  " not in folded or not folded.strip()


@given(texts)
@example("")
@example(" \n")
def test_offsets_lead_back_to_the_text(text: str) -> None:
    folded, offsets = fold_with_offsets(text)
    assert folded == fold(text)
    assert len(offsets) == len(folded)
    assert offsets == sorted(offsets)
    for char, offset in zip(folded, offsets, strict=True):
        if char != " ":
            assert char in fold_char(text[offset])


def test_offsets_of_an_example() -> None:
    folded, offsets = fold_with_offsets("L’Éch\u200b : œuf")
    start = folded.index("ech")
    assert [offsets[i] for i in range(start, start + 3)] == [2, 3, 4]
    start = folded.index("oeuf")
    assert [offsets[i] for i in range(start, start + 4)] == [9, 9, 10, 11]


@given(st.binary(max_size=80))
def test_octets_fold_as_their_characters_do(body: bytes) -> None:
    text = body.decode("latin-1")
    one_by_one = "".join(map(fold_char, text))
    assert OctetFolding(bytes(range(256)).decode("latin-1")).fold(body, body) in {fold(text), None}
    assert fold(text) == f" {' '.join(one_by_one.split())} "
