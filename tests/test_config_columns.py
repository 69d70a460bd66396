"""Columns are found by the words of their names, whoever made the table."""

from __future__ import annotations

import pytest

from smsgate.config import columns

KINDS = {"text": columns.TEXT, "sender": columns.SENDER, "client": columns.CLIENT, "label": columns.LABEL}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (["text_id", "text"], {"text": "text"}),
        (["Message body", "From"], {"text": "Message body", "sender": "From"}),
        (["Émetteur", "Contenu", "Catégorie"], {"text": "Contenu", "sender": "Émetteur", "label": "Catégorie"}),
        (["system_id", "SMS"], {"client": "system_id", "text": "SMS"}),
        (["context", "textual"], {}),
        ([], {}),
    ],
)
def test_the_exact_name_or_else_the_first_with_the_word(header: list[str], found: dict[str, str]) -> None:
    assert columns.columns(header, KINDS) == found


def test_what_stands_most_often_in_the_header_parts_its_columns() -> None:
    assert [columns.delimiter(header) for header in ("a,b", "a;b;c,d", "a\tb", "a")] == [",", ";", "\t", ","]


@pytest.mark.parametrize(
    ("octets", "text", "encoding"),
    [
        (b"", "", "UTF-8"),
        ("réglé".encode(), "réglé", "UTF-8"),
        ("réglé".encode("utf-8-sig"), "réglé", "UTF-8"),
        ("réglé 5 €".encode("cp1252"), "réglé 5 €", "Windows-1252"),
        ("réglé".encode("utf-16"), "réglé", "UTF-16"),
        ("\ufeffréglé".encode("utf-16-be"), "réglé", "UTF-16"),
        (b"\xe9\x81", "é\ufffd", "Windows-1252"),
        (b"\xff\xfea", "ÿþa", "Windows-1252"),
    ],
)
def test_what_a_spreadsheet_writes_is_read(octets: bytes, text: str, encoding: str) -> None:
    assert columns.decoded(octets) == (text, encoding)
