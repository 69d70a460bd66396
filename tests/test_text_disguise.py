"""Words in disguise: read as a reader reads them, with numbers, codes and names of things left what they are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.smpp.coding import ASCII, GSM7, LATIN_1, Alphabet
from smsgate.text.disguise import (
    TWO_SINGLES,
    disguised,
    display_order,
    has_hidden_characters,
    has_mixed_script,
    is_odd,
    is_spaced_out,
    kinds,
    may_be_disguised,
    spells_with_digits,
)
from smsgate.text.lookalikes import imitators
from smsgate.text.normalize import fold

pieces = st.one_of(
    st.text(max_size=3),
    st.sampled_from(["c4rte", "@", "$olde", " c a r t e", "I", "l", "\r", "\0", "4", "-", "\u202e"]),
)
texts = st.lists(pieces, max_size=12).map("".join)


def read(text: str) -> set[str]:
    """The words of each further reading that the two questions lead to."""
    if not (is_odd(text) or may_be_disguised(fold(text))):
        return set()
    return {fold(view).strip() for view in disguised(text).texts}


def runs(text: str) -> set[str]:
    return {fold(view).strip() for view in disguised(text).runs}


DISGUISES = [
    ("votre c4rte v1tale", "votre carte vitale"),
    ("vot4e v1ta1e", "votae vitale"),
    ("4meli", "ameli"),
    ("@mende", "amende"),
    ("march3", "marche"),
    ("4ntai", "antai"),
    ("c@rte v!tale c4rte", "carte v tale carte"),
    ("votre $olde", "votre solde"),
    ("am€li", "ameli"),
    ("¡nfo", "info"),
    ("vita|e", "vitale"),
    ("C0L1S", "colis"),
    ("𝟒meli", "ameli"),
    ("c\u200b4rt\u200be", "carte"),
    ("carte vitaIe", "carte vitale"),
    ("AMELl VlTALE", "ameli vitale"),
    ("am\reli", "ameli"),
    ("am*eli", "ameli"),
    ("vi\U0001f4e6tale", "vitale"),
    ("car\nte vitale", "carte vitale"),
    ("votre Iien, une fiIIe", "votre lien une fille"),
    ("c a r t e", "carte"),
    ("c.a.r.t.e", "carte"),
    ("A-N-T-A-I", "antai"),
    ("a\nm\ne\nl\ni", "ameli"),
    ("c \u0301a r t e", "carte"),
    ("la c a r t e du jour", "la carte du jour"),
    ("V o t r e   c a r t e   v i t a l e", "votre carte vitale"),
    ("C-A-R-T-E V-I-T-A-L-E", "carte vitale"),
    ("c 4 r t 3", "carte"),
    ("c @ r t e", "carte"),
    ("Ａ Ｍ Ｅ Ｌ Ｉ", "ameli"),
    ("а m е l і", "ameli"),
]


@pytest.mark.parametrize(("text", "words"), DISGUISES)
def test_disguises_are_read(text: str, words: str) -> None:
    assert words in read(text)


@pytest.mark.parametrize(
    "text",
    [
        "45,00 EUR, 20EUR, 45€, 12 €, $20, US$ 20, £20",
        "code G-482913, 4567, 482 913, A1B2",
        "14h30, 9h, 18H45, 24h/24, 7j/7, 12/03/2026",
        "AB-123-CD, AB123CD",
        "FR7699990000010000000000099",
        "H2O, 4G, 5G+, B2B, Covid-19, MP3, 1er, 2e, 3D, A4",
        "colis 6A01234567890, réf. XK47201",
        "Rendez-vous à 10h @ Lyon",
        "1 2 3 4 5, 01 99 00 12 34",
        "il y a à boire",
        "IA, SMS, Île, McDo, iPhone, Allo, CLI",
        "Bonjour,\r\nvotre rendez-vous\rdemain",
    ],
)
def test_numbers_codes_and_things_stay_what_they_are(text: str) -> None:
    assert {fold(word).strip() for word in read(text)} <= {fold(text.replace("\r", "\0")).strip()}


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("c a r t e v i t a l e", "cartevitale"),
        ("c.a-r t_e", "carte"),
        ("la c a r t e et s o l d e", "carte solde"),
        ("c 4 r t e", "carte"),
        ("c a r", None),
        ("1 3 a 4 5", None),
        ("une carte", None),
    ],
)
def test_where_the_cuts_are_lost_each_run_is_one_word(text: str, joined: str | None) -> None:
    assert joined in runs(text) if joined else not runs(text)


@given(texts)
@example("c\u0301 a r t e")
@example("a b c d\r4eee")
def test_every_reading_has_the_length_of_the_text(text: str) -> None:
    further = disguised(text)
    assert len(further.texts) <= 10
    assert len(further.runs) <= 5
    assert {len(view) for view in (*further.texts, *further.runs)} <= {len(text)}


@given(texts)
def test_a_text_that_neither_question_finds_has_no_other_reading(text: str) -> None:
    """The questions may say yes in vain, but not no where words come to light that were not there."""
    if not is_odd(text) and not may_be_disguised(fold(text)):
        assert {fold(view) for view in disguised(text).texts} <= {fold(text)}


@pytest.mark.parametrize("alphabet", [GSM7, LATIN_1, ASCII])
@given(body=st.binary(max_size=60))
@example(body=b"CARTE vita\x00e")
@example(body=b"vitaIe")
@example(body=b"\x1b\x65 12")
@example(body=b"12\x1b\x65uros")
@example(body=b"v1tale")
@example(body=b"march3")
@example(body=b"march\xe93")
@example(body=b"13ab")
def test_octets_are_as_odd_as_their_text(alphabet: Alphabet, body: bytes) -> None:
    reading = alphabet.read(body)
    assert reading.odd == (is_odd(reading.text) or spells_with_digits(kinds(fold(reading.text))))


@pytest.mark.parametrize(
    ("text", "mixed"),
    [
        ("votre cаrte vitale", True),  # Cyrillic
        ("CРF", True),
        ("ΛMELI", True),
        ("CΛRTE VITΔLE", True),
        ("l’été à Noël, cœur", False),
        ("ΚΑΛΗΜΕΡΑ καλημέρα", False),
        ("KAΛHMEPA", False),  # as GSM 03.38 has it: Latin capitals where both scripts share them
        ("привет", False),
        ("SMS-центр", False),
        ("5 kΩ", False),
        ("10 µm", False),
        ("𝗦𝗢𝗟𝗗𝗘𝗦 ＡＢＣ", False),
        ("Ça va", False),
        ("", False),
    ],
)
def test_mixed_script(text: str, mixed: bool) -> None:
    assert has_mixed_script(text) is mixed
    assert is_odd(text) or not mixed


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("am\u200beli", True),
        ("car\u00adte", True),
        ("am\u2060\u200deli", True),
        ("c\ufe0fpf", True),
        ("am\U000e0061eli", True),
        ("am\0eli", True),
        ("\u202eilema", True),
        ("❤\ufe0f 👩\u200d👧 super", False),
        ("1\ufe0f\u20e3 choix", False),
        ("\ufeffBonjour", False),
        ("\u202d06 39 98 00 00\u202c", False),
        ("می\u200cخواهم", False),
        ("e\u0301te\u0301", False),
        ("", False),
    ],
)
def test_hidden_characters(text: str, hidden: bool) -> None:
    assert has_hidden_characters(text) is hidden
    assert is_odd(text) or not hidden


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("la \u202eetrac\u202c ici", "la \u202ecarte\u202c ici"),
        ("\u202eilema", "\u202eameli"),
        ("\u202eab\n\u202ecd", "\u202eba\n\u202edc"),
        ("\u202e", "\u202e"),
    ],
)
def test_display_order(text: str, shown: str) -> None:
    order = display_order(text)
    assert order is not None
    assert sorted(order) == list(range(len(text)))
    assert "".join(text[index] for index in order) == shown


def test_without_an_override_a_text_is_shown_as_written() -> None:
    assert display_order("carte \u202d12\u202c") is None


@pytest.mark.timeout(20)  # each takes a fraction of a second; in quadratic time, minutes
@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "4", "4a", "a4a", "@", "@a", "\u0301", "а", "aа", "\0", "a\0", "\u202e", "\r", "a\r", "I", "aI", "l"],
)
def test_the_work_is_in_proportion_to_the_text(unit: str) -> None:
    text = unit * (64 * 1024 // len(unit))
    may_be_disguised(fold(text))
    is_odd(text)
    disguised(text)
    has_mixed_script(text)
    has_hidden_characters(text)
    display_order(text)


@given(st.text(st.sampled_from("aéΔ42 .@$\u00ad-"), max_size=20))
@example("a a a a")
@example("4 a 4 a")
def test_letters_to_join_are_where_two_single_ones_are(text: str) -> None:
    if is_spaced_out(fold(text)) and disguised(text).runs:
        assert any(pair in fold(text) for pair in TWO_SINGLES)


def test_all_imitators_are_where_they_are_looked_for() -> None:
    assert all(has_mixed_script(f"ca{letter}rte") and is_odd(letter) for letter in imitators())


@pytest.mark.timeout(5)
@given(st.text("a4 2", max_size=12))
@example("12ab5a2")
def test_words_of_a_part_need_not_end_in_a_blank(words: str) -> None:
    assert may_be_disguised(words) in {True, False}


def test_latin_octets_read_as_ucs2_are_no_disguise() -> None:
    """Such readings are judged beside the declared one, and each would pay for a second look."""
    for text in ("Bonjour, votre rendez-vous du 12 mars est reporté", "Merci de rappeler au 01 99 00 12 34 ce soir"):
        read_wrong = text.encode("latin-1").decode("utf-16-be", "replace")
        assert not is_odd(read_wrong)
        assert not may_be_disguised(fold(read_wrong))


def test_what_may_cut_a_word_may_also_end_one() -> None:
    texts = [fold(text) for text in disguised("votre soIde\nexpire").texts]
    assert any(" solde " in text for text in texts)
    assert any(" soldeexpire " in text for text in texts)
