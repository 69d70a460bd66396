"""Tables as people have them: what parts their columns, and which column holds what, by the words of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
