"""The national language tables say what 3GPP TS 23.038, annex A, says."""

from __future__ import annotations

import pytest

from smsgate.smpp.national import BASIC, EXTENSION, LOCKING, SINGLE

SCRIPTS = range(4, 14)
MISPRINTS = {
    *(("locking", language, 0x2C) for language in SCRIPTS),  # an apostrophe for the comma
    ("locking", 7, 0x24),  # U+0CAA twice
    ("singleShift", 12, 0x65),  # no euro sign
}
"""Cells in which gsmcodecs 1.0.0 departs from the annex."""


def test_every_language_has_the_tables_that_the_annex_gives_it() -> None:
    assert set(LOCKING) == {1, 3, *SCRIPTS}
    assert set(SINGLE) == {1, 2, 3, *SCRIPTS}
    assert {len(table) for table in LOCKING.values()} == {128}
    assert {table[0x1B] for table in (BASIC, *LOCKING.values())} == {"\x1b"}
    assert all(EXTENSION.items() <= table.items() for table in SINGLE.values())


@pytest.mark.parametrize("language", SCRIPTS)
def test_latin_letters_and_what_hosts_are_made_of_stand_in_the_tables_of_every_script(language: int) -> None:
    locking, single = LOCKING[language], SINGLE[language]
    assert locking[0x61:0x7B] == "abcdefghijklmnopqrstuvwxyz"
    assert "".join(single[code] for code in range(0x41, 0x5B)) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert locking[0x30:0x3C] == "0123456789:;"
    assert (locking[0x20], locking[0x2E], single[0x0E], single[0x0F], single[0x00]) == (" ", ".", "-", "/", "@")


@pytest.mark.parametrize("kind", ["locking", "singleShift"])
def test_the_tables_are_those_that_another_has_typed(kind: str) -> None:
    charmaps = pytest.importorskip("gsmcodecs.charmaps", reason="pip install gsmcodecs")
    ours = {"locking": {0: dict(enumerate(BASIC))}, "singleShift": {0: dict(EXTENSION)}}
    ours["locking"] |= {language: dict(enumerate(table)) for language, table in LOCKING.items()}
    ours["singleShift"] |= {language: dict(table) for language, table in SINGLE.items()}
    for language, table in ours[kind].items():
        theirs = {code: chr(point) for code, point in charmaps.GSMCHARMAPS[language][kind]["decode"].items()}
        codes = [code for code in range(128) if code != 0x1B and (kind, language, code) not in MISPRINTS]
        assert {code: table.get(code, " ") for code in codes} == {code: theirs.get(code, " ") for code in codes}
