"""Every octet reads as the character that the standards say, and folding octets is folding their text."""

from __future__ import annotations

from functools import partial

import pytest
from aiosmpplib.codec import GSM_BASIC_DECODE_MAP, GSM_EXTENDED_DECODE_MAP, GSM7BitCodec
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.settings import DefaultAlphabet
from smsgate.smpp.coding import (
    ASCII,
    BY_NAME,
    CYRILLIC,
    EUC_JP,
    EVERY_READING,
    GSM7,
    HEBREW,
    ISO_2022_JP,
    KOREAN,
    LATIN_1,
    PACKED,
    SHIFT_JIS,
    UCS2,
    UCS2_LE,
    UTF_8,
    Alphabet,
    NationalAlphabet,
    named,
)
from smsgate.smpp.pdu import UNKNOWN_CODING
from smsgate.text.normalize import fold
from smsgate.text.reading import Reading
from smsgate.text.urls import links, plain
from tests.septets import pack

OCTET_ALPHABETS = pytest.mark.parametrize("alphabet", [GSM7, LATIN_1, ASCII], ids=lambda alphabet: alphabet.name)
ALPHABETS = pytest.mark.parametrize(
    "alphabet",
    [
        *(GSM7, PACKED, LATIN_1, ASCII, UTF_8, UCS2, UCS2_LE, CYRILLIC, HEBREW, SHIFT_JIS, ISO_2022_JP, KOREAN),
        *(NationalAlphabet(3, 3), NationalAlphabet(6, 6)),
    ],
    ids=lambda alphabet: alphabet.name,
)

link_like = st.text(st.sampled_from("abc.fr/:()[]{}doti \n\x0b\x0c\x1b\0\t@-_é\xa0\xad²€"), max_size=40).map(
    lambda text: text.encode("latin-1", "replace")
)
bodies = st.one_of(st.binary(max_size=160), link_like)


texts = st.text(st.sampled_from("aehlIAE 0134679éèà½.,/([*\n\r$@_"), max_size=40)


@ALPHABETS
@given(body=st.one_of(bodies, *(texts.map(partial(str.encode, encoding=codec)) for codec in ("latin-1", "utf-16-be"))))
@example(body=b"v1tale")
@example(body=b"a l'h\x04tel")
@example(body=b"\x04t\x04")
@example(body=b"13ab")
@example(body=b"\0a\0b\0")
def test_what_is_read_in_short_is_read_alike(alphabet: Alphabet, body: bytes) -> None:
    sole = alphabet.sole(body)
    if sole is not None:
        assert _said(sole) == _said(alphabet.read(body))


def _said(reading: Reading) -> tuple[str, str, str, bool, bool]:
    return reading.alphabet, reading.words, reading.text, reading.may_hold_link, reading.odd


def test_a_text_of_plain_letters_is_in_the_alphabet_that_was_named() -> None:
    letters = "Bonjour, rendez-vous le 12/03."
    assert None not in {alphabet.sole(letters.encode()) for alphabet in (GSM7, LATIN_1, ASCII, UTF_8)}
    assert UCS2.sole(letters.encode("utf-16-be")) is not None
    assert UCS2.sole(letters.encode()) is None
    assert PACKED.sole(letters.encode()) is None


@pytest.mark.parametrize(("code", "char"), GSM_BASIC_DECODE_MAP.items())
def test_gsm_basic_table(code: int, char: str) -> None:
    assert GSM7.read(bytes([code])).text == char


@pytest.mark.parametrize(("code", "char"), GSM_EXTENDED_DECODE_MAP.items())
def test_gsm_extension_table(code: int, char: str) -> None:
    assert GSM7.read(b"a\x1b" + bytes([code]) + b"b").text == f"a{char}b"


@given(st.text(st.sampled_from([*GSM_BASIC_DECODE_MAP.values(), *GSM_EXTENDED_DECODE_MAP.values()])))
def test_gsm_texts_as_aiosmpplib_encodes_them(text: str) -> None:
    assert GSM7.read(GSM7BitCodec().encode(text)[0]).text == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b\x41", "A"),  # no such pair: its second octet (23.038, 6.2.1.1)
        (b"a\x1b", "a "),
        (b"a\x1b\x1b\x65b", "a€b"),
        (b"https\x3a//pay.example/\x1b\x3cx\x1b\x3e", "https://pay.example/[x]"),
    ],
)
def test_gsm_escapes(body: bytes, text: str) -> None:
    assert GSM7.read(body).text == text


def test_latin_1_and_octets_above_gsm_s_own() -> None:
    latin, windows = bytes([*range(0x80), *range(0xA0, 0x100)]), b"\x80\x85\x91\x92\x96\x99\x8c\x9c\x9e"
    for alphabet in (LATIN_1, ASCII):
        assert alphabet.read(latin).text == latin.decode("latin-1")
        assert alphabet.read(windows).text == windows.decode("cp1252")
    assert GSM7.read(bytes(range(0xA0, 0x100))).text == bytes(range(0xA0, 0x100)).decode("latin-1")


