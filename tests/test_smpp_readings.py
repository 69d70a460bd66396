"""The same text gets the same verdict, whatever alphabet it comes in and whatever the request calls it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiosmpplib.codec import GSM7BitCodec
from hypothesis import given
from hypothesis import strategies as st

from smsgate.policy import Policy
from smsgate.settings import ClientSettings, DefaultAlphabet
from smsgate.smpp.coding import BY_NAME, GSM7, Alphabet
from smsgate.smpp.pdu import UNKNOWN_CODING, TextView, text_view
from smsgate.smpp.places import may_be_part
from smsgate.smpp.readings import readings, text_readings
from smsgate.smpp.udh import Udh
from smsgate.text.normalize import fold
from smsgate.text.reading import Reading
from tests import packs, pdus
from tests.gates import GENUINE, SCAM, rule_set
from tests.septets import pack

CODINGS = range(256)
WIDE = frozenset({0x08, *(c for c in range(0x10, 0x60) if c >> 2 & 3 == 2 and not c & 0x20), *range(0xE0, 0xF0)})
"""Codings under which handsets show UCS-2 and nothing else."""
ACCENTED = "Vòtre solde CPF èxpire à minuit, voir https://cpf-droits.example/é"
GENUINE_ACCENTED = "Votre rendez-vous est confirmé à 14h30, très bientôt"
FULL_WIDTH = str.maketrans({code: code + 0xFEE0 for code in range(0x30, 0x7B) if chr(code).isalnum()})
LOOKALIKES = str.maketrans("CPxaoe", "СРхаое")  # Cyrillic
MATHEMATICAL = str.maketrans({code: code - 0x41 + 0x1D400 for code in range(0x41, 0x5B)})
SEGMENT = bytes.fromhex("05 00 03 2a 01 01")
LONG_SEGMENT = bytes.fromhex("06 08 04 01 2a 01 01")

Encoder = Callable[[str], bytes]


def body_readings(body: bytes, udhi: bool, coding: int, default: Alphabet = GSM7) -> tuple[Reading, ...]:
    """The readings of a request with one body."""
    return readings(TextView(b"", (), udhi, coding, (body,)), default)


def gsm7(text: str) -> bytes:
    return bytes(GSM7BitCodec().encode(text)[0])


def encoded(codec: str) -> Encoder:
    return lambda text: text.encode(codec)


def packed(text: str) -> bytes:
    return pack(gsm7(text))


def led_by(mark: bytes, codec: str) -> Encoder:
    return lambda text: mark + text.encode(codec)


def refused(body: bytes, coding: int, *, udhi: bool = False, default: str = "gsm7") -> bool:
    found = body_readings(body, udhi, coding, BY_NAME[DefaultAlphabet(default)])
    return RULES.check(found, "", "").verdict.refused


RULES = rule_set()

CARRIERS: dict[str, tuple[Encoder, frozenset[int]]] = {
    # how it is encoded, and under which codings nobody could read it
    "GSM-7": (gsm7, frozenset()),
    "GSM-7 packed": (packed, WIDE),
    "Latin-1": (encoded("latin-1"), frozenset()),
    "Windows-1252": (encoded("cp1252"), frozenset()),
    "UTF-8": (encoded("utf-8"), frozenset()),
    "UTF-16 big-endian": (encoded("utf-16-be"), frozenset()),
    "UTF-16 little-endian": (encoded("utf-16-le"), frozenset()),
    "UTF-16 big-endian with its mark": (led_by(b"\xfe\xff", "utf-16-be"), frozenset()),
    "UTF-16 little-endian with its mark": (led_by(b"\xff\xfe", "utf-16-le"), frozenset()),
    "UTF-16 with half a character behind": (lambda text: text.encode("utf-16-be") + b"\xd8", frozenset()),
    "UTF-16 with a lone surrogate": (lambda text: b"\xd8\x3d" + text.encode("utf-16-be"), frozenset()),
}
TEXTS = pytest.mark.parametrize(
    ("text", "fraud"),
    [(SCAM, True), (ACCENTED, True), (GENUINE, False), (GENUINE_ACCENTED.replace("ô", "ò"), False)],
    ids=["scam", "accented scam", "genuine", "accented genuine"],
)


@pytest.mark.parametrize("carrier", CARRIERS)
@TEXTS
def test_every_alphabet_under_every_data_coding(carrier: str, text: str, fraud: bool) -> None:
    encode, unreadable = CARRIERS[carrier]
    body = encode(text)
    said = {coding for coding in (*CODINGS, UNKNOWN_CODING) if refused(body, coding)}
    assert said - unreadable == ({*CODINGS, UNKNOWN_CODING} - unreadable if fraud else set())


@pytest.mark.parametrize(
    ("coding", "codec", "disguise"),
    [
        (0x05, "shift_jis", FULL_WIDTH),
        (0x05, "iso2022_jp", FULL_WIDTH),
        (0x09, "shift_jis", FULL_WIDTH),
        (0x0A, "iso2022_jp", FULL_WIDTH),
        (0x0D, "iso2022_jp", FULL_WIDTH),
        (0x0E, "euc_kr", FULL_WIDTH),
        (0x06, "iso8859_5", LOOKALIKES),
        (0x07, "iso8859_8", {}),
        *((coding, codec, disguise) for coding in (0x00, 0x01, 0x03, 0x04, 0x08, 0xF1, UNKNOWN_CODING)
          for codec in ("utf-16-be", "utf-16-le") for disguise in (FULL_WIDTH, LOOKALIKES, MATHEMATICAL)),
        *((coding, "utf-8", disguise) for coding in (0x00, 0x01, 0x03, 0x04, 0xF1, UNKNOWN_CODING)
          for disguise in (FULL_WIDTH, LOOKALIKES, MATHEMATICAL)),
    ],
)  # fmt: skip
def test_letters_that_look_like_others(coding: int, codec: str, disguise: dict[int, int]) -> None:
    letters, host = SCAM.split(", ")
    assert refused(f"{letters.translate(disguise)}, {host}".encode(codec), coding)
    assert not refused(GENUINE.translate(disguise).encode(codec), coding)


@pytest.mark.parametrize("text", ["[CPF]expire", "solde{CPF}expire", "CPF_expire", "CPF~expire"])
def test_ascii_s_punctuation_is_letters_in_gsm7_and_parts_words_all_the_same(text: str) -> None:
    assert all(refused(text.encode(), coding) for coding in (*CODINGS, UNKNOWN_CODING))


@pytest.mark.parametrize("language", range(1, 14))
@pytest.mark.parametrize("shift", ["single", "locking", "both"])
@pytest.mark.parametrize("as_packed", [False, True], ids=["unpacked", "packed"])
def test_national_tables(language: int, shift: str, as_packed: bool) -> None:
    charmaps = pytest.importorskip("gsmcodecs.charmaps", reason="pip install gsmcodecs").GSMCHARMAPS
    locking = language if shift != "single" and "locking" in charmaps[language] else 0
    single = language if shift != "locking" else 0
    elements = (b"\x25\x01" + bytes([locking])) * (locking > 0) + (b"\x24\x01" + bytes([single])) * (single > 0)
    header = bytes([len(elements)]) + elements

    def encode(text: str) -> bytes:
        own, shifted = charmaps[locking]["locking"]["encode"], charmaps[single]["singleShift"]["encode"]
        septets = b""
        for point in map(ord, text):
            septets += bytes([own[point]]) if point in own else b"\x1b" + bytes([shifted[point]])
        return header + (pack(septets, -len(header) % 7) if as_packed else septets)

    texts = [SCAM, GENUINE]
    if shift == "locking" and language > 3:  # no capitals, no slash, no hyphen, no comma that both agree on
        texts = ["votre solde cpf expire: www.cpf.example", "votre rendez vous est confirme"]
    blocked, clean = map(encode, (text.replace(",", ":") for text in texts))
    assert texts[0].replace(",", ":") in [reading.text for reading in body_readings(blocked, True, 0x00)]
    assert {refused(blocked, coding, udhi=True) for coding in (0x00, 0x01, 0x04, 0x10, 0xC0, 0xF1)} == {True}
    assert not refused(clean, 0x00, udhi=True)
    assert refused(blocked, 0x00, udhi=False), "the header is there although the request does not say so"


@pytest.mark.parametrize("header", [SEGMENT, LONG_SEGMENT, bytes.fromhex("04 04 02 e2 e2"), b"\0"], ids=bytes.hex)
@pytest.mark.parametrize("encode", [gsm7, encoded("latin-1"), encoded("utf-16-be"), encoded("utf-16-le")])
def test_text_behind_a_header(header: bytes, encode: Encoder) -> None:
    for coding in (0x00, 0x01, 0x03, 0x04, 0x08, 0xF1):
        assert refused(header + encode(ACCENTED), coding, udhi=True)
        assert not refused(header + encode(GENUINE_ACCENTED.replace("ô", "ò")), coding, udhi=True)


@pytest.mark.parametrize("header", [SEGMENT, LONG_SEGMENT])
@pytest.mark.parametrize("udhi", [True, False])
def test_packed_text_begins_at_a_septet_from_the_header_s_first_bit(header: bytes, udhi: bool) -> None:
    body = header + pack(gsm7(ACCENTED), -len(header) % 7)
    assert refused(body, 0x00, udhi=udhi)
    assert refused(body, 0xF1, udhi=udhi, default="gsm7-packed")


@pytest.mark.parametrize("header", [SEGMENT, LONG_SEGMENT])
@pytest.mark.parametrize("encode", [gsm7, encoded("utf-16-be")])
def test_a_header_that_is_not_announced_hides_no_word(header: bytes, encode: Encoder) -> None:
    rules = rule_set()
    coding = 0x08 if encode is not gsm7 else 0x00
    body = header[:-1] + b"\x05" + encode("CPF expire")  # part 5, which GSM-7 has for "é", right before the brand
    assert " cpf expire " in [reading.words for reading in body_readings(body, False, coding)]
    assert rules.check(body_readings(body, False, coding), "", "").verdict.refused


@pytest.mark.parametrize("body", [b"\xff" + SCAM.encode(), b"\x06\x00\x03" + SCAM.encode(), b"\x7f" + b"CPF expire"])
def test_a_header_that_does_not_add_up_hides_nothing(body: bytes) -> None:
    from_first, from_second, *_ = body_readings(body, True, 0x00)
    assert from_second.text == from_first.text[1:]
    assert refused(body, 0x00, udhi=True)


@pytest.mark.parametrize(
    ("default", "encode"),
    [
        ("gsm7", gsm7),
        ("gsm7-packed", packed),
        ("ascii", encoded("latin-1")),
        ("latin1", encoded("latin-1")),
        ("utf8", encoded("utf-8")),
        ("ucs2", encoded("utf-16-be")),
    ],
)
def test_a_client_s_default_alphabet_comes_first_and_is_not_all(default: str, encode: Encoder) -> None:
    text = "Vòtre solde CPF èxpire à minuit, voir https://cpf-droits.example/é"
    first = body_readings(encode(text), False, 0x00, BY_NAME[DefaultAlphabet(default)])[0]
    assert (first.text, first.alphabet) == (text, default)
    for other in DefaultAlphabet:
        if (default, other) != ("gsm7-packed", "ucs2"):
            assert refused(encode(text), 0x00, default=other), other


def test_the_policy_goes_by_the_client_s_setting() -> None:
    rules = packs.rule_set(packs.rule("bad"), sets={"bad": ["期限"]})
    policy = Policy(rules, {"bank1": ClientSettings(default_alphabet=DefaultAlphabet.UCS2)})
    pdu = pdus.submit_sm("期限 您的验证码".encode("utf-16-be"))
    said = [
        policy.decide_pdu(pdus.SUBMIT_SM, pdu, 0, len(pdu), policy.client(name), 0.0) for name in ("bank1", "other")
    ]
    assert [verdict.refused for verdict in said] == [True, False]


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gsm7(GENUINE), 0x00),
        (gsm7("Le règlement de 12,50€ a été payé à l'école, merci à vous"), 0x00),
        (gsm7("écrire à info@banque.example pour 10$, ou £5"), 0x00),
        ("Le règlement de 45 EUR a été payé, merci à tous et bonne fin de semaine".encode("latin-1"), 0x03),
        ("Le règlement de 45 EUR a été payé, merci à tous et bonne fin de semaine".encode("latin-1"), 0x00),
        ("Votre colis est arrivé 🎁 À très vite !".encode("utf-16-be"), 0x08),
        ("您的验证码是，请勿告诉他人".encode("utf-16-be"), 0x08),
        (GENUINE.encode(), 0x01),
        (GENUINE.encode(), 0x03),
        (b"", 0x00),
    ],
)
def test_clean_bodies_have_one_reading(body: bytes, coding: int) -> None:
    assert len(body_readings(body, False, coding)) == 1


def test_readings_that_say_the_same_are_one() -> None:
    assert [reading.alphabet for reading in text_readings(b"a@b, c", 0x03)] == ["latin1"]
    assert [reading.alphabet for reading in text_readings(b"a[b", 0x03)] == ["latin1", "gsm7"]
    assert [reading.alphabet for reading in text_readings(b"https://user@pay.example", 0x03)] == ["latin1", "gsm7"]


def view(*bodies: bytes, coding: int = 0, udhi: bool = False) -> TextView:
    return TextView(b"", (), udhi, coding, bodies)


def test_several_bodies_are_read_each_and_together() -> None:
    assert [reading.text for reading in readings(view(b"un", b"deux", b"trois"))] == [
        "un",
        "deux",
        "trois",
        "un deux trois",
    ]
    found = readings(view(SEGMENT + b"un", SEGMENT + b"deux", udhi=True))
    assert [reading.words for reading in found] == [" un ", " deux ", " un deux "]


def test_bodies_of_several_alphabets_are_read_together() -> None:
    texts = [reading.text for reading in readings(view("deux".encode("utf-16-be"), b"un"))]
    assert texts[-2:] == ["@d@e@u@x un", "deux un"]


codings = st.integers(-1, 255)
defaults = st.sampled_from(list(BY_NAME.values()))
bodies = st.one_of(
    st.binary(max_size=160),
    st.text(max_size=70).map(lambda text: text.encode("utf-16-be", "surrogatepass")),
    st.text(max_size=70).map(lambda text: text.encode("utf-8", "replace")),
    st.builds(lambda ie, data, text: bytes([len(data) + 2, ie, len(data)]) + data + text,
              st.sampled_from([0x00, 0x08, 0x24, 0x25]), st.binary(max_size=6), st.binary(max_size=60)),
)  # fmt: skip


@given(bodies, st.booleans(), codings, defaults)
def test_any_octets_have_readings(body: bytes, udhi: bool, coding: int, default: Alphabet) -> None:
    found = body_readings(body, udhi, coding, default)
    assert 1 <= len(found) <= 40
    for reading in found:
        assert reading.words == fold(reading.text)


@given(st.lists(bodies, min_size=1, max_size=4), st.booleans(), codings)
def test_any_view_has_readings(several: list[bytes], udhi: bool, coding: int) -> None:
    for reading in readings(view(*several, coding=coding, udhi=udhi)):
        assert reading.words == fold(reading.text)


@given(bodies, st.booleans(), codings)
def test_a_plain_body_is_no_part_and_has_the_readings_that_it_has_otherwise(
    body: bytes, udhi: bool, coding: int
) -> None:
    pdu = pdus.submit_sm(body[:255], data_coding=coding & 0xFF, esm_class=pdus.UDHI if udhi else 0)
    view = text_view(pdus.SUBMIT_SM, pdu, 0, len(pdu))
    found, plain = readings(view), view.plain
    view.plain = False
    assert plain is not may_be_part(view)
    assert [(each.alphabet, each.text) for each in found] == [(each.alphabet, each.text) for each in readings(view)]


@given(bodies, codings)
def test_the_readings_behind_a_header_are_those_of_the_text(body: bytes, coding: int) -> None:
    alone = [reading.words for reading in text_readings(body, coding)]
    behind = [reading.words for reading in body_readings(b"\0" + body, True, coding)]
    expected = [reading.words for reading in text_readings(body, coding, header=Udh(1))]
    assert behind[: len(expected)] == expected
    assert set(behind[:1]) == set(alone[:1])
