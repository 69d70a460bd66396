"""Files as people have them: their alphabet; of tables, what parts the columns, and which column holds what, by the words of its
name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from smsgate.text.normalize import fold

TEXT: Final = frozenset({"text", "texte", "message", "sms", "body", "contenu", "content"})
SENDER: Final = frozenset({"sender", "from", "expediteur", "emetteur", "number", "numero"})
NUMBER: Final = SENDER | {"phone", "telephone", "tel"}
LINK: Final = frozenset({"link", "lien", "url", "host", "domain", "domaine", "site"})
DATE: Final = frozenset({"date", "time", "timestamp", "received", "recu", "signalement"})
LABEL: Final = frozenset({"label", "class", "classe", "category", "categorie", "etiquette"})
CLIENT: Final = frozenset({"client", "system", "account", "compte"})
"""Words of a header, folded, by what stands in their column."""
UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
"""What a file in UTF-16 begins with where a spreadsheet wrote it."""


def decoded(octets: bytes) -> tuple[str, str]:
    """A line, or a whole file, and what it was taken for: UTF-8, else Windows-1252, which spreadsheets still write."""
    likely, name = ("utf-16", "UTF-16") if octets.startswith(UTF16_MARKS) else ("utf-8-sig", "UTF-8")
    with suppress(UnicodeDecodeError):
        return octets.decode(likely), name
    return octets.decode("cp1252", "replace"), "Windows-1252"


def delimiter(header: str) -> str:
    """What parts the columns of a table: a comma, a semicolon or a tab."""
    return max(",;\t", key=header.count)


def columns(names: Sequence[str], kinds: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """The name of the column for each kind that has one: the one named exactly so, else the first with a word of the kind."""
    found = {}
    for kind, words in kinds.items():
        name = next((name for name in names if name.strip().lower() == kind), None)
        if name is None:
            name = next((name for name in names if words & set(fold(name).split())), None)
        if name is not None:
            found[kind] = name
    return found
