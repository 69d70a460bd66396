"""A reading of known characters, and one that is decoded only when somebody asks."""

from __future__ import annotations

from smsgate.text.reading import Reading


def test_of_text() -> None:
    reading = Reading.of_text("Voir pay.example : échéance")
    assert (reading.alphabet, reading.text) == ("text", "Voir pay.example : échéance")
    assert reading.words == " voir pay example echeance "
    assert reading.may_hold_link
    assert not Reading.of_text("Bonjour. À demain.").may_hold_link


def test_the_body_is_decoded_once_and_only_on_demand() -> None:
    decoded: list[bytes] = []

    def decode(body: bytes) -> str:
        decoded.append(body)
        return body.decode()

    reading = Reading("ascii", " bonjour ", False, False, b"Bonjour", decode)
    assert decoded == []
    assert [reading.text, reading.text] == ["Bonjour", "Bonjour"]
    assert decoded == [b"Bonjour"]
