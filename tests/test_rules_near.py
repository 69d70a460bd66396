"""Suggestions: a word that is near, or none."""

from __future__ import annotations

import pytest

from smsgate.rules.near import nearest


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("blok", "block"),
        ("BLOCK", "block"),
        ("thottle", "throttle"),
        ("flga", "flag"),
        ("flat", "flag"),
        ("rx_t_app", "RX_T_APPN"),
        ("drop", ""),
        ("", ""),
    ],
)
def test_the_nearest_word_is_suggested_if_it_is_near(word: str, suggestion: str) -> None:
    assert nearest(word, ["flag", "throttle", "block", "RX_T_APPN"]) == suggestion
