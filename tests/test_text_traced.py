"""The traced plain text is the plain text, and each of its characters leads back to where it was written."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.text.traced import plain_with_offsets
from smsgate.text.urls import plain

pieces = st.sampled_from(
    [
        "pay",
        ".",
        ". ",
        " .",
        "com",
        "fr",
        "[.]",
        "(dot)",
        "{ . }",
        " point ",
        "%2e",
        "\u3002",
        "\u2024",
        "\u2488",
        "\xad",
        "\n",
    ]
)


@given(
    st.lists(pieces | st.characters() | st.sampled_from("e\u0301\u0323\u200b\uff0e\u1100\u1161\0"), max_size=20).map(
        "".join
    )
)
@example("A\u030a\u0301\u0302\u0303\u0304\u0305 point com")
def test_each_character_of_the_plain_text_leads_back_to_where_it_comes_from(text: str) -> None:
    found, offsets = plain_with_offsets(text)
    assert found == plain(text)
    assert len(offsets) == len(found)
    assert offsets == sorted(offsets)


def test_places_of_the_plain_text() -> None:
    text = "\u200be\u0301t\u00e9 [.] \uff46r/\ufb01n"
    found, offsets = plain_with_offsets(text)
    assert [(char, text[place]) for char, place in zip(found, offsets, strict=True)] == [
        ("\u00e9", "e"),
        ("t", "t"),
        ("\u00e9", "\u00e9"),
        (".", " "),
        ("f", "\uff46"),
        ("r", "r"),
        ("/", "/"),
        ("f", "\ufb01"),
        ("i", "\ufb01"),
        ("n", "n"),
    ]
