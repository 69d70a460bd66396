"""Every octet reads as the character that the standards say, and folding octets is folding their text."""

from __future__ import annotations

import pytest
from aiosmpplib.codec import GSM_BASIC_DECODE_MAP, GSM_EXTENDED_DECODE_MAP, GSM7BitCodec
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.smpp.coding import ASCII, EVERY_READING, GSM7, LATIN_1, UCS2, Alphabet, plausible
from smsgate.smpp.pdu import UNKNOWN_CODING
from smsgate.text.normalize import fold
from smsgate.text.urls import links, plain

OCTET_ALPHABETS = pytest.mark.parametrize("alphabet", [GSM7, LATIN_1, ASCII], ids=lambda alphabet: alphabet.name)
ALPHABETS = pytest.mark.parametrize("alphabet", [GSM7, LATIN_1, ASCII, UCS2], ids=lambda alphabet: alphabet.name)

link_like = st.text(st.sampled_from("abc.fr/:()[]{}doti \n\x0b\x0c\x1b\0\t@-_é\xa0\xad²€"), max_size=40).map(
    lambda text: text.encode("latin-1", "replace")
)
bodies = st.one_of(st.binary(max_size=160), link_like)


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
    every = bytes(range(256))
    assert LATIN_1.read(every).text == ASCII.read(every).text == every.decode("latin-1")
    assert GSM7.read(bytes(range(0xA0, 0x100))).text == bytes(range(0xA0, 0x100)).decode("latin-1")


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
    assert all(plausible(coding) for coding in range(256))
    assert plausible(UNKNOWN_CODING) == EVERY_READING


@pytest.mark.parametrize(
    ("codings", "alphabets"),
    [
        ([0x00], [GSM7]),
        ([0x01], [ASCII, GSM7]),
        ([0x03], [LATIN_1]),
        ([0x08], [UCS2]),
        ([0x02, 0x04, 0x05, 0x06, 0x07, *range(0x09, 0x10)], EVERY_READING),
        ([0x10, 0x11, 0x12, 0x13, 0x20, 0x30, 0x40, 0x53, 0x70], [GSM7]),
        ([0x14, 0x17, 0x24, 0x36, 0x44, 0x57], EVERY_READING),
        ([0x18, 0x19, 0x1B, 0x28, 0x3A, 0x48, 0x7B], [UCS2]),
        ([0x1C, 0x2F, 0x4C, 0x7F], EVERY_READING),
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
        assert plausible(coding) == tuple(alphabets)
