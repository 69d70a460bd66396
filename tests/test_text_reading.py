"""A reading of known characters, and one that is decoded only when somebody asks."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.text.disguise import is_odd, kinds, spells_with_digits
from smsgate.text.normalize import MAX_REPLACED, fold
from smsgate.text.reading import Reading
from smsgate.text.urls import may_hold_link


def test_of_text() -> None:
    reading = Reading.of_text("Voir pay.example : échéance")
    assert (reading.alphabet, reading.text) == ("text", "Voir pay.example : échéance")
    assert reading.words == " voir pay example echeance "
    assert reading.may_hold_link
    assert not Reading.of_text("Bonjour. À demain.").may_hold_link


texts = st.one_of(
    st.text(), st.text(st.sampled_from("aehlIAE 0134679éœ½.,/([*\n\r\0$@€’…📦Δа\u00ad\u200b"), max_size=40)
)


@given(texts)
@example("vi📦tale")
@example("l’appel – 📦")
@example("c4rte’")
@example("13ab")
@example("été" * 5 + "’" * (MAX_REPLACED + 1))
def test_a_text_is_as_its_characters_say_however_it_is_read(text: str) -> None:
    reading = Reading.of_text(text)
    words = fold(text)
    assert (reading.text, reading.words, reading.may_hold_link) == (text, words, may_hold_link(text))
    assert reading.odd == (is_odd(text) or spells_with_digits(kinds(words)))


def test_the_body_is_decoded_once_and_only_on_demand() -> None:
    decoded: list[bytes] = []

    def decode(body: bytes) -> str:
        decoded.append(body)
        return body.decode()

    reading = Reading("ascii", " bonjour ", False, False, b"Bonjour", decode)
    assert decoded == []
    assert [reading.text, reading.text] == ["Bonjour", "Bonjour"]
    assert decoded == [b"Bonjour"]
