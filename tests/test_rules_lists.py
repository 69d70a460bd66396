"""A table answers like the set it was made of, and what is no whole table of the expected source is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.rules.lists import HEADER, SLOT_BYTES, DigestTable, TableError, as_number, build

SOURCE = bytes(range(16))
ENTRIES = [f"host{number}.example" for number in range(1000)]


def table(entries: list[str], seed: int = 7) -> DigestTable:
    return DigestTable(bytes(build(entries, len(entries), seed, SOURCE)), SOURCE)


@given(st.lists(st.text()), st.lists(st.text()), st.integers(0, 2**64 - 1))
def test_a_table_answers_like_a_set(entries: list[str], others: list[str], seed: int) -> None:
    made = table(entries, seed)
    assert [each in made for each in entries + others] == [each in set(entries) for each in entries + others]
    assert len(made) == len(set(entries))


def test_entries_that_meet_in_a_slot_are_all_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash of few values, 0 among them, which stands for a free slot."""
    monkeypatch.setattr("smsgate.rules.lists.xxh3_64_intdigest", lambda octets, seed: octets[0] * 64 % 2**12)
    made = table(list("abcdefgh@"))
    assert all(letter in made for letter in "abcdefgh@")
    assert "i" not in made


def test_a_pickled_table_is_the_same_table() -> None:
    made = pickle.loads(pickle.dumps(table(ENTRIES)))
    assert ENTRIES[17] in made
    assert "other.example" not in made
    assert repr(made) == repr(table(ENTRIES, seed=8)) == f"DigestTable({SOURCE.hex()})"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda octets: octets[: HEADER.size - 1], "shorter than a header"),
        (lambda octets: b"other" + octets[5:], "no list table"),
        (lambda octets: octets[:8] + (99).to_bytes(8, "little") + octets[16:], "no list table"),
        (lambda octets: octets[:8] + octets[8:16][::-1] + octets[16:], "no list table"),
        (lambda octets: octets[:-SLOT_BYTES], "cut off"),
        (lambda octets: octets[: HEADER.size], "cut off"),
        (lambda octets: octets + bytes(8), "something behind it"),
        (lambda octets: octets[:32] + (3).to_bytes(8, "little") + octets[40:], "impossible"),
        (lambda octets: octets[:32] + bytes(8) + octets[40:], "impossible"),
        (lambda octets: octets[:24] + (2**40).to_bytes(8, "little") + octets[32:], "impossible"),
        (lambda octets: octets[:40] + bytes(16) + octets[56:], "another source"),
    ],
)
def test_what_is_no_whole_table_of_its_source_is_refused(broken: Callable[[bytes], bytes], reason: str) -> None:
    octets = bytes(build(ENTRIES, len(ENTRIES), 7, SOURCE))
    with pytest.raises(TableError, match=reason):
        DigestTable(broken(octets), SOURCE)


@pytest.mark.parametrize(
    ("sender", "number"),
    [("+33 6 39 98 00 01", "33639980001"), ("0639980001", "33639980001"), ("Bank 0639980001", ""), ("36180", "36180")],
)
def test_a_sender_is_a_number_or_a_name(sender: str, number: str) -> None:
    assert as_number(sender) == number
