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
