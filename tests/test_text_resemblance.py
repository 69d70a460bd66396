"""Skeletons and one edit, against a naive oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.text.resemblance import MIN_EDIT_CHARS, MIN_SKELETON_CHARS, Resemblances, is_one_edit, skeleton

# Few letters, so that names meet; with some that look alike.
names = st.text("abil1Io0rnmAé .5s", min_size=1, max_size=9)
words = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    "disguise",
    ["AMELI", "Améli", "a meli", "A.M.E.L.I", "AMEL1", "4meli", "Arneli", "@meli", "Ame|i", "Аmеli", "ame!i", "ameIi", "AMELL"],
)  # fmt: skip
def test_what_looks_the_same_has_the_same_skeleton(disguise: str) -> None:
    assert skeleton(disguise) == skeleton("ameli")


@pytest.mark.parametrize(("one", "other"), [("ameli", "amelia"), ("SG", "CA"), ("Free", "Frei"), ("Bank2", "Bank9")])
def test_other_names_have_other_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("number", ["38100", "+33 6 39 98 00 01", "", "...", "0", "€5"])
def test_a_number_has_none(number: str) -> None:
    assert skeleton(number) == ""


def edits(word: str) -> set[str]:
    """All that one edit makes of a word."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    made = {left + right[1:] for left, right in cuts if right}
    made |= {left + letter + right for left, right in cuts for letter in "abc"}
    made |= {left + letter + right[1:] for left, right in cuts if right for letter in "abc"}
    made |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    return made - {word}


@given(words, words)
def test_one_edit_is_what_one_edit_makes(one: str, other: str) -> None:
    assert is_one_edit(one, other) == (other in edits(one)) == is_one_edit(other, one)


def naive(known: list[str], name: str) -> set[str]:
    """The known names that look like this one, each compared by itself."""
    shape = skeleton(name)
    return {
        each
        for each in known
        if (skeleton(each) == shape and len(shape) >= MIN_SKELETON_CHARS)
        or (len(skeleton(each)) >= MIN_EDIT_CHARS and is_one_edit(shape, skeleton(each)))
    }


@given(st.lists(names, max_size=8), names)
def test_a_search_finds_what_comparing_with_each_name_finds(known: list[str], name: str) -> None:
    found = Resemblances(known).of(name)
    assert set(found) == naive(known, name)
    assert len(found) == len(set(found))


@given(st.lists(names, min_size=1, max_size=4), st.data())
def test_a_search_finds_every_edit_of_a_long_name(known: list[str], data: st.DataObject) -> None:
    long = [name for name in known if len(skeleton(name)) >= MIN_EDIT_CHARS]
    if not long:
        return
    name = data.draw(st.sampled_from(long))
    shape = skeleton(name)
    place = data.draw(st.integers(0, len(shape) - 1))
    assert name in Resemblances(known).of(f"{shape[:place]}x{shape[place + 1 :]}")


def test_those_that_look_the_same_come_first() -> None:
    assert Resemblances(["Amelie", "Ameli"]).of("AMEL1") == ("Ameli", "Amelie")


def test_a_short_name_is_not_one_edit_from_another() -> None:
    assert Resemblances(["LCL", "Lidl"]).of("LCK") == Resemblances(["LCL", "Lidl"]).of("Lild") == ()


def test_a_name_as_long_as_a_pdu_is_not_searched_letter_by_letter() -> None:
    """66 KiB of letters have two billion letters in their forms: this test would not end."""
    assert Resemblances(["CreditAgric"]).of("a" * 66_000) == ()
