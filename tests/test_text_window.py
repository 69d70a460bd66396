"""What is certain of a part between what is known of its neighbours: whole words only, and each link once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.text.normalize import fold, fold_part, glue
from smsgate.text.urls import links, plain
from smsgate.text.window import EDGE_CHARS, END, UNKNOWN, Neighbours, Window

SCRAPS = [
    "solde",
    " ",
    "  ",
    ".",
    "https://",
    "pay.com",
    "/a",
    "fr",
    " . com",
    "[",
    "dot",
    "]",
    "é",
    "\u200b",
    "\u0301",
    "!",
    "\n",
]
texts = st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join)


def words(text: str) -> str:
    return fold_part(text, fold(text))


def beside(text: str, *, unknown: bool = False) -> Neighbours:
    return Neighbours(words(text), text, unknown, not unknown)


def window(left: Neighbours, text: str, right: Neighbours) -> Window:
    return Window(left, words(text), text, right)


@given(texts, texts)
def test_folded_parts_make_the_folded_whole(first: str, second: str) -> None:
    joined = glue(glue(" ", glue(words(first), words(second))), " ")
    assert joined.strip() == fold(first + second).strip()
    assert window(beside(first), second, END).words.strip() == fold(first + second).strip()


@pytest.mark.parametrize(
    ("left", "text", "right", "expected"),
    [
        (END, "le solde", END, " le solde "),
        (END, "le solde", UNKNOWN, " le solde"),
        (END, "le solde ", UNKNOWN, " le solde "),
        (UNKNOWN, "solde du", END, "solde du "),
        (UNKNOWN, "…solde", UNKNOWN, " solde"),
        (UNKNOWN, "\u200bsolde\u200b", UNKNOWN, "solde"),
        (UNKNOWN, "\u200b", UNKNOWN, ""),
        (UNKNOWN, "...", UNKNOWN, " "),
        (beside("le so"), "lde ", UNKNOWN, " le solde "),
        (beside("le "), " solde", beside("r x"), " le solder x "),
    ],
)
def test_a_word_has_a_border_only_where_one_is_known(
    left: Neighbours, text: str, right: Neighbours, expected: str
) -> None:
    assert window(left, text, right).words == expected


@pytest.mark.parametrize(
    ("left", "text", "right", "settled"),
    [
        (END, "voir pay.com", END, "voir pay.com"),
        (END, "un deux voir pay.com", UNKNOWN, "un"),
        (END, "voir pay.com", UNKNOWN, ""),
        (UNKNOWN, "pay.com vu un deux", END, "deux"),
        (UNKNOWN, "un deux trois quatre cinq six sept", UNKNOWN, "quatre"),
        (END, "voir shop [ do", UNKNOWN, "voir"),
        (END, "voir shop. co", UNKNOWN, ""),
        (beside("voir pay.c"), "om un deux trois", UNKNOWN, "voir pay.com"),
        (beside("x", unknown=True), "y un deux trois", END, "trois"),
    ],
)
def test_what_is_open_is_left_out(left: Neighbours, text: str, right: Neighbours, settled: str) -> None:
    assert window(left, text, right).settled()[0].strip() == settled


@given(texts, texts, texts, st.permutations([0, 1, 2]))
def test_each_link_is_new_in_one_window_whatever_the_order(
    first: str, second: str, third: str, order: list[int]
) -> None:
    parts = [first, second, third]
    known: dict[int, str] = {}
    new: list[str] = []

    def side(numbers: range) -> Neighbours:
        text = ""
        for number in numbers:
            if number not in known:
                return beside(text, unknown=True)
            text = known[number] + text if numbers.step < 0 else text + known[number]
        return beside(text)

    for number in order:
        settled, start, end = window(
            side(range(number - 1, -1, -1)), parts[number], side(range(number + 1, 3))
        ).settled()
        new += [link.host for link in links(settled) if link.end > start and link.start < end]
        known[number] = parts[number]
    assert sorted(new) == sorted(link.host for link in links(plain("".join(parts))))


def test_a_word_without_end_is_settled_but_for_its_last_characters() -> None:
    settled, _, _ = window(END, "x" * 3 * EDGE_CHARS, UNKNOWN).settled()
    assert len(settled) == 2 * EDGE_CHARS


def test_a_surrogate_pair_is_put_together() -> None:
    """UCS-2 counts octets: a mathematical letter may be cut in two."""
    first, second = "carte vit\ud835", "\udc1ale "
    cut = window(beside(first), second, END)
    assert cut.words == " carte vitale "
    assert cut.settled()[0] == "carte vitale "