@pytest.mark.parametrize(
    ("alphabet", "codec", "text"),
    [
        (UTF_8, "utf-8", "Échéance 𝐚 🙂 пин"),
        (UCS2_LE, "utf-16-le", "Éch€ance 𝐚 🙂"),
        (CYRILLIC, "iso8859_5", "Счёт СРF, §№1"),
        (HEBREW, "iso8859_8", "שלום CPF"),
        (SHIFT_JIS, "shift_jis", "ＣＰＦ 期限 ｱ"),
        (ISO_2022_JP, "iso2022_jp", "ＣＰＦ 期限 x"),
        (ISO_2022_JP, "iso2022_jp_1", "丂ＣＰＦ"),
        (KOREAN, "euc_kr", "ＣＰＦ 기한 x"),
    ],
)
def test_texts_as_python_s_codecs_encode_them(alphabet: Alphabet, codec: str, text: str) -> None:
    reading = alphabet.read(text.encode(codec))
    assert (reading.text, reading.words, reading.alphabet) == (text, fold(text), alphabet.name)


@given(st.text(st.sampled_from([*GSM_BASIC_DECODE_MAP.values(), *GSM_EXTENDED_DECODE_MAP.values()])))
def test_packed_texts(text: str) -> None:
    reading = PACKED.read(pack(GSM7BitCodec().encode(text)[0]))
    assert reading.text in {text, text.removesuffix("@")}
    assert reading.alphabet == "gsm7-packed"


@ALPHABETS
@given(body=st.binary(max_size=160))
def test_any_octets_have_a_reading(alphabet: Alphabet, body: bytes) -> None:
    reading = alphabet.read(body)
    assert reading.words == fold(reading.text)


@OCTET_ALPHABETS
@given(body=bodies)
def test_the_words_of_octets_are_those_of_their_text(alphabet: Alphabet, body: bytes) -> None:
    reading = alphabet.read(body)
    assert reading.words == fold(reading.text)


@ALPHABETS
@given(body=bodies)
@example(body=b"voir ici. fr\x11")  # a section sign in GSM 03.38, where ASCII has a letter-like line
@example(body=b"voir ici. \xadcom")
@example(body=b"voir ici. sh\xbap")
def test_no_link_is_missed_by_the_question_asked_first(alphabet: Alphabet, body: bytes) -> None:
    reading = alphabet.read(body)
    assert reading.may_hold_link or not links(plain(reading.text))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Éché€ance 𝐚 🙂".encode("utf-16-be"), "Éché€ance 𝐚 🙂"),
        (b"\xd8\x00\x00a", "\ud800a"),
        (b"\x00a\xdc\x00", "a\udc00"),
        (b"\xdc\x00\xd8\x00\x00b", "\udc00\ud800b"),
        (b"\x00a\x00", "a"),
        (b"\x00", ""),
        (b"", ""),
    ],
    ids=["pairs", "lone high", "lone low", "swapped", "odd", "one octet", "empty"],
)
def test_ucs2(body: bytes, text: str) -> None:
    reading = UCS2.read(body)
    assert (reading.text, reading.words) == (text, fold(text))


@given(st.binary(max_size=160))
def test_ucs2_reads_any_octets(body: bytes) -> None:
    reading = UCS2.read(body)
    assert reading.words == fold(reading.text)
    assert reading.text.encode("utf-16-be", "surrogatepass") == body[: len(body) // 2 * 2]


def test_every_data_coding_has_an_alphabet() -> None:
    assert all(named(coding) for coding in range(256))
    assert named(UNKNOWN_CODING) == EVERY_READING


@pytest.mark.parametrize(
    ("codings", "alphabets"),
    [
        ([0x00], [GSM7]),
        ([0x01], [ASCII]),
        ([0x03], [LATIN_1]),
        ([0x08], [UCS2]),
        ([0x05], [SHIFT_JIS, ISO_2022_JP, *EVERY_READING]),
        ([0x06], [CYRILLIC, *EVERY_READING]),
        ([0x07], [HEBREW, *EVERY_READING]),
        ([0x09], [SHIFT_JIS, *EVERY_READING]),
        ([0x0A], [ISO_2022_JP, *EVERY_READING]),
        ([0x0D], [ISO_2022_JP, EUC_JP, SHIFT_JIS, *EVERY_READING]),
        ([0x0E], [KOREAN, *EVERY_READING]),
        ([0x02, 0x04, 0x0B, 0x0C, 0x0F], EVERY_READING),
        ([0x10, 0x11, 0x12, 0x13, 0x40, 0x53], [GSM7]),
        ([0x14, 0x17, 0x44, 0x57], EVERY_READING),
        ([0x18, 0x19, 0x1B, 0x48, 0x5B], [UCS2]),
        ([0x1C, 0x1F, 0x4C, 0x5F], EVERY_READING),
        ([*range(0x20, 0x40), *range(0x60, 0x80)], EVERY_READING),  # compressed, or so they say
        ([*range(0x80, 0xC0)], EVERY_READING),
        ([*range(0xC0, 0xE0)], [GSM7]),
        ([*range(0xE0, 0xF0)], [UCS2]),
        ([0xF0, 0xF1, 0xF2, 0xF3, 0xF8], [GSM7]),
        ([0xF4, 0xF5, 0xF6, 0xF7, 0xFC], EVERY_READING),
    ],
    ids=lambda value: f"0x{value[0]:02x}" if isinstance(value[0], int) else None,
)
def test_data_coding_table(codings: list[int], alphabets: list[Alphabet]) -> None:
    for coding in codings:
        assert named(coding) == tuple(alphabets)


@pytest.mark.parametrize("name", DefaultAlphabet)
def test_what_a_client_s_default_alphabet_stands_for(name: DefaultAlphabet) -> None:
    default = BY_NAME[name]
    assert {named(coding, default) for coding in (0x00, 0x11, 0xC0, 0xF1)} == {(default,)}
    assert all(named(coding, default) == named(coding) for coding in (0x01, 0x03, 0x04, 0x08, 0xE0, UNKNOWN_CODING))
