"""Which letter a character imitates: every alphabet that scams borrow from, and nothing that an honest text means."""

from __future__ import annotations

import sys
import unicodedata
from string import ascii_lowercase

import pytest

from smsgate.text.lookalikes import lookalike
from smsgate.text.normalize import fold


@pytest.mark.parametrize(
    ("alphabet", "text", "plain"),
    [
        ("Cyrillic", "аеорсухіјѕһԁԛԝ", "aeopcyxijshdqw"),
        ("Cyrillic capitals", "АВЕКМНОРСТУХІЈЅ", "abekmhopctyxijs"),
        ("small letters like capitals", "вкмнт", "bkmht"),
        ("Greek capitals", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
        ("Greek small letters", "αικνορτυχω", "aikvoptuxw"),
        ("GSM 03.38 Greek", "ΔΛΣΓΞΘΦΩΠΨ", "aaereooony"),
        ("Armenian", "օսհո", "ouhn"),
        ("Cherokee", "ᎪᎬᎢᏟ", "aetc"),
        ("Lisu", "ꓮꓟꓰꓡꓲ", "ameli"),
        ("small capitals", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz"),
        ("strokes and hooks", "łøđħŧƒɨɓɗƙȼ", "lodhtfibdkc"),
        ("negative squared", "🅰🅼🅴🅻🅸", "ameli"),
        ("negative circled", "🅐🅜🅔🅛🅘", "ameli"),
        ("parenthesized", "⒜⒨⒠⒧⒤", "ameli"),
        ("capitals like I or l", "ІΙꓲ𝐈", "iiii"),
        ("the small palochka", "ӏ", "l"),
    ],
)
def test_look_alikes_fold_to_the_letter_they_imitate(alphabet: str, text: str, plain: str) -> None:
    assert fold(text).strip() == plain


@pytest.mark.parametrize("char", "×∞∨∪|З३٥۱०〇סו१ا")
def test_signs_digits_and_what_runs_from_right_to_left_imitate_nothing(char: str) -> None:
    assert lookalike(char) is None


def test_a_plain_letter_is_itself() -> None:
    assert [lookalike(letter) for letter in ascii_lowercase] == list(ascii_lowercase)
    assert [lookalike(letter) for letter in ascii_lowercase.upper()] == list(ascii_lowercase)


def test_every_mathematical_letter_is_the_one_its_name_says() -> None:
    for code in range(0x1D400, 0x1D7CC):
        name = unicodedata.name(chr(code), "")
        letter = name.rpartition(" ")[2]
        if len(letter) == 1:
            assert fold(chr(code)).strip() == letter.lower(), name


def test_what_a_look_alike_folds_to_is_small_latin_letters_or_a_blank() -> None:
    for code in range(sys.maxunicode + 1):
        known = lookalike(chr(code))
        assert known is None or set(known) <= {*ascii_lowercase, " "}, hex(code)
